import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { logcask, startLogcask, until } from '../scenarios/logcask-process.ts'
import { compareWithFiles, type Holdings, holdingsBelow, holdingsOf } from '../scenarios/stored-content.ts'
import { type FaultS3, startFaultS3 } from '../support/fault-s3.ts'
import { randomFaults } from '../support/fault-s3-faults.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { startLogWriter } from './log-writer.ts'

/** As kill-agent.test.ts: LOGCASK_CRASHES=50 LOGCASK_SEED=7 npx vitest run test/crash */
const kills = Number(process.env.LOGCASK_CRASHES ?? 8)
const seed = Number(process.env.LOGCASK_SEED ?? 1)
const timeoutMs = 120_000 + kills * 5_000
const whole = { lost: 0, doubled: 0, different: [] }

async function serve(): Promise<FaultS3> {
  const server = await startFaultS3()
  onTestFinished(() => server.close())
  return server
}

async function makeFiles(directory: string, random = seededRandom(seed)): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>()
  await mkdir(directory)
  for (let at = 0; at < 40; at++) {
    const path = join(directory, `${at}.log`)
    const bytes = Buffer.alloc(at % 8 === 0 ? random.int(4_000_000, 12_000_000) : random.int(0, 50_000), `line ${at}\n`)
    files.set(path, bytes)
    await writeFile(path, bytes)
  }
  return files
}

describe('ship that is killed again and again', () => {
  it(
    `I1, I3: the last one completes what the others began, and repeats nothing (${kills} kills)`,
    async () => {
      const directory = await tempDirectory('kill-ship')
      const random = seededRandom(seed + 2)
      const files = await makeFiles(join(directory, 'logs'))
      const root = join(directory, 'bucket')
      const state = join(directory, 'state')
      const server = await serve()
      server.fault(randomFaults({ '503': 0.1, lost: 0.05, '500-after': 0.05, late: 0.02, slow: 0.5 }, seed))
      const to = ['--to', `file://${root}`, '--to', `s3://bucket?endpoint=${server.endpoint}`]
      const args = ['ship', join(directory, 'logs'), ...to, '--state', state, '--host', 'crash-1']
      for (let kill = 0; kill < kills; kill++) {
        const running = startLogcask(args)
        await Promise.race([sleep(random.int(200, 900)), running.ended])
        running.process.kill('SIGKILL')
        await running.ended
        if (random.chance(0.4)) await rm(state, { recursive: true, force: true })
      }
      const last = await logcask(args)
      expect(last.stderr).toMatch(/2\/2 destinations|already there/)
      expect(last.code).toBe(0)
      server.releaseLate()
      for (const holdings of [await holdingsBelow(root), holdingsOf(server.objects)])
        expect(compareWithFiles(files, holdings)).toMatchObject(whole)
    },
    timeoutMs,
  )
})

describe('two agents on one host by mistake', () => {
  it(
    'I3: mix, lose and double nothing while both are killed, in any bucket',
    async () => {
      const directory = await tempDirectory('two-agents')
      const random = seededRandom(seed + 3)
      const logs = join(directory, 'logs')
      await mkdir(logs)
      const root = join(directory, 'bucket')
      const server = await serve()
      server.fault(randomFaults({ '503': 0.05, lost: 0.05, slow: 0.3 }, seed))
      const configs = await Promise.all(
        ['one', 'two'].map(async (name) => {
          const config = join(directory, `${name}.yaml`)
          const settings = {
            host: 'crash-1',
            state: join(directory, `state-${name}`),
            sources: [{ name: 'logs', include: [`${logs}/*.log*`], sealAfter: '1s' }],
            destinations: [{ url: `file://${root}` }, { url: 's3://bucket', endpoint: server.endpoint }].map((one) => ({
              ...one,
              budget: { burst: 1000, everySeconds: 0.1 },
            })),
            scanInterval: '1s',
            log: { level: 'warn' },
          }
          await writeFile(config, JSON.stringify(settings))
          return config
        }),
      )
      const start = (config = '') => startLogcask(['agent', '-c', config])
      const writer = startLogWriter(logs, ['app.log', 'access.log'], random.fork())
      const agents = configs.map(start)
      for (let kill = 0; kill < kills; kill++) {
        await sleep(random.int(300, 1000))
        const at = random.int(0, 1)
        agents[at]?.process.kill('SIGKILL')
        await agents[at]?.ended
        if (random.chance(0.3))
          await rm(join(directory, `state-${at === 0 ? 'one' : 'two'}`), { recursive: true, force: true })
        agents[at] = start(configs[at])
      }
      await writer.stop()
      const files = new Map<string, Uint8Array>()
      for (const name of await readdir(logs)) files.set(join(logs, name), await readFile(join(logs, name)))
      const stores: (() => Promise<Holdings>)[] = [() => holdingsBelow(root), async () => holdingsOf(server.objects)]
      const context = (): string => agents.map((agent) => agent.stderr().slice(-2_000)).join('\n')
      for (const read of stores) {
        await until('all is there', async () => compareWithFiles(files, await read()).lost === 0, {
          withinMs: 90_000,
          everyMs: 500,
          context,
        })
      }
      for (const agent of agents) {
        agent.process.kill('SIGTERM')
        expect((await agent.ended).code).toBe(0)
      }
      for (const read of stores) expect(compareWithFiles(files, await read())).toMatchObject(whole)
    },
    timeoutMs,
  )
})
