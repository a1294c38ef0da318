import type { Clock } from '../../base/clock.ts'
import type { Life } from '../life.ts'

/** Looks at lives, one look per life at a time; a look asked for meanwhile follows, so that none is missed. */
export class Looks {
  readonly #clock: Clock
  readonly #lookAt: (life: Life) => Promise<void>
  readonly #onRest: () => void
  readonly #looking = new Map<Life, Promise<void>>()
  readonly #again = new Set<Life>()
  #isClosed = false
  readonly #timers = new Map<Life, { atMs: number; cancel: () => void }>()

  /** `lookAt` never rejects; `onRest` is called after each look. */
  constructor(clock: Clock, lookAt: (life: Life) => Promise<void>, onRest: () => void) {
    this.#clock = clock
    this.#lookAt = lookAt
    this.#onRest = onRest
  }

  get isIdle(): boolean {
    return this.#looking.size === 0
  }

  look(life: Life): void {
    if (this.#looking.has(life)) {
      this.#again.add(life)
      return
    }
    const looking = this.#lookAt(life).finally(() => {
      this.#looking.delete(life)
      if (this.#again.delete(life)) this.look(life)
      this.#onRest()
    })
    this.#looking.set(life, looking)
  }

  /** Looks once `ms` have passed, or earlier where an earlier look is due. */
  lookAfter(life: Life, ms: number): void {
    if (this.#isClosed) return
    const atMs = this.#clock.monotonic() + ms
    const pending = this.#timers.get(life)
    if (pending && pending.atMs <= atMs) return
    pending?.cancel()
    const cancel = this.#clock.timer(ms, () => {
      this.#timers.delete(life)
      this.look(life)
    })
    this.#timers.set(life, { atMs, cancel })
  }

  /** No look is begun by a timer any more; resolves when those under way have ended. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const { cancel } of this.#timers.values()) cancel()
    this.#timers.clear()
    await Promise.allSettled(this.#looking.values())
  }
}
