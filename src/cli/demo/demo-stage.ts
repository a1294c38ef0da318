import { mkdir, mkdtemp, readdir, realpath, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { hasBirthTimes, localFiles } from '../../agent/files/local-files.ts'
import type { Clock } from '../../base/clock.ts'
import { errnoOf, isCode } from '../../base/errors.ts'
import type { Bucket } from '../../bucket/bucket.ts'
import { parseKey } from '../../format/keys.ts'
import { readStatus, type StatusRecord } from '../agent/agent-status.ts'
import { usageError } from '../command.ts'
import { openBucket } from '../compose/open-bucket.ts'
import { publishedFiles } from './demo-compare.ts'
import { createDemoWriter, type DemoWriter } from './demo-writer.ts'

export const demoHost = 'demo'
export const bucketNames = ['a', 'b'] as const
export type BucketName = (typeof bucketNames)[number]

/** Everything that the demo has on disk. */
export interface DemoStage {
  directory: string
  server: string
  config: string
  writer: DemoWriter
  buckets: Readonly<Record<BucketName, WatchedBucket>>
  url(bucket: BucketName): string
  /** What the agent says of itself; undefined where it has not said anything yet. */
  agentStatus(): Promise<StatusRecord | undefined>
  forgetState(): Promise<void>
  serverBytes(): Promise<number>
  log(name: string): string
}

export async function setStage(
  given: string | undefined,
  timing: { seconds: number; rotateEveryMs: number },
  clock: Clock,
): Promise<DemoStage> {
  const directory =
    given === undefined ? await mkdtemp(join(await realpath(tmpdir()), 'logcask-demo-')) : resolve(given)
  await requireEmpty(directory)
  const at = (name: string): string => join(directory, name)
  const url = (bucket: BucketName): string => pathToFileURL(at(bucket)).href
  const files = localFiles({ birthTimes: await hasBirthTimes(directory), spoolDirectory: directory })
  await writeFile(at('agent.yaml'), configText(directory, url))
  return {
    directory,
    server: at('server'),
    config: at('agent.yaml'),
    writer: createDemoWriter({
      directory: at('logs'),
      ...timing,
      clock,
      identify: (path) => files.peek(path, false)?.identity,
    }),
    buckets: {
      a: new WatchedBucket(at('a'), await openBucket(url('a'), {}, 'read', clock)),
      b: new WatchedBucket(at('b'), await openBucket(url('b'), {}, 'read', clock)),
    },
    url,
    agentStatus: async () => readStatus(at('state')).catch(() => undefined),
    forgetState: () => rm(at('state'), { recursive: true, force: true }),
    async serverBytes() {
      let bytes = 0
      for (const path of await publishedFiles(at('server'))) bytes += await sizeOf(path)
      return bytes
    },
    log: (name) => at(`${name}.log`),
  }
}

/** In bytes; 0 for a file that was set aside since it was listed. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 0
    throw error
  }
}

/** Only what the demo made itself may be in its directory: it renames and deletes there. */
async function requireEmpty(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true })
  if ((await readdir(directory)).length > 0)
    throw usageError(`${directory}: is not empty`, 'name an empty or a new directory, or leave --dir out')
}

function configText(directory: string, url: (bucket: BucketName) => string): string {
  const text = (value: string): string => JSON.stringify(value)
  // A pattern's own signs in the directory's name are meant as they are.
  const pattern = `${directory.replace(/[\\*?[\]{}()!+@|]/g, '\\$&')}/logs/*.log*`
  const budget = 'budget: { burst: 1000, everySeconds: 0.1 }'
  return `# Written by logcask demo. More haste than a real one needs: sealAfter and budget.
host: ${demoHost}
state: ${text(join(directory, 'state'))}
sources:
  - { name: demo, include: [${text(pattern)}], sealAfter: 1s }
destinations:
${bucketNames.map((name) => `  - { name: ${name}, url: ${text(url(name))}, ${budget} }`).join('\n')}
scanInterval: 1s
drainTimeout: 5s
`
}

/** A bucket that the demo takes away and brings back, and in which it watches that what was once there stays as it was. */
export class WatchedBucket {
  readonly bucket: Bucket
  readonly #directory: string
  readonly #seen = new Map<string, string>()
  readonly #rewritten = new Set<string>()
  /** Bytes of all segments, when last looked at. */
  bytes = 0

  constructor(directory: string, bucket: Bucket) {
    this.#directory = directory
    this.bucket = bucket
  }

  /** Objects that were seen and are gone, or are not what they were. */
  get rewritten(): number {
    return this.#rewritten.size
  }

  /** The way a mount is lost: what was there is not, and nobody is told. */
  takeAway(): Promise<void> {
    return rename(this.#directory, `${this.#directory}.away`)
  }

  /** A PUT that was under way may have left empty directories in its place. Rejects where anything else is there. */
  async bringBack(): Promise<void> {
    await removeEmpty(this.#directory)
    await rename(`${this.#directory}.away`, this.#directory)
  }

  /** Lists everything. False where the bucket does not answer: then nothing is known (I4). */
  async look(): Promise<boolean> {
    const now = new Map<string, string>()
    let bytes = 0
    try {
      for (const room of ['segments/', 'seals/', 'gaps/', 'aliases/']) {
        for await (const entry of this.bucket.list(room)) {
          if (entry.kind !== 'object') continue
          now.set(entry.key, `${entry.size} bytes of ${entry.storedAtMs}`)
          if (parseKey(entry.key)?.kind === 'segment') bytes += entry.size
        }
      }
    } catch (error) {
      if (isCode(error, 'unavailable') || errnoOf(error) !== undefined) return false
      throw error
    }
    for (const [key, as] of this.#seen) if (now.get(key) !== as) this.#rewritten.add(key)
    for (const [key, as] of now) if (!this.#seen.has(key)) this.#seen.set(key, as)
    this.bytes = bytes
    return true
  }
}

/** Removes a tree of directories that holds no file; never a file. */
async function removeEmpty(directory: string): Promise<void> {
  const names = await readdir(directory).catch((error) => {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  })
  if (names === undefined) return
  for (const name of names) await removeEmpty(join(directory, name))
  await rmdir(directory)
}
