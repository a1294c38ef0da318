import type { Clock } from '../base/clock.ts'
import { isCode, type LogcaskError } from '../base/errors.ts'
import { backoffMs, retryRefused, retryUnknown } from '../base/retry.ts'
import type { Bucket } from '../bucket/bucket.ts'
import { isOutdated } from '../bucket/stream-listing.ts'
import { Slots } from './shipping/slots.ts'
import { RateLimit, type TokenRate } from './shipping/token-bucket.ts'

export interface DestinationSettings {
  name: string
  bucket: Bucket
  /** Bytes per second; undefined: as fast as it goes. */
  rate?: number | undefined
  /** Shared by all destinations of the agent, beside its own. */
  totalRate?: RateLimit | undefined
  /** Segments per stream that are not full: a quiet stream ships at once, a trickle is bounded. */
  budget: TokenRate
  /** The same over all streams together; undefined: no bound but each stream's. */
  totalBudget?: TokenRate | undefined
  /** Bytes in flight: what this destination may hold in memory. */
  bytesInFlightMax: number
  /** Passes the store before its first byte; rejects with `refused` where it must not be used. */
  admit: (bucket: Bucket, signal: AbortSignal) => Promise<void>
}

export type Health =
  | { state: 'probing' | 'ok' }
  /** `down`: it answers, and says no until somebody acts. */
  | { state: 'unavailable' | 'down'; problem: LogcaskError; sinceMs: number }

/** Enough for a store that is far away, few enough that a small store is not flooded. */
const requestsMax = 16
/** So many unknown answers in a row are an outage: then one request at a time asks whether it is over. */
const outageAfter = 8

/**
 * Everything that goes to one destination goes through here: admitted by the probe, repeated until it is answered, and
 * never waiting for another destination (I5).
 */
export class Destination {
  readonly name: string
  readonly bucket: Bucket
  readonly settings: DestinationSettings
  readonly bytes: Slots
  health: Health = { state: 'probing' }
  /** Told about every change of `health.state`. */
  onHealth: (health: Health) => void = () => {}
  readonly #clock: Clock
  readonly #rate: RateLimit | undefined
  readonly #slots = new Slots(requestsMax)
  readonly #single = new Slots(1)
  readonly #admitted = Promise.withResolvers<void>()
  #isAdmitted = false
  #asking: Promise<void> | undefined
  #failures = 0

  constructor(settings: DestinationSettings, clock: Clock) {
    this.name = settings.name
    this.bucket = settings.bucket
    this.settings = settings
    this.bytes = new Slots(settings.bytesInFlightMax)
    this.#clock = clock
    this.#rate = settings.rate === undefined ? undefined : new RateLimit(settings.rate, clock)
  }

  /** Asks for admission until it is given. Resolves then, or when aborted. Of several callers one asks at a time. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.#isAdmitted) {
      if (this.#asking === undefined) {
        this.#asking = this.#admit(signal).finally(() => {
          this.#asking = undefined
        })
        await this.#asking
      } else await abortable(this.#asking, signal).catch(() => {})
    }
  }

  async #admit(signal: AbortSignal): Promise<void> {
    try {
      await this.#retry((inner) => this.settings.admit(this.bucket, inner), signal)
      this.#isAdmitted = true
      this.#admitted.resolve()
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  /** Resolves when the probe has passed. */
  ready(signal: AbortSignal): Promise<void> {
    return abortable(this.#admitted.promise, signal)
  }

  /**
   * The operation's result, however often it takes. Rejects when `signal` aborts, and with errors that no repetition
   * mends (`corrupt`, `invalid`, `internal`, a segment that is gone since it was listed).
   */
  async request<T>(operation: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.ready(signal)
    return this.#retry(operation, signal)
  }

  /** A request that carries `bytes`: passes the rate limit first. */
  async upload<T>(bytes: number, operation: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.ready(signal)
    await this.pass(bytes, signal)
    return this.#retry(operation, signal)
  }

  /** Resolves when so many bytes may go by the rate limits. */
  async pass(bytes: number, signal: AbortSignal): Promise<void> {
    await this.#rate?.pass(bytes, signal)
    await this.settings.totalRate?.pass(bytes, signal)
  }

  async #retry<T>(operation: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      const slots = this.#failures >= outageAfter || this.health.state === 'down' ? this.#single : this.#slots
      await slots.acquire(signal)
      try {
        const result = await abortable(operation(signal), signal)
        this.#failures = 0
        this.#turn({ state: 'ok' })
        return result
      } catch (error) {
        signal.throwIfAborted()
        if (!isCode(error, 'unavailable', 'refused') || isOutdated(error)) throw error
        this.#failures++
        this.#turn({
          state: error.code === 'refused' ? 'down' : 'unavailable',
          problem: error,
          sinceMs: this.#clock.now(),
        })
        if (slots === this.#single) await this.#pause(error, attempt, signal)
      } finally {
        slots.release()
      }
      if (slots !== this.#single) await this.#pauseAfter(attempt, signal)
    }
  }

  #pause(error: LogcaskError, attempt: number, signal: AbortSignal): Promise<void> {
    return this.#clock.sleep(
      backoffMs(error.code === 'refused' ? retryRefused : retryUnknown, attempt, this.#clock),
      signal,
    )
  }

  #pauseAfter(attempt: number, signal: AbortSignal): Promise<void> {
    return this.#clock.sleep(backoffMs(retryUnknown, attempt, this.#clock), signal)
  }

  #turn(health: Health): void {
    const changed =
      health.state !== this.health.state ||
      ('problem' in health && 'problem' in this.health && health.problem.message !== this.health.problem.message)
    // One lost answer among many is weather, not an outage.
    if (health.state === 'unavailable' && this.health.state === 'ok' && this.#failures < 3) return
    if ('sinceMs' in health && 'sinceMs' in this.health) this.health = { ...health, sinceMs: this.health.sinceMs }
    else this.health = health
    if (changed) this.onHealth(this.health)
  }
}

/** `promise`, or the signal's reason as soon as it aborts: a call that never returns must not hold up a stop. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason)
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
