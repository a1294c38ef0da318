import type { Clock } from '../../base/clock.ts'
import type { WholeFile } from './whole-file.ts'

const minuteMs = 60_000
const dayMinutes = 24 * 60

/**
 * Has every file asked for once a day, spread over it: a bucket that was restored from an older backup is noticed, and
 * filled again, as long as the file is still here (I3). A HEAD per file, destination and day.
 */
export async function keepWholeChecks(
  all: () => Iterable<WholeFile>,
  clock: Pick<Clock, 'sleep'>,
  signal: AbortSignal,
  recheck: (file: WholeFile) => void,
): Promise<void> {
  let due: WholeFile[] = []
  let perMinute = 0
  for (let minute = 0; !signal.aborted; minute++) {
    await clock.sleep(minuteMs, signal).catch(() => {})
    if (minute % dayMinutes === 0) {
      due = [...all()]
      perMinute = Math.ceil(due.length / dayMinutes)
    }
    if (!signal.aborted) for (const file of due.splice(0, perMinute)) recheck(file)
  }
}
