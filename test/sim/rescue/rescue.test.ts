import { describe, expect, it } from 'vitest'
import { Counts } from '../counts.ts'
import { runHistory } from '../history.ts'
import { allSteps } from '../steps.ts'
import { drawRescueHistory } from './draw-rescue.ts'
import { rescueSteps } from './rescue-steps.ts'

/** `npm run sim -- --rescue --seeds 10000` is the long run. */
const seeds = 100

describe('simulated histories with the spool, housekeeping and whole files', () => {
  it(`I1, I5, I6: ${seeds} of them, each from its seed`, { timeout: 600_000 }, async () => {
    const counts = new Counts()
    const failures: string[] = []
    for (let seed = 1; seed <= seeds; seed++) {
      const verdict = await runHistory(drawRescueHistory(seed, Object.keys(allSteps)))
      counts.addAll(verdict.counts)
      if (verdict.violations.length > 0)
        failures.push(`npm run sim -- --rescue --seed ${seed} --shrink: ${verdict.violations.slice(0, 3).join('; ')}`)
    }
    expect(failures).toEqual([])
    // An idle simulation is no proof.
    const done = [
      ...Object.keys(rescueSteps),
      'housekeeping removed',
      'whole delivered',
      'spooled',
      'whole spooled',
      'log deleted before all eyes',
      'whole deleted before all eyes',
    ]
    expect(done.filter((what) => counts.get(what) === 0)).toEqual([])
  })
})
