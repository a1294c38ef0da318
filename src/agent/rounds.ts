import type { Clock } from '../base/clock.ts'
import type { Life } from './life.ts'
import type { LifeBook } from './life-book.ts'

/** Files that changed lately are looked at this often, all others a tenth as often: a hint may have been lost. */
const roundMs = 1_000
const latelyMs = 10_000
const slowRounds = 10
const dayMinutes = 24 * 60

/** Asks the open files, round after round, whether they changed; `look` takes those that did. Ends when aborted. */
export async function keepRounds(
  book: LifeBook,
  clock: Clock,
  signal: AbortSignal,
  look: (life: Life) => void,
  afterSlowRound: () => void,
): Promise<void> {
  for (let round = 0; !signal.aborted; round++) {
    await clock.sleep(roundMs, signal).catch(() => {})
    const now = clock.monotonic()
    for (const life of book.current.values()) {
      if (life.file === undefined || (now - life.grewAtMs > latelyMs && round % slowRounds !== 0)) continue
      if (hasChanged(life)) look(life)
    }
    if (round % slowRounds === 0) afterSlowRound()
  }
}

/** Once a day, spread over the day, the whole chain of every stream whose file is here. Ends when aborted. */
export async function keepDailyChecks(
  book: LifeBook,
  clock: Clock,
  signal: AbortSignal,
  wake: (life: Life) => void,
): Promise<void> {
  let due: Life[] = []
  let perMinute = 0
  while (!signal.aborted) {
    await clock.sleep(60_000, signal).catch(() => {})
    if (due.length === 0) {
      due = [...book.current.values()]
      perMinute = Math.ceil(due.length / dayMinutes)
    }
    for (const life of due.splice(0, perMinute)) {
      for (const delivery of life.deliveries.values()) {
        delivery.isWholeCheck = true
        delivery.isChecked = false
      }
      wake(life)
    }
  }
}

/** A file that cannot even be asked is looked at: the look reports it. */
function hasChanged(life: Life): boolean {
  try {
    return life.file?.stat().stamp !== life.stamp
  } catch {
    return true
  }
}
