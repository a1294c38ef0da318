import type { Counts } from './counts.ts'
import { allSteps } from './steps.ts'

/** What really happened, as a table; and what never did, so that an idle simulation does not pass for a green one. */
export function reportCounts(counts: Counts): string[] {
  const steps = Object.keys(allSteps)
  const others = [...counts].filter(([what]) => !steps.includes(what))
  const never = steps.filter((step) => counts.get(step) === 0)
  return [
    `steps: ${steps.map((step) => `${step} ${counts.get(step)}`).join(', ')}`,
    `faults and outcomes: ${others.map(([what, times]) => `${what} ${times}`).join(', ')}`,
    ...(never.length > 0 ? [`never happened: ${never.join(', ')}`] : []),
  ]
}
