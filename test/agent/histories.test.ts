import { cpus } from 'node:os'
import { describe, expect, it } from 'vitest'
import { runHistory } from './history.ts'

/**
 * Random histories of real files against the agent, judged by an oracle that shares no code with it.
 * More of them: LOGCASK_HISTORIES=2000 npx vitest run test/agent/histories.test.ts; one again: LOGCASK_HISTORY=<seed>.
 */
const count = Number(process.env.LOGCASK_HISTORIES ?? 48)
const only = process.env.LOGCASK_HISTORY
const firstSeed = Number(process.env.LOGCASK_HISTORIES_FROM ?? 1)
const seeds = only === undefined ? Array.from({ length: count }, (_, n) => firstSeed + n) : [Number(only)]
const lanes = Math.max(4, cpus().length * 3)

describe('random histories', () => {
  it(
    `I1, I2, I3, I6: ${seeds.length} of them: no byte lost, doubled, mixed; seals tell the truth`,
    async () => {
      const failures: string[] = []
      const left = [...seeds]
      const lane = async (): Promise<void> => {
        for (let seed = left.shift(); seed !== undefined; seed = left.shift()) {
          const problems = await runHistory(seed, only !== undefined)
          if (problems.length > 0) failures.push(`LOGCASK_HISTORY=${seed}: ${problems.join('; ')}`)
        }
      }
      await Promise.all(Array.from({ length: lanes }, lane))
      expect(failures).toEqual([])
    },
    60_000 + seeds.length * 2_000,
  )
})
