import type { Clock } from '../base/clock.ts'
import { forEachConcurrently } from '../base/concurrency.ts'
import type { Bucket } from '../bucket/bucket.ts'
import { listHosts } from '../bucket/stream-inventory.ts'
import { hourMs, hourStart } from '../format/keys.ts'
import { type Sign, signOfLife, silentMs } from './sign-of-life.ts'

/** `unknown`: the bucket did not say when it was asked last. */
export const hostSigns = ['alive', 'silent', 'long-silent', 'none', 'unknown'] as const
export type HostSign = Sign | 'unknown'

interface Known {
  sign: HostSign
  metAtMs: number
  lookAtMs: number
}

/** Between two looks for hosts that are new, or due. */
const passEveryMs = 900_000
/** Some 80 requests a second, however many hosts are due in the same hour: nobody waits for it. */
const looksAtOnce = 4
const lookMaxMs = 24 * hourMs

/**
 * How many hosts are alive, and how many have fallen silent. Costs one or two LIST for each that is alive, every two or
 * three hours: it is not asked again before it could be silent. One that is silent is asked ever more rarely, down to once
 * a day: hosts that are gone for good cost next to nothing.
 */
export class HostSigns {
  readonly #bucket: Bucket
  readonly #clock: Clock
  readonly #known = new Map<string, Known>()
  #isComplete = false

  constructor(bucket: Bucket, clock: Clock) {
    this.#bucket = bucket
    this.#clock = clock
  }

  /** Undefined until all were looked at once. */
  counts(): ReadonlyMap<HostSign, number> | undefined {
    if (!this.#isComplete) return undefined
    const counts = new Map<HostSign, number>(hostSigns.map((sign) => [sign, 0]))
    for (const { sign } of this.#known.values()) counts.set(sign, (counts.get(sign) ?? 0) + 1)
    return counts
  }

  /** Until the signal; then it resolves. What fails is unknown, and asked for again. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const isListed = await this.#listHosts(signal)
      const nowMs = this.#clock.now()
      // Further ahead than any look is set: the clock was set back.
      const due = [...this.#known].filter(([, { lookAtMs }]) => lookAtMs <= nowMs || lookAtMs > nowMs + lookMaxMs)
      await forEachConcurrently(due, looksAtOnce, ([host, known]) => this.#look(host, known, signal))
      this.#isComplete ||= isListed && !signal.aborted
      await this.#clock.sleep(passEveryMs, signal).catch(() => {})
    }
  }

  async #listHosts(signal: AbortSignal): Promise<boolean> {
    const nowMs = this.#clock.now()
    let hosts: Set<string>
    try {
      hosts = new Set(await listHosts(this.#bucket, { signal }))
    } catch {
      // Those that are known are asked all the same.
      return false
    }
    for (const host of this.#known.keys()) if (!hosts.has(host)) this.#known.delete(host)
    for (const host of hosts)
      if (!this.#known.has(host)) this.#known.set(host, { sign: 'unknown', metAtMs: nowMs, lookAtMs: nowMs })
    return true
  }

  async #look(host: string, known: Known, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    try {
      const { sign, lastHour } = await signOfLife({ bucket: this.#bucket, clock: this.#clock }, host, signal)
      const lastAtMs = lastHour === undefined ? undefined : hourStart(lastHour)
      known.sign = sign
      known.lookAtMs = nextLook(sign, lastAtMs ?? known.metAtMs, this.#clock.now())
    } catch {
      known.sign = 'unknown'
    }
  }
}

/** `lastAtMs`: its last sign of life, or when it was met first. */
export function nextLook(sign: Sign, lastAtMs: number, nowMs: number): number {
  if (sign === 'alive') return lastAtMs + silentMs
  if (sign === 'long-silent') return nowMs + lookMaxMs
  return nowMs + Math.min(lookMaxMs, Math.max(hourMs, (nowMs - lastAtMs) / 8))
}
