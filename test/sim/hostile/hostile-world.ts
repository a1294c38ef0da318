import { sha256 } from '../../../src/base/hash.ts'
import { type Bucket, listObjects } from '../../../src/bucket/bucket.ts'
import { createMemoryBucket, type MemoryBucket } from '../../../src/bucket/memory.ts'
import { defaultArchiveTemplate, parseArchiveName } from '../../../src/compactor/archive/archive-name.ts'
import { createArchiveSink } from '../../../src/compactor/archive/archive-sink.ts'
import { archiveOnce } from '../../../src/compactor/archive/archiver.ts'
import { compactOnce } from '../../../src/compactor/compactor.ts'
import { openDirectorySink } from '../../../src/compactor/directory-sink.ts'
import type { SeededRandom } from '../../support/seeded-random.ts'
import { type StoredStream, storedStream } from '../../support/stored-stream.ts'
import { createVirtualClock, type VirtualClock } from '../../support/virtual-clock.ts'
import { processDisk, VirtualProcess } from '../process.ts'
import { VirtualDisk } from '../virtual-disk.ts'

const root = '/published'
const pace = { intervalMinMs: 1000, intervalMaxMs: 30_000, fullIntervalMs: 3_600_000 }
const dayMs = 86_400_000

/** One bucket with two hosts, a directory and an archive of it, and what is to be true of them. */
export class HostileWorld {
  readonly clock: VirtualClock = createVirtualClock()
  readonly bucket: MemoryBucket
  readonly archive: MemoryBucket
  readonly random: SeededRandom
  /** What was delivered before the host was taken over, and what the other host delivers. */
  readonly honest: StoredStream[] = []
  /** Of these their agent said that this was all. */
  readonly sealed = new Set<StoredStream>()
  readonly violations: string[] = []
  readonly #disk: VirtualDisk
  /** Longest that was ever seen under a published name. */
  readonly #published = new Map<string, Buffer>()
  readonly #archived = new Map<string, string>()

  constructor(random: SeededRandom) {
    this.random = random
    this.bucket = createMemoryBucket(this.clock, { versions: random.chance(0.5) })
    this.archive = createMemoryBucket(this.clock, { name: 'archive' })
    this.#disk = new VirtualDisk({ now: () => this.clock.now(), hasBirthTimes: true, reusesInodes: false })
  }

  stream(host: string, stream: string, path: string): StoredStream {
    const stored = storedStream(this.bucket, host, stream, path)
    this.honest.push(stored)
    return stored
  }

