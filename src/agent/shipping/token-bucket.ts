import type { Clock } from '../../base/clock.ts'

/** A bucket that holds up to `capacity` tokens and gains `perSecond`. Pure over the time that it is told. */
export interface TokenBucket {
  tokens: number
  /** Monotonic milliseconds at which `tokens` was true. */
  atMs: number
}

export interface TokenRate {
  capacity: number
  perSecond: number
}

export function full(rate: TokenRate, nowMs: number): TokenBucket {
  return { tokens: rate.capacity, atMs: nowMs }
}

/** Takes `count` where they are there (it may go into debt once: a segment larger than the capacity must still pass), else says how long to wait. */
export function take(bucket: TokenBucket, rate: TokenRate, count: number, nowMs: number): { waitMs: number } {
  refill(bucket, rate, nowMs)
  const needed = Math.min(count, rate.capacity)
  if (bucket.tokens + 1e-9 >= needed) {
    bucket.tokens -= count
    return { waitMs: 0 }
  }
  return { waitMs: Math.ceil(((needed - bucket.tokens) / rate.perSecond) * 1000) }
}

/** Takes one token, which may not be there yet: milliseconds until it is. Whoever books later waits longer. */
export function book(bucket: TokenBucket, rate: TokenRate, nowMs: number): number {
  refill(bucket, rate, nowMs)
  bucket.tokens -= 1
  return Math.max(0, Math.ceil((-bucket.tokens / rate.perSecond) * 1000))
}

function refill(bucket: TokenBucket, rate: TokenRate, nowMs: number): void {
  bucket.tokens = Math.min(rate.capacity, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * rate.perSecond)
  bucket.atMs = nowMs
}

/** Waits until `count` bytes may pass: the rate limit of a destination. */
export class RateLimit {
  readonly #rate: TokenRate
  readonly #clock: Clock
  #bucket: TokenBucket
  #turn: Promise<void> = Promise.resolve()

  /** A quarter of a second's worth at once: smooth enough for a link, long enough for timers. */
  constructor(bytesPerSecond: number, clock: Clock) {
    this.#rate = { capacity: bytesPerSecond / 4, perSecond: bytesPerSecond }
    this.#clock = clock
    this.#bucket = full(this.#rate, clock.monotonic())
  }

  /** In the order of the calls. */
  pass(bytes: number, signal: AbortSignal): Promise<void> {
    const mine = this.#turn.then(() => this.#wait(bytes, signal))
    this.#turn = mine.catch(() => {})
    return mine
  }

  async #wait(bytes: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      const { waitMs } = take(this.#bucket, this.#rate, bytes, this.#clock.monotonic())
      if (waitMs === 0) return
      await this.#clock.sleep(waitMs, signal)
    }
  }
}
