import { type History, runHistory } from './history.ts'
import type { Setup } from './setup.ts'

/** What a violation is about: `I1 twice`. */
export function violationKind(violation: string): string {
  return /(I\d \w+|agent|compactor)/.exec(violation)?.[1] ?? violation.slice(0, 30)
}

/** The fewest steps, and the plainest setup, that still break the same promise in the same way. */
export async function shrink(history: History, kind: string, runsMax = 400): Promise<History> {
  let runs = 0
  const fails = async (candidate: History): Promise<boolean> => {
    if (runs++ >= runsMax) return false
    const { violations } = await runHistory(candidate)
    return violations.some((violation) => violationKind(violation) === kind)
  }
  let best = history
  for (const change of plainer) {
    const candidate = { ...best, setup: { ...best.setup, ...change } }
    if (await fails(candidate)) best = candidate
  }
  // ddmin: leave out ever smaller parts.
  for (let size = Math.ceil(best.steps.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < best.steps.length; ) {
      const candidate = { ...best, steps: [...best.steps.slice(0, at), ...best.steps.slice(at + size)] }
      if (await fails(candidate)) best = candidate
      else at += size
    }
  }
  return best
}

const plainer: Partial<Setup>[] = [
  { stores: 1 },
  { compactors: 0 },
  { probes: false },
  { watches: false },
  { header: 0 },
  { openFilesMax: 100 },
  { segmentBytes: undefined },
  { budget: 1000 },
  { olddir: undefined },
  { hasBirthTimes: true },
  { reusesInodes: false },
  { slowCalls: 0 },
  { scanIntervalMs: 1_000 },
  { sealAfterMs: 10_000 },
]
