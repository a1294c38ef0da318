import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { isLong } from '../scenarios/long.ts'
import { contentsOf, holdingsOf } from '../scenarios/stored-content.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { untilDelivered } from './histories/agent-history.ts'
import { compactArgs, publish } from './histories/publish.ts'
import { startLogWriter } from './log-writer.ts'
import { append, expectWhole, newSite, stop, writeLogs } from './new-site.ts'
import type { Site } from './site.ts'
import { waitFor } from './wait-for.ts'

guardLeaks()

/** Longer than the request timeout, the scan interval, sealAfter and the drain timeout, which are a second each. */
const standstillMs = 2_500

/** SIGSTOP: a suspended laptop, a frozen cgroup, a machine that is moved. */
describe('a process that stands still for longer than every timeout', { timeout: 120_000 }, () => {
  it('I1, I2: an agent goes on where it was, in the middle of segments', async () => {
    const site = await newSite('stopped')
    const config = await site.configure('agent', { drainTimeout: '20s' }, { requestTimeout: '1s' })
    site.server.fault(({ operation }) => (operation === 'PutObject' ? { kind: 'slow', ms: 100 } : undefined))
    await writeLogs(site, 30)
    const writer = startLogWriter(site.logs, ['app.log', 'access.log'], seededRandom(5))
    const agent = site.processes.start(['agent', '-c', config])
    await waitFor('some segments', () => sentTo(site) > 3, { context: agent.stderr })
    agent.process.kill('SIGSTOP')
    await sleep(standstillMs)
    // Its lock is the kernel's: standing still does not lose it.
    const second = await site.processes.run(['agent', '-c', config])
    expect(second.stderr).toContain('another logcask works here')
    expect(second.code).toBe(1)
    const before = sentTo(site)
    agent.process.kill('SIGCONT')
    await waitFor('it goes on', () => sentTo(site) > before, { context: agent.stderr })
    agent.process.kill('SIGSTOP')
    await writer.stop()
    await sleep(standstillMs)
    agent.process.kill('SIGCONT')
    await untilDelivered(site, await site.files(), [agent])
    const { code, stderr } = await stop(agent)
    expect(code, stderr).toBe(0)
    expect(stderr).not.toMatch(/"forked"|"gap"/)
    await expectWhole(site)
    // Nothing was sent twice under names of its own either.
    for (const [stream, { strays }] of contentsOf(holdingsOf(site.server.objects)))
      expect({ stream, strays }).toEqual({ stream, strays: 0 })
  })

  if (isLong)
    it('I1: ship, beyond its --timeout: the status is honest, and the next one completes it', async () => {
      const site = await newSite('stopped-ship')
      site.server.fault(({ operation }) => (operation === 'PutObject' ? { kind: 'slow', ms: 50 } : undefined))
      await writeLogs(site, 60, 2_000)
      const args = ['ship', site.logs, ...site.to, '--state', site.state, '--host', 'crash-1']
      const ship = site.processes.start([...args, '--timeout', '4s'])
      await waitFor('a segment', () => sentTo(site) > 0 || ship.process.exitCode !== null, { context: ship.stderr })
      ship.process.kill('SIGSTOP')
      await sleep(2 * standstillMs)
      ship.process.kill('SIGCONT')
      const { code, stderr } = await ship.ended
      const isWhole = [...(await site.compare(await site.files())).values()].every(({ lost }) => lost === 0)
      expect({ code, isWhole }, stderr).toEqual({ code: isWhole ? 0 : 75, isWhole })
      await site.look()
      expect((await site.processes.run(args)).code).toBe(0)
      await expectWhole(site)
    })

  if (isLong)
    it('I8: compact goes on where it was', async () => {
      const site = await newSite('stopped-compact')
      await writeLogs(site, 20, 2_000)
      const ship = ['ship', site.logs, ...site.to, '--state', site.state, '--host', 'crash-1']
      expect((await site.processes.run(ship)).code).toBe(0)
      const [, s3] = site.stores
      if (s3 === undefined) throw new Error('no such store')
      site.server.fault(({ operation }) => (operation === 'GetObject' ? { kind: 'slow', ms: 50 } : undefined))
      const compact = site.processes.start([...compactArgs(site, s3), '--interval', '100ms'])
      await waitFor('something is published', () => compact.stderr().includes('published'), { context: compact.stderr })
      compact.process.kill('SIGSTOP')
      await site.look()
      await append(site, '3.log', 'more\n')
      expect((await site.processes.run(ship)).code).toBe(0)
      await sleep(standstillMs)
      compact.process.kill('SIGCONT')
      // What came meanwhile it sees when it looks next, which a quiet host may wait a minute for.
      const published = (): number => compact.stderr().match(/^published/gm)?.length ?? 0
      await waitFor('it goes on', () => published() >= 20, { context: compact.stderr })
      expect((await stop(compact)).code).toBe(0)
      expect(await publish(site, s3, await site.files())).toMatchObject({ lost: 0, doubled: 0, different: [] })
      await expectWhole(site)
    })
})

/** Segments in the S3 store. */
function sentTo({ server }: Site): number {
  return server.objects.keys().filter((key) => key.includes('segments/')).length
}
