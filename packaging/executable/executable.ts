import { chmod, copyFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { run } from '../run.ts'
import { writeAssets } from './assets.ts'
import { bundle } from './bundle.ts'
import { type Architecture, architectures, ownArchitecture, runtime } from './runtime.ts'
import { tool } from './tools.ts'

/** Node looks for this word in itself: a program was put in. */
const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

/**
 * Makes `target`: Node and the program in one file, for machines without Node. The same sources, tools and runtime give
 * the same bytes. Also for an architecture that is not this machine's: nothing of it is run.
 */
export async function buildExecutable(target: string, architecture: Architecture = ownArchitecture): Promise<void> {
  const room = await mkdtemp(join(dirname(target), '.executable-'))
  try {
    const main = join(room, 'logcask.cjs')
    await bundle(main)
    const blob = join(room, 'program.blob')
    const settings = join(room, 'sea.json')
    const files = { main: basename(main), output: basename(blob), assets: await writeAssets(room) }
    await writeFile(settings, JSON.stringify({ ...files, ...seaSettings }))
    // Its own name goes into the blob, a path of this machine must not.
    await run(await runtime(ownArchitecture), ['--experimental-sea-config', basename(settings)], { cwd: room })
    const made = join(room, 'logcask')
    await copyFile(await runtime(architecture), made)
    await chmod(made, 0o755)
    await run(process.execPath, [await tool('postject'), made, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', fuse])
    await rename(made, target)
  } finally {
    await rm(room, { recursive: true, force: true })
  }
}

const seaSettings = {
  disableExperimentalSEAWarning: true,
  // A snapshot or a code cache would be of this machine's architecture; a cache did not help either (facts of the bench).
  useSnapshot: false,
  useCodeCache: false,
  // Else NODE_OPTIONS=--require=… of whoever starts it would run code in a program that root runs.
  execArgvExtension: 'none',
}

if (import.meta.main) {
  const [target = 'logcask', architecture = ownArchitecture] = process.argv.slice(2)
  const known = architectures.find((one) => one === architecture)
  if (known === undefined) throw new Error(`${architecture}: there are ${architectures.join(' ')}`)
  await buildExecutable(join(process.cwd(), target), known)
  process.stdout.write(`built ${target} for linux-${known}\n`)
}
