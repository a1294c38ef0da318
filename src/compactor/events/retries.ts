import type { Clock } from '../../base/clock.ts'
import { createLimiter, type Limiter } from '../../base/concurrency.ts'
import { type Backoff, backoffMs } from '../../base/retry.ts'

/** A host or stream that hangs holds up only what has failed, too. */
const retriesAtOnce = 16
/** Beyond it, as when a disk is full, the next listing finds them. */
const retriesMax = 10_000

/**
 * What failed in a listing, and is asked for again, ever more rarely, until it is done: beside the listing, so that what
 * fails for ever holds up nothing else (I9), and once, however many listings find it failing.
 */
export class Retries {
  /** Ends it. */
  readonly signal: AbortSignal
  readonly #clock: Clock
  readonly #limiter: Limiter = createLimiter(retriesAtOnce)
  readonly #names = new Set<string>()

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock
    this.signal = signal
  }

  has(name: string): boolean {
    return this.#names.has(name)
  }

  /** `work` says by which backoff it is to be tried again; undefined: it is done. It never rejects. */
  add(name: string, backoff: Backoff, work: () => Promise<Backoff | undefined>): void {
    if (this.#names.size >= retriesMax || this.#names.has(name)) return
    this.#names.add(name)
    void this.#insist(backoff, work).finally(() => this.#names.delete(name))
  }

  async #insist(first: Backoff, work: () => Promise<Backoff | undefined>): Promise<void> {
    let next: Backoff | undefined = first
    for (let attempt = 0; next !== undefined && !this.signal.aborted; attempt++) {
      const waitMs = Math.max(1000, backoffMs(next, attempt, this.#clock))
      await this.#clock.sleep(waitMs, this.signal).catch(() => {})
      // Asked once more when its turn has come: nothing begins after the end.
      next = await this.#limiter(async () => (this.signal.aborted ? undefined : work()))
    }
  }
}
