import type { Clock } from '../../base/clock.ts'
import type { Life } from '../life.ts'
import type { LifeBook } from '../life-book.ts'
import { type Checkpoint, lifeKey } from './checkpoint.ts'

/** What is younger is found again by asking the buckets. */
const saveMs = 1_000

/** Gathers what changed for the checkpoint. */
export class Saver {
  readonly #checkpoint: Checkpoint
  readonly #book: LifeBook
  readonly #changed = new Set<Life>()
  readonly #forgotten = new Set<string>()
  /** Another number after each change. */
  revision = 0
  /** When all that had changed was last on disk, on the monotonic clock. */
  savedAtMs: number | undefined

  constructor(checkpoint: Checkpoint, book: LifeBook) {
    this.#checkpoint = checkpoint
    this.#book = book
  }

  changed(life: Life): void {
    this.revision++
    this.#changed.add(life)
  }

  /** Everywhere: its book, and the checkpoint. */
  forget(life: Life): void {
    this.#book.forget(life)
    this.forgot(life)
  }

  forgot(life: Life): void {
    this.revision++
    this.#forgotten.add(lifeKey(life))
  }

  /** Saves every second until aborted. */
  async keepSaving(clock: Clock, signal: AbortSignal, onProblem: (error: unknown) => void): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(saveMs, signal).catch(() => {})
      await this.save().then(() => {
        this.savedAtMs = clock.monotonic()
      }, onProblem)
    }
  }

  /** Durable when it resolves; what could not be written (it rejects then) is part of the next save. */
  async save(): Promise<void> {
    const lives = [...this.#changed].filter((life) => this.#book.has(life))
    const forgotten = [...this.#forgotten]
    this.#changed.clear()
    this.#forgotten.clear()
    try {
      await this.#checkpoint.save(lives, forgotten, this.#book.all())
    } catch (error) {
      for (const life of lives) this.#changed.add(life)
      for (const key of forgotten) this.#forgotten.add(key)
      throw error
    }
  }
}
