import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { createLimiter } from '../base/concurrency.ts'
import { errnoOf, isCode, LogcaskError } from '../base/errors.ts'
import { pathForPeople } from '../base/path-bytes.ts'
import type { Bucket } from '../bucket/bucket.ts'
import { hostName } from '../format/keys.ts'
import { onDisk } from './published-file.ts'
import { decodeStreamRecord } from './stream-record.ts'

/** What one host may take of a sink and of its bucket's requests: who is over it hurts no other (I9). */
export interface QuotaLimits {
  /** Streams of a host that are published. What is published already goes on. */
  streams?: number | undefined
  /** Bytes of a host that are published. */
  bytes?: number | undefined
  /** Requests to the bucket for a host, in an hour; as many at once. */
  requestsPerHour?: number | undefined
}

/** Passes as time does. */
export class RequestsUsedUp extends LogcaskError {
  constructor(host: string, most: number) {
    super('unavailable', `${pathForPeople(host)}: its quota of ${most} requests an hour is used up`, {
      hint: 'it goes on as time passes; other hosts are not held up. Look what it writes, or raise quota.requestsPerHour',
    })
  }
}

/** Stays until somebody acts: looked at again as rarely as what is no agent's. */
export class OverQuota extends LogcaskError {
  constructor(host: string, stream: string, what: string, kind: 'streams' | 'bytes') {
    super('refused', `${pathForPeople(host)} ${stream}: over the quota of its host: ${what}`, {
      hint: `what is published stays, and other hosts go on. Look what this host writes, or raise quota.${kind}`,
    })
  }
}

interface Taken {
  streams: Set<string>
  bytes: number
}

/** Records of a host that are read at once, when it is met for the first time. */
const readsAtOnce = 32
const hourMs = 3_600_000

/** Counts what is published of each host: from the sink's own records when the host is met, and from then on as it grows. */
export class Quota {
  readonly #limits: QuotaLimits
  readonly #root: string
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #taken = new Map<string, Promise<Taken>>()

  constructor(limits: QuotaLimits, root: string, clock: Pick<Clock, 'monotonic'>) {
    this.#limits = limits
    this.#root = root
    this.#clock = clock
  }

  /** Whether a stream may be published: always, where it is already. Counts it. Rejects with `refused` where it may not. */
  async admit(host: string, stream: string): Promise<void> {
    const { streams: most } = this.#limits
    const { streams } = await this.#of(host)
    if (streams.has(stream)) return
    if (most === undefined) return
    if (streams.size >= most) throw new OverQuota(host, stream, `${most} streams are published`, 'streams')
    streams.add(stream)
  }

  /** It came to nothing after all. */
  async giveBack(host: string, stream: string): Promise<void> {
    const taken = await this.#of(host)
    taken.streams.delete(stream)
  }

  /** Counts bytes that are about to be published. Rejects with `refused` where they are too many. */
  async take(host: string, stream: string, bytes: number): Promise<void> {
    const taken = await this.#of(host)
    const { bytes: most } = this.#limits
    if (most !== undefined && taken.bytes + bytes > most)
      throw new OverQuota(host, stream, `${taken.bytes} of ${most} bytes are published`, 'bytes')
    taken.bytes += bytes
  }

  /** The bucket for the work of one host: rejects with `unavailable` while it has asked too often. */
  requestsOf(host: string, bucket: Bucket): Bucket {
    const { requestsPerHour: most } = this.#limits
    if (most === undefined) return bucket
    let left = most
    let atMs = this.#clock.monotonic()
    const pass = (): void => {
      const nowMs = this.#clock.monotonic()
      left = Math.min(most, left + ((nowMs - atMs) * most) / hourMs)
      atMs = nowMs
      if (left < 1) throw new RequestsUsedUp(host, most)
      left--
    }
    return {
      url: bucket.url,
      get capabilities() {
        return bucket.capabilities
      },
      put: (key, body, options) => bucket.put(key, body, options),
      putLarge: (key, body, options) => bucket.putLarge(key, body, options),
      async get(key, options) {
        pass()
        return bucket.get(key, options)
      },
      async head(key, options) {
        pass()
        return bucket.head(key, options)
      },
      async *list(prefix, options) {
        pass()
        let entries = 0
        for await (const entry of bucket.list(prefix, options)) {
          // Each thousand is one more.
          if (++entries % 1000 === 0) pass()
          yield entry
        }
      },
      close: () => bucket.close(),
    }
  }

  #of(host: string): Promise<Taken> {
    const known = this.#taken.get(host)
    if (known !== undefined) return known
    const reading = this.#read(host)
    this.#taken.set(host, reading)
    reading.catch(() => this.#taken.delete(host))
    return reading
  }

  async #read(host: string): Promise<Taken> {
    const directory = join(this.#root, '.logcask', 'streams', hostName(host))
    const names = await onDisk(directory, () => absentIsEmpty(readdir(directory)))
    const taken: Taken = { streams: new Set(), bytes: 0 }
    const limiter = createLimiter(readsAtOnce)
    await Promise.all(
      names
        .filter((name) => name.endsWith('.json'))
        .map((name) =>
          limiter(async () => {
            if (this.#limits.streams !== undefined) taken.streams.add(name.slice(0, -'.json'.length))
            const length = this.#limits.bytes === undefined ? 0 : await lengthIn(join(directory, name))
            taken.bytes += length
          }),
        ),
    )
    return taken
  }
}

/** One that cannot be understood counts as none: its file is compared from the start, and counted then. */
async function lengthIn(path: string): Promise<number> {
  try {
    return decodeStreamRecord(await onDisk(path, () => readFile(path)), path).length
  } catch (error) {
    if (isCode(error, 'corrupt')) return 0
    throw error
  }
}

async function absentIsEmpty(names: Promise<string[]>): Promise<string[]> {
  try {
    return await names
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}
