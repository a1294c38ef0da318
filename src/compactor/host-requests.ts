import type { Clock } from '../base/clock.ts'
import { LogcaskError } from '../base/errors.ts'
import { pathForPeople } from '../base/path-bytes.ts'
import type { Bucket } from '../bucket/bucket.ts'

/** Passes as time does. */
export class RequestsUsedUp extends LogcaskError {
  constructor(host: string, most: number) {
    super('unavailable', `${pathForPeople(host)}: its quota of ${most} requests an hour is used up`, {
      hint: 'it goes on as time passes; other hosts are not held up. Look what it writes, or raise quota.requestsPerHour',
    })
  }
}

interface Allowance {
  left: number
  atMs: number
}

const hourMs = 3_600_000
/** Hosts that are remembered, where messages name ever more of them, before those are forgotten that have all of it again. */
const hostsMin = 10_000

/** Counts what is asked of the bucket for each host, whoever asks: so many at once, and then as many as time brings. */
export class HostRequests {
  readonly #most: number
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #hosts = new Map<string, Allowance>()
  #forgetAt = hostsMin

  constructor(most: number, clock: Pick<Clock, 'monotonic'>) {
    this.#most = most
    this.#clock = clock
  }

  /** Rejects with `unavailable` while the host has asked too often. */
  bucketOf(host: string, bucket: Bucket): Bucket {
    const pass = (): void => this.#pass(host)
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

  #pass(host: string): void {
    const left = this.#leftOf(host)
    if (left < 1) throw new RequestsUsedUp(host, this.#most)
    this.#hosts.set(host, { left: left - 1, atMs: this.#clock.monotonic() })
    if (this.#hosts.size > this.#forgetAt) this.#forget()
  }

  #leftOf(host: string): number {
    const known = this.#hosts.get(host)
    if (known === undefined) return this.#most
    return Math.min(this.#most, known.left + ((this.#clock.monotonic() - known.atMs) * this.#most) / hourMs)
  }

  #forget(): void {
    for (const host of this.#hosts.keys()) if (this.#leftOf(host) >= this.#most) this.#hosts.delete(host)
    this.#forgetAt = Math.max(hostsMin, 2 * this.#hosts.size)
  }
}
