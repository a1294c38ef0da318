import type { Clock } from '../../base/clock.ts'
import type { Life } from '../life.ts'
import type { LifeBook } from '../life-book.ts'

const roundMs = 1_000
const sweepRounds = 10
/** What is not lively is asked every ten seconds at most: to go through ten thousand each second costs more than to ask. */
const livelyMs = 60_000
const quietRounds = 10
const dayMinutes = 24 * 60

/**
 * Events are hints, and one may be lost: an open file is asked whether it changed, the more seldom the longer it has been
 * quiet, from once a second to once a minute. Up to a fifth earlier, each by another part, so that thousands that became
 * quiet together are not asked together.
 */
function pauseMs(quietMs: number, place: number): number {
  const everyMs = Math.min(Math.max(quietMs / 6, 1_000), 60_000)
  return everyMs * (1 - (place % 100) / 500)
}

/** Asks the open files, round after round; `look` takes those that changed. Ends when aborted. */
export async function keepRounds(
  book: LifeBook,
  clock: Clock,
  signal: AbortSignal,
  look: (life: Life) => void,
  afterRounds: () => void,
): Promise<void> {
  for (let round = 0; !signal.aborted; round++) {
    await clock.sleep(roundMs, signal).catch(() => {})
    const now = clock.monotonic()
    const ask = (life: Life, place: number): void => {
      if (life.file === undefined || now - life.askedAtMs < pauseMs(now - life.grewAtMs, place)) return
      life.askedAtMs = now
      if (hasChanged(life)) look(life)
    }
    for (const life of book.lively) {
      if (life.ended || now - life.grewAtMs > livelyMs) book.lively.delete(life)
      else ask(life, 0)
    }
    let place = 0
    for (const life of book.current.values()) if (++place % quietRounds === round % quietRounds) ask(life, place)
    if (round % sweepRounds === 0) afterRounds()
  }
}

/** Once a day, spread over the day, the whole chain and the seal of every stream whose file is here. Ends when aborted. */
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
        delivery.isWholeCheck = delivery.isSealUnseen = true
        delivery.isChecked = false
      }
      wake(life)
    }
  }
}

/** The open file is another than when it was last looked at. One that cannot even be asked is looked at: the look reports it. */
export function hasChanged(life: Life): boolean {
  if (life.file === undefined) return false
  try {
    return life.file.stat().stamp !== life.stamp
  } catch {
    return true
  }
}
