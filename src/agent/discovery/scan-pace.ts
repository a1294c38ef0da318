import type { Clock } from '../../base/clock.ts'

/** Events come in bursts (rename, create, chmod): one scan sees them all. */
const burstMs = 20
/** Scans take at most this part of the time, however many events there are. */
const share = 10
/** A scan that is under way for so long, or this late, is one that hangs (a mount that does not answer). */
const stalledMs = 15 * 60_000

/** When to scan next: at its interval, or soon after somebody asked for it. */
export class ScanPace {
  readonly #clock: Clock
  readonly #intervalMs: number
  #isWanted = false
  #wake: (() => void) | undefined
  /** Who waits for a scan that has not begun yet. */
  readonly #waiting: (() => void)[] = []
  /** When the scan that is under way has to have ended, or else the next one to have begun. */
  #dueMs: number
  /** When the last scan that ended had begun, on the monotonic clock: what was there by then has been seen. */
  seenMs: number | undefined

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock
    this.#intervalMs = intervalMs
    this.#dueMs = clock.monotonic() + stalledMs
  }

  /** The loop of scans no longer comes round. */
  get isStalled(): boolean {
    return this.#clock.monotonic() > this.#dueMs
  }

  ask(): void {
    this.#isWanted = true
    this.#wake?.()
  }

  /** Resolves when a scan that begins from now on has ended. */
  whenScanned(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** A scan begins; the answer is called when it has ended. */
  begins(): () => void {
    const waiting = this.#waiting.splice(0)
    const beganMs = this.#clock.monotonic()
    this.#dueMs = beganMs + stalledMs
    return () => {
      this.seenMs = beganMs
      for (const resolve of waiting) resolve()
    }
  }

  /** Resolves when the next scan is due, or aborted; the last one took `lastTookMs`. */
  async next(lastTookMs: number, signal: AbortSignal): Promise<void> {
    const restMs = Math.max(burstMs, share * lastTookMs)
    this.#dueMs = this.#clock.monotonic() + restMs + this.#intervalMs + stalledMs
    await this.#clock.sleep(restMs, signal).catch(() => {})
    const asked = Promise.withResolvers<void>()
    this.#wake = asked.resolve
    const over = new AbortController()
    const interval = this.#clock.sleep(this.#intervalMs, AbortSignal.any([signal, over.signal])).catch(() => {})
    if (!this.#isWanted) await Promise.race([asked.promise, interval])
    over.abort()
    this.#wake = undefined
    this.#isWanted = false
  }
}
