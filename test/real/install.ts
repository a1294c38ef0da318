import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { sha256 } from '../../src/base/hash.ts'
import { ProcessGroup } from './process-group.ts'

/** Where servers stay installed from one run to the next. One run at a time may use it. */
export const toolsDirectory = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'logcask-ci')

/** Beyond this a package registry is not answering. */
const installTimeoutMs = 15 * 60_000

export type Installed = { isInstalled: true } | { isInstalled: false; why: string }

/**
 * `RECIPE install TOOLS` installs into a directory of its own; `RECIPE start TOOLS DIR PORT SECOND_PORT` serves S3 on
 * 127.0.0.1:PORT in the foreground, with its data in DIR.
 */
export function recipeOf(name: string): string {
  return join(import.meta.dirname, 'servers', `${name}.sh`)
}

/** Installs one after the other, in this order, at low priority; each promise settles when its turn is over. */
export function installInTurn(names: readonly string[]): Map<string, Promise<Installed>> {
  const installs = new Map<string, Promise<Installed>>()
  let previous: Promise<unknown> = Promise.resolve()
  for (const name of names) {
    const mine = previous.then(() => install(name))
    installs.set(name, mine)
    previous = mine
  }
  return installs
}

async function install(name: string): Promise<Installed> {
  const recipe = recipeOf(name)
  const directory = join(toolsDirectory, name)
  // A recipe that changed is another server: its text is the version.
  const version = sha256(await readFile(recipe))
  const stamp = join(directory, `installed-${version.slice(0, 16)}`)
  if (existsSync(stamp)) return { isInstalled: true }

  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  let output = ''
  const group = new ProcessGroup(['nice', recipe, 'install', directory], {
    onOutput: (text) => {
      output = (output + text).slice(-4096)
    },
  })
  const timeout = setTimeout(() => group.killNow(), installTimeoutMs)
  const code = await group.ended
  clearTimeout(timeout)
  if (code !== 0) return { isInstalled: false, why: `not installed: ${lastLine(output) || `status ${code}`}` }
  await writeFile(stamp, '')
  return { isInstalled: true }
}

export function lastLine(output: string): string {
  return output.trimEnd().split('\n').at(-1)?.trim() ?? ''
}
