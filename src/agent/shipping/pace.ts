import type { Clock } from '../../base/clock.ts'
import type { Delivery } from '../life.ts'
import { book, full, type TokenBucket, type TokenRate, take } from './token-bucket.ts'

/** Small appends of a source are gathered: sent once there are so many bytes, or so long after the first of them. */
export interface Gathering {
  bytes: number
  delayMs: number
}

/**
 * When a segment that is not full may go to one destination: latency against cost. Full ones are never held back, since
 * waiting makes them no fewer.
 */
export class Pace {
  readonly #clock: Clock
  readonly #perStream: TokenRate
  readonly #total: TokenRate | undefined
  readonly #streams = new WeakMap<Delivery, TokenBucket>()
  readonly #gatheredSince = new WeakMap<Delivery, number>()
  /** When the turn is that a delivery has booked. */
  readonly #turns = new WeakMap<Delivery, number>()
  readonly #bucket: TokenBucket

  /** `total`: over all streams, what a price per month allows. */
  constructor(clock: Clock, perStream: TokenRate, total: TokenRate | undefined) {
    this.#clock = clock
    this.#perStream = perStream
    this.#total = total
    this.#bucket = full(total ?? perStream, clock.monotonic())
  }

  /** 0: `bytes` may go now, and are counted; else the milliseconds until it is worth to ask again. */
  waitMs(delivery: Delivery, bytes: number, gathering: Gathering | undefined): number {
    const now = this.#clock.monotonic()
    const waitMs = this.#gatherMs(delivery, bytes, gathering, now) || this.#turnMs(delivery, now)
    if (waitMs > 0) return waitMs
    const bucket = this.#streams.get(delivery) ?? full(this.#perStream, now)
    this.#streams.set(delivery, bucket)
    const streamMs = take(bucket, this.#perStream, 1, now).waitMs
    if (streamMs === 0) this.#turns.delete(delivery)
    return streamMs
  }

  /** Something of it was sent: what comes next is gathered anew. */
  sent(delivery: Delivery): void {
    this.#gatheredSince.delete(delivery)
  }

  #gatherMs(delivery: Delivery, bytes: number, gathering: Gathering | undefined, now: number): number {
    if (gathering === undefined || bytes >= gathering.bytes) return 0
    const since = this.#gatheredSince.get(delivery) ?? now
    this.#gatheredSince.set(delivery, since)
    return Math.max(0, since + gathering.delayMs - now)
  }

  /** Turns are booked, one after the other, so that of ten thousand streams none is always the last. */
  #turnMs(delivery: Delivery, now: number): number {
    if (this.#total === undefined) return 0
    const turn = this.#turns.get(delivery) ?? now + book(this.#bucket, this.#total, now)
    this.#turns.set(delivery, turn)
    return Math.max(0, turn - now)
  }
}
