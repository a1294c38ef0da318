import { isLong } from '../scenarios/long.ts'

/** Of cases that are much alike, the ones that `npm test` runs: LOGCASK_LONG=1 runs all of them. */
export function sample<T>(cases: readonly T[], count: number): readonly T[] {
  return isLong ? cases : cases.slice(0, count)
}
