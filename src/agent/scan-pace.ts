import type { Clock } from '../base/clock.ts'

/** Events come in bursts (rename, create, chmod): one scan sees them all. */
const burstMs = 20
/** Scans take at most this part of the time, however many events there are. */
const share = 10

/** When to scan next: at its interval, or soon after somebody asked for it. */
export class ScanPace {
  readonly #clock: Clock
  readonly #intervalMs: number
  #isWanted = false
  #wake: (() => void) | undefined
  /** Who waits for a scan that has not begun yet. */
  readonly #waiting: (() => void)[] = []

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock
    this.#intervalMs = intervalMs
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
    return () => {
      for (const resolve of waiting) resolve()
    }
  }

  /** Resolves when the next scan is due, or aborted; the last one took `lastTookMs`. */
  async next(lastTookMs: number, signal: AbortSignal): Promise<void> {
    await this.#clock.sleep(Math.max(burstMs, share * lastTookMs), signal).catch(() => {})
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
