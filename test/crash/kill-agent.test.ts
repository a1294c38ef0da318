import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { holdingsBelow, holdingsOf } from '../scenarios/stored-content.ts'
import { startFaultS3 } from '../support/fault-s3.ts'
import { randomFaults } from '../support/fault-s3-faults.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { type CrashRun, runCrashes, tableOf } from './crash-run.ts'

/**
 * Real processes, kill -9. More of it:
 *   LOGCASK_CRASHES=50 LOGCASK_SEED=7 npx vitest run test/crash
 * The seed chooses what is written and when is killed; what a kill meets is up to the machine.
 */
const kills = Number(process.env.LOGCASK_CRASHES ?? 8)
const seed = Number(process.env.LOGCASK_SEED ?? 1)
const timeoutMs = 120_000 + kills * 5_000

describe('an agent that is killed again and again while files grow and rotate', () => {
  it(
    `I1, I3: loses nothing and doubles nothing, in any bucket and in the compactor's directory (${kills} kills)`,
    async () => {
      const directory = await tempDirectory('crash')
      const server = await startFaultS3()
      onTestFinished(() => server.close())
      const random = seededRandom(seed)
      server.fault(({ operation }) => (operation === 'PutObject' ? { kind: 'slow', ms: 15 } : undefined))
      const run = await runCrashes(directory, storesIn(directory, server), { kills, random })
      console.log(tableOf(run))
      expectWhole(run)
    },
    timeoutMs,
  )

  it(
    `I1: neither where answers get lost, errors come after the commit, and a third of the requests meets 503 (${kills} kills)`,
    async () => {
      const directory = await tempDirectory('crash')
      const server = await startFaultS3()
      onTestFinished(() => server.close())
      const random = seededRandom(seed + 1)
      server.fault(randomFaults({ '503': 0.33, lost: 0.05, '500-after': 0.05, 'lost-before': 0.03, late: 0.02 }, seed))
      const run = await runCrashes(directory, storesIn(directory, server), {
        kills,
        random,
        calm: () => void server.releaseLate(),
      })
      console.log(tableOf(run))
      expectWhole(run)
    },
    timeoutMs,
  )
})

type Server = Awaited<ReturnType<typeof startFaultS3>>

function storesIn(directory: string, server: Server) {
  const root = join(directory, 'bucket')
  return [
    { name: 'file', url: `file://${root}`, read: () => holdingsBelow(root), isFollowed: true },
    {
      name: 's3',
      url: 's3://bucket/logs',
      endpoint: server.endpoint,
      read: () => withoutPrefix(holdingsOf(server.objects)),
      isFollowed: true,
    },
  ]
}

function withoutPrefix(holdings: ReadonlyMap<string, Buffer>): ReadonlyMap<string, Buffer> {
  return new Map([...holdings].map(([key, body]) => [key.replace(/^logs\//, ''), body]))
}

function expectWhole(run: CrashRun): void {
  for (const [store, { lost, doubled, different }] of run.comparisons) {
    expect({ store, lost, doubled, different }).toEqual({ store, lost: 0, doubled: 0, different: [] })
  }
  // No fork: what was written is one history.
  expect(run.logs.filter((log) => /"forked"|"gap"/.test(log))).toEqual([])
}
