import { createHash } from 'node:crypto'
import { appendFile, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { FaultS3 } from '../support/fault-s3.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { type Ended, endNow, logcask, startLogcask } from './logcask-process.ts'
import { s3Url, serve } from './ship-stage.ts'

export const buckets = ['eu', 'us'] as const
export type BucketName = (typeof buckets)[number]

/** Hosts that write, rotate and deliver into two buckets of one versioned server, and what they wrote. */
export class JoinedStage {
  readonly directory: string
  readonly server: FaultS3
  readonly hosts: readonly string[]
  readonly random
  /** Everything that was ever a file, by its SHA-256: each is to be one stream. */
  readonly written = new Set<string>()
  kills = 0
  readonly #files: number
  readonly #live = new Map<string, Buffer>()

  static async open(directory: string, size: { hosts: number; files: number; seed: number }): Promise<JoinedStage> {
    return new JoinedStage(directory, await serve({ buckets, versioned: true }), size)
  }

  private constructor(directory: string, server: FaultS3, size: { hosts: number; files: number; seed: number }) {
    this.directory = directory
    this.server = server
    this.random = seededRandom(size.seed)
    this.hosts = Array.from({ length: size.hosts }, (_, at) => `web-${at + 1}`)
    this.#files = size.files
  }

  url(bucket: BucketName): string {
    return s3Url(this.server, bucket)
  }

  /** Every live file grows. */
  async append(): Promise<void> {
    for (const host of this.hosts) {
      await mkdir(this.#logs(host), { recursive: true })
      for (let at = 0; at < this.#files; at++) {
        const path = join(this.#logs(host), `app-${at}.log`)
        const bytes = this.random.bytes(this.random.int(1, 60_000))
        await appendFile(path, bytes)
        this.#live.set(path, Buffer.concat([this.#live.get(path) ?? Buffer.alloc(0), bytes]))
      }
    }
  }

  /** Every live file gets another name, and its life as a file ends. */
  async rotate(round: number): Promise<void> {
    for (const path of this.#live.keys()) await rename(path, `${path}.${round}`)
    this.end()
  }

  end(): void {
    for (const content of this.#live.values()) this.written.add(createHash('sha256').update(content).digest('hex'))
    this.#live.clear()
  }

  async removeRotated(): Promise<void> {
    for (const host of this.hosts)
      for (const name of await readdir(this.#logs(host)))
        if (!name.endsWith('.log')) await rm(join(this.#logs(host), name))
  }

  /** Each host delivers to both, and is killed at some moment of it; then once more to `reached`, to the end. */
  async deliver(reached: readonly BucketName[]): Promise<Ended[]> {
    const ends: Ended[] = []
    for (const host of this.hosts) {
      const args = ['ship', this.#logs(host), '--host', host, '--state', join(this.directory, 'state', host)]
      const to = (names: readonly BucketName[]): string[] => names.flatMap((name) => ['--to', this.url(name)])
      await this.kill([...args, ...to(buckets)])
      ends.push(await logcask([...args, ...to(reached)]))
    }
    return ends
  }

  /** Starts a command, and kills it at some moment: while it starts, works, or is done. */
  async kill(args: readonly string[]): Promise<void> {
    const running = startLogcask(args)
    const killed = new Promise((resolve) => setTimeout(resolve, this.random.int(250, 900)))
    await Promise.race([killed, running.ended])
    await endNow(running)
    await running.ended
    this.kills++
  }

  #logs(host: string): string {
    return join(this.directory, 'logs', host)
  }
}

/** What a compactor has published, by path: SHA-256 and size. */
export async function publishedIn(root: string): Promise<Map<string, { sha256: string; bytes: Buffer }>> {
  const found = new Map<string, { sha256: string; bytes: Buffer }>()
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true }).catch(() => [])) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isFile() || path.slice(root.length).includes('/.')) continue
    const bytes = await readFile(path)
    found.set(path.slice(root.length + 1), { sha256: createHash('sha256').update(bytes).digest('hex'), bytes })
  }
  return found
}

/** SHA-256 of what each object of an archive in a directory decodes to. */
export async function archivedIn(root: string): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isFile() || !entry.name.endsWith('.gz') || path.includes('/.')) continue
    found.push(
      createHash('sha256')
        .update(gunzipSync(await readFile(path)))
        .digest('hex'),
    )
  }
  return found
}
