import { once } from 'node:events'
import { appendFile, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { nothingShipped } from '../../src/agent/identity/evidence.ts'
import { FileCheckpoint } from '../../src/agent/state/checkpoint.ts'
import { systemClock } from '../../src/base/clock.ts'
import { askDestinations } from '../../src/cli/status/status-ask.ts'
import { nameOfAddress, parseStoreUrl } from '../../src/config/store-url.ts'
import { startLogcask, until } from '../scenarios/logcask-process.ts'
import { faultS3Env } from '../support/fault-s3.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { commandLine } from './run-command-line.ts'

guardLeaks()

const budget = { burst: 20, everyMs: 10_000 }
const hurried = { ...systemClock, timer: (ms: number, call: () => void) => systemClock.timer(ms / 2, call) }

describe('the destinations are asked', () => {
  it('with a time limit: one that hangs holds nobody up, and says where to look', async () => {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => void sockets.add(socket.on('error', () => {})))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    })
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    Object.assign(process.env, faultS3Env)
    const root = join(await tempDirectory('ask'), 'bucket')
    await mkdir(root)
    const asked = await askDestinations(
      [
        { name: 'hangs', url: 's3://bucket', endpoint, region: 'eu-central-1', budget },
        { name: 'empty', url: `file://${root}`, budget },
      ],
      'web-1',
      [],
      hurried,
    )
    expect(asked).toMatchObject([
      { name: 'hangs', problem: { message: 'hangs: no answer within 8 s', isRefused: false } },
      { name: 'empty' },
    ])
    expect(asked[0]?.problem?.hint).toContain('logcask doctor')
  })

  it('I3: what they have beyond an older checkpoint is no backlog', async () => {
    const place = await tempDirectory('ask')
    const [file, state, url] = [join(place, 'a.log'), join(place, 'state'), `file://${place}/bucket`]
    await writeFile(file, 'hello\n')
    expect((await commandLine(['ship', file, '--to', url, '--state', state, '--host', 'web-1'])).code).toBe(0)
    const name = nameOfAddress(parseStoreUrl(url))
    const [life] = await new FileCheckpoint(state).load([name])
    const delivery = life?.deliveries.get(name)
    if (life === undefined || delivery === undefined) throw new Error('no checkpoint')
    const ask = () => askDestinations([{ name, url, budget }], 'web-1', [life], systemClock)
    expect(await ask()).toMatchObject([{ aheadBytes: 0 }])
    delivery.acked = nothingShipped
    expect(await ask()).toMatchObject([{ aheadBytes: 6 }])
  })

  it('when no agent runs: whether they answer, when they last heard of it, and what they have beyond the checkpoint', {
    timeout: 300_000,
  }, async () => {
    const place = await tempDirectory('ask')
    const [logs, config, state] = [join(place, 'logs'), join(place, 'agent.yaml'), join(place, 'state')]
    await mkdir(logs)
    await writeFile(join(logs, 'a.log'), 'hello\n')
    await writeFile(
      config,
      JSON.stringify({
        host: 'web-1',
        state,
        sources: [{ name: 's', include: [`${logs}/*.log`] }],
        destinations: [
          { name: 'a', url: `file://${place}/a` },
          { name: 'b', url: `file://${place}/b` },
        ],
      }),
    )
    const agent = startLogcask(['agent', '-c', config])
    const status = async () => {
      const { code, stdout, stderr } = await commandLine(['status', '-c', config, '--json'])
      return { code, stderr, ...JSON.parse(stdout) }
    }
    const isHeard = async (): Promise<boolean> => {
      const asked = await askDestinations(
        ['a', 'b'].map((name) => ({ name, url: `file://${place}/${name}`, budget })),
        'web-1',
        [],
        systemClock,
      )
      return asked.every(({ lastDigestAtMs }) => lastDigestAtMs !== undefined)
    }
    await until('both have a digest', isHeard, { context: agent.stderr, withinMs: 90_000 })
    await until('the checkpoint is there', async () => (await status()).destinations?.length === 2, {
      withinMs: 90_000,
    })
    // While it runs it is taken at its word, unless it is asked for.
    expect((await status()).asked).toBeNull()
    const checked = await commandLine(['status', '-c', config, '--check', '--json'])
    expect(JSON.parse(checked.stdout).asked).toMatchObject([
      { name: 'a', state: 'ok' },
      { name: 'b', state: 'ok' },
    ])
    agent.process.kill('SIGTERM')
    await agent.ended

    await appendFile(join(logs, 'a.log'), 'more\n')
    await rename(join(place, 'b'), join(place, 'away'))
    const gone = await status()
    expect(gone).toMatchObject({ agent: 'stopped', source: 'checkpoint', firstLoss: { reason: 'no agent runs' } })
    expect(gone.destinations).toMatchObject([
      { name: 'a', behindBytes: 5 },
      { name: 'b', behindBytes: 5 },
    ])
    expect(gone.asked).toMatchObject([
      { name: 'a', state: 'ok', lastDigestAt: expect.stringMatching(/^20/), beyondCheckpointBytes: 0 },
      { name: 'b', state: expect.stringMatching(/unavailable|down/), problem: expect.any(String) },
    ])
    const { stdout, stderr } = await commandLine(['status', '-c', config])
    expect(stdout).toMatch(/a +1 +5 B +ok +\d+ m?s? ?ago|a +1 +5 B +ok +now/)
    expect(stdout).toContain('first possible loss: now (no agent runs)')
    expect(stderr).toContain('b: ')
    await rm(join(place, 'away'), { recursive: true })
  })
})
