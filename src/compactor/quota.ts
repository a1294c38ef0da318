import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { createLimiter } from '../base/concurrency.ts'
import { errnoOf, isCode, LogcaskError } from '../base/errors.ts'
import { pathForPeople } from '../base/path-bytes.ts'
import type { Bucket } from '../bucket/bucket.ts'
import { hostName } from '../format/keys.ts'
import { HostRequests } from './host-requests.ts'
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

/** One stream's part of what its host has taken, while it grows. */
export interface StreamAccount {
  /** It goes on from here; what is counted beyond is written anew: its file was set aside. */
  resume(offset: number): void
  /** Counts bytes that are about to be published. Throws `refused` where they are too many. */
  take(bytes: number): void
  /** Counts what is recorded (undefined: what the disk says), and no more: a full disk must not use up the quota. */
  settle(length: number | undefined): Promise<void>
}

/** Records of a host that are read at once, when it is met for the first time. */
const readsAtOnce = 32

/** Counts what is published of each host: from the sink's own records when the host is met, and from then on as it grows. */
export class Quota {
  readonly #limits: QuotaLimits
  readonly #root: string
  readonly #requests: HostRequests | undefined
  readonly #taken = new Map<string, Promise<Taken>>()

  constructor(limits: QuotaLimits, root: string, clock: Pick<Clock, 'monotonic'>) {
    this.#limits = limits
    this.#root = root
    const { requestsPerHour } = limits
    this.#requests = requestsPerHour === undefined ? undefined : new HostRequests(requestsPerHour, clock)
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

  /** `recorded`: bytes that are published of the stream. Undefined where bytes have no bound. */
  async account(host: string, stream: string, recorded: number | undefined): Promise<StreamAccount | undefined> {
    const { bytes: most } = this.#limits
    if (most === undefined) return undefined
    const path = join(this.#records(host), `${stream}.json`)
    const taken = await this.#of(host)
    // Always what its record on the disk says, as after a restart: also of one whose file is gone.
    let counted = recorded ?? (await lengthIn(path))
    const count = (length: number): void => {
      taken.bytes += length - counted
      counted = length
    }
    return {
      resume: count,
      take(bytes) {
        if (taken.bytes + bytes > most)
          throw new OverQuota(host, stream, `${taken.bytes} of ${most} bytes are published`, 'bytes')
        count(counted + bytes)
      },
      settle: async (length) => count(length ?? (await lengthIn(path))),
    }
  }

  /** The bucket for the work of one host: rejects with `unavailable` while that has asked too often, by whichever of them. */
  requestsOf(host: string, bucket: Bucket): Bucket {
    return this.#requests?.bucketOf(host, bucket) ?? bucket
  }

  #of(host: string): Promise<Taken> {
    const known = this.#taken.get(host)
    if (known !== undefined) return known
    const reading = this.#read(host)
    this.#taken.set(host, reading)
    reading.catch(() => this.#taken.delete(host))
    return reading
  }

  #records(host: string): string {
    return join(this.#root, '.logcask', 'streams', hostName(host))
  }

  async #read(host: string): Promise<Taken> {
    const directory = this.#records(host)
    const names = (await onDisk(directory, () => unlessAbsent(readdir(directory)))) ?? []
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

/** None, or one that cannot be understood, counts nothing: its file is compared from the start, and counted then. */
async function lengthIn(path: string): Promise<number> {
  const bytes = await onDisk(path, () => unlessAbsent(readFile(path)))
  try {
    return bytes === undefined ? 0 : decodeStreamRecord(bytes, path).length
  } catch (error) {
    if (isCode(error, 'corrupt')) return 0
    throw error
  }
}

async function unlessAbsent<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}
