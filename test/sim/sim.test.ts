import { describe, expect, it } from 'vitest'
import { Counts } from './counts.ts'
import { drawHistory, runHistory } from './history.ts'
import { reportCounts } from './report.ts'
import { allSteps } from './steps.ts'

/** Enough that each kind of step comes often; `npm run sim -- --seeds 10000` is the long run. */
const seeds = 300

describe('simulated histories', () => {
  it(`I1 to I9: ${seeds} of them, each from its seed`, { timeout: 600_000 }, async () => {
    const counts = new Counts()
    const failures: string[] = []
    for (let seed = 1; seed <= seeds; seed++) {
      const verdict = await runHistory(drawHistory(seed, Object.keys(allSteps)))
      counts.addAll(verdict.counts)
      if (verdict.violations.length > 0)
        failures.push(`npm run sim -- --seed ${seed} --shrink: ${verdict.violations.slice(0, 3).join('; ')}`)
    }
    for (const line of reportCounts(counts)) console.log(line)
    expect(failures).toEqual([])
    // An idle simulation is no proof: every kind of step really happened.
    expect(Object.keys(allSteps).filter((step) => counts.get(step) === 0)).toEqual([])
    // Many segments of a stream were under way at once, and some were stored before those that they follow.
    expect(counts.get('segments in flight > 1')).toBeGreaterThan(1_000)
    expect(counts.get('segment before its predecessor: created')).toBeGreaterThan(1_000)
  })

  it('the same seed runs the same way', async () => {
    const history = drawHistory(7, ['append', 'rotate', 'kill', 'store bad'])
    const told: string[][] = []
    for (let run = 0; run < 2; run++) {
      const lines: string[] = []
      const onEvent = (agent: string, event: { kind: string }, world: { clock: { monotonic(): number } }): void =>
        void lines.push(`${world.clock.monotonic()} ${agent} ${event.kind}`)
      await runHistory(history, { onEvent })
      told.push(lines)
    }
    expect(told[0]?.length).toBeGreaterThan(3)
    expect(told[1]).toEqual(told[0])
  })
})
