import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from '../../packaging/build.ts'

const checkout = join(import.meta.dirname, '../..')
/** Beside the dependencies, so that what is built finds them; `npm ci` empties it. */
const cache = join(checkout, 'node_modules/.cache/logcask-built')
/** Nobody runs one of these any more. */
const unusedMs = 86_400_000

/**
 * The command line as it is published (packaging/build.ts), built once for the sources as they are now and shared by
 * every process that asks: main.js, to be started with Node. Or the one that LOGCASK_MAIN names.
 */
export function builtCommand(): Promise<string> {
  built ??= process.env.LOGCASK_MAIN === undefined ? buildUnlessThere() : Promise.resolve(process.env.LOGCASK_MAIN)
  return built
}

/** One for all that a process starts, whatever is edited meanwhile. */
let built: Promise<string> | undefined

async function buildUnlessThere(): Promise<string> {
  const target = join(cache, await hashOfSources())
  const main = join(target, 'src/main.js')
  if (existsSync(main)) return main
  await mkdir(cache, { recursive: true })
  const building = join(cache, `.${randomBytes(6).toString('hex')}`)
  try {
    await build(building)
    // Another one may have been quicker; what is there is the same.
    await rename(building, target).catch((error) => {
      if (!existsSync(main)) throw error
    })
  } finally {
    await rm(building, { recursive: true, force: true })
  }
  await removeUnused()
  return main
}

async function hashOfSources(): Promise<string> {
  const hash = createHash('sha256')
  for (const room of ['src', 'packaging']) {
    const entries = await readdir(join(checkout, room), { recursive: true, withFileTypes: true })
    const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    for (const path of paths.sort())
      hash
        .update(path)
        .update('\0')
        .update(await readFile(path))
  }
  hash.update(await readFile(join(checkout, 'package.json')))
  return hash.digest('hex').slice(0, 16)
}

async function removeUnused(): Promise<void> {
  for (const name of await readdir(cache)) {
    const path = join(cache, name)
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }))
    if (Date.now() - mtimeMs > unusedMs) await rm(path, { recursive: true, force: true })
  }
}