  /** A pass of `compact --once`, killed at its request of that number, if there is one. */
  async compact(killAt = Number.POSITIVE_INFINITY): Promise<void> {
    const { clock, random } = this
    const process = new VirtualProcess({ clock, random, slowCalls: 0 })
    const killed = Promise.withResolvers<void>()
    const bucket = this.#dying(killAt, () => {
      process.kill()
      killed.resolve()
    })
    const work = async (): Promise<void> => {
      const disk = processDisk(this.#disk, process)
      const sink = await openDirectorySink(
        root,
        process.clock,
        ({ path }) => this.violations.push(`set aside: ${path}`),
        {
          disk,
        },
      )
      const { errors } = await compactOnce({ bucket, sink, clock: process.clock, pace, onEvent: () => {} })
      for (const error of errors) this.#judgeError('compact', error)
      await sink.close()
    }
    await clock.run(Promise.race([work(), killed.promise]))
    process.kill()
    this.#lookAtPublished()
  }

  /** A pass of `compact --archive --once`. */
  async archiveAll(killAt = Number.POSITIVE_INFINITY): Promise<void> {
    const { clock } = this
    const stop = new AbortController()
    const killed = Promise.withResolvers<void>()
    const bucket = this.#dying(killAt, () => {
      stop.abort(new Error('killed'))
      killed.resolve()
    })
    const options = { bucket: this.archive, clock, template: defaultArchiveTemplate, encoding: 'none' as const }
    const sink = createArchiveSink(options)
    const common = { quietAfterMs: 7 * dayMs, spoolDirectory: '/nowhere', onEvent: () => {}, signal: stop.signal }
    const work = archiveOnce({ bucket, sink, clock, ...common }).then(
      ({ errors }) => {
        for (const error of errors) this.#judgeError('archive', error)
      },
      () => {},
    )
    await clock.run(Promise.race([work, killed.promise]))
    await this.#lookAtArchived()
  }

  /** At the end, with time for what is quiet: everything that was delivered honestly is there, in both. */
  async judge(): Promise<string[]> {
    for (let pass = 0; pass < 2; pass++) await this.compact()
    await this.archiveAll()
    for (const { host, stream, content } of this.sealed) {
      const isIts = (key: string): boolean =>
        key.startsWith(`host=${host}/`) && key.endsWith(`~${stream}-${content.length}`)
      if (![...this.#archived.keys()].some(isIts))
        this.violations.push(`not archived as it was sealed: ${host} ${stream}`)
    }
    await this.clock.advance(8 * dayMs)
    for (let pass = 0; pass < 2; pass++) await this.archiveAll()
    for (const { host, stream, content } of this.honest) {
      const [published] = [...this.#published].flatMap(([path, bytes]) =>
        path.startsWith(`${root}/${host}/`) && path.endsWith(`~${stream}`) ? [bytes] : [],
      )
      if (published === undefined || published.length < content.length)
        this.violations.push(
          `withheld from the directory: ${host} ${stream}: ${published?.length} of ${content.length}`,
        )
      const isArchived = [...this.#archived.keys()].some((key) => {
        const name = parseArchiveName(key)
        return name?.stream === stream && key.startsWith(`host=${host}/`) && name.length >= content.length
      })
      if (!isArchived) this.violations.push(`withheld from the archive: ${host} ${stream}`)
    }
    return this.violations
  }

  #dying(killAt: number, kill: () => void): Bucket {
    const { bucket } = this
    let requests = 0
    const pass = async (): Promise<void> => {
      if (++requests < killAt) return
      kill()
      await new Promise(() => {})
    }
    return {
      ...bucket,
      async get(key, options) {
        await pass()
        return bucket.get(key, options)
      },
      async head(key, options) {
        await pass()
        return bucket.head(key, options)
      },
      async *list(prefix, options) {
        await pass()
        yield* bucket.list(prefix, options)
      },
    }
  }

  /** What a host writes is an error of that host alone, and none of ours. */
  #judgeError(what: string, error: unknown): void {
    const { code, message } = error as { code?: string; message: string }
    if (code !== 'corrupt') this.violations.push(`${what}: ${code}: ${message}`)
    if (/\bgood\b/.test(message)) this.violations.push(`${what}: the other host noticed: ${message}`)
  }

  #lookAtPublished(): void {
    for (const [path, inode] of this.#disk.within(root)) {
      const name = path.slice(path.lastIndexOf('/') + 1)
      if (inode.kind !== 'file' || path.startsWith(`${root}/.logcask`) || name.startsWith('.~')) continue
      const bytes = Buffer.from(inode.bytes)
      const before = this.#published.get(path) ?? Buffer.alloc(0)
      if (!bytes.subarray(0, before.length).equals(before)) this.violations.push(`I8: changed: ${path}`)
      this.#published.set(path, bytes)
      this.#compareWithHonest(path, path.split('/')[2] ?? '', name.slice(name.lastIndexOf('~') + 1), bytes)
    }
    for (const path of this.#published.keys())
      if (this.#disk.lookUp(path, false) === undefined) this.violations.push(`I8: gone: ${path}`)
  }

  async #lookAtArchived(): Promise<void> {
    for (const { key } of await listObjects(this.archive, 'host=')) {
      const body = Buffer.from((await this.archive.get(key))?.body ?? [])
      const before = this.#archived.get(key)
      if (before !== undefined && before !== sha256(body)) this.violations.push(`I2: changed: ${key}`)
      this.#archived.set(key, sha256(body))
      const name = parseArchiveName(key)
      if (name === undefined || name.length !== body.length) this.violations.push(`not what its name says: ${key}`)
      this.#compareWithHonest(key, key.slice('host='.length).split('/')[0] ?? '', name?.stream ?? '', body)
    }
  }

  #compareWithHonest(where: string, host: string, stream: string, bytes: Buffer): void {
    const honest = this.honest.find((one) => one.host === host && one.stream === stream)
    const common = Math.min(bytes.length, honest?.content.length ?? 0)
    if (honest && !bytes.subarray(0, common).equals(honest.content.subarray(0, common)))
      this.violations.push(`I9: other bytes than were delivered: ${where}`)
  }
}
