import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { isLong } from '../scenarios/long.ts'
import type { FaultRequest } from '../support/fault-s3-faults.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { untilDelivered } from './histories/agent-history.ts'
import { compactArgs, publish } from './histories/publish.ts'
import { append, expectWhole, expectWholeAfterRestart, newSite, stop, writeLogs } from './new-site.ts'
import { sample } from './sample.ts'
import type { Site } from './site.ts'
import { waitFor } from './wait-for.ts'

guardLeaks()

/** Beyond a deadline, for a machine that is busy; far below the 30 s after which a request that hangs is given up. */
const graceMs = 15_000

const isSegment = ({ operation, key }: FaultRequest): boolean => operation === 'PutObject' && key.includes('segments/')

interface Phase {
  name: string
  files?: number
  drainTimeout?: string
  /** What the S3 server does. */
  store?: (request: FaultRequest) => { kind: 'hang' } | { kind: 'slow'; ms: number } | undefined
  /** Resolves when the phase has come. */
  begins: (site: Site) => Promise<void>
  /** The runtime may not be there yet: then the signal is the system's own. */
  isUnheard?: boolean
  /** All is delivered before it ends. */
  isDrained?: boolean
}

const sent = ({ server }: Site): number => server.objects.keys().filter((key) => key.includes('segments/')).length

const phases: Phase[] = [
  {
    name: 'shipping to a store that hangs',
    drainTimeout: '1s',
    store: (request) => (isSegment(request) ? { kind: 'hang' } : undefined),
    begins: (site) => waitFor('a segment', () => site.server.requests.some(({ key }) => key.includes('segments/'))),
  },
  {
    name: 'shipping to a slow store, with time enough',
    files: 60,
    store: (request) => (isSegment(request) ? { kind: 'slow', ms: 100 } : undefined),
    begins: (site) => waitFor('some segments', () => sent(site) > 3),
    isDrained: true,
  },
  { name: 'starting, before it can hear', isUnheard: true, begins: () => sleep(20) },
  {
    name: 'starting',
    begins: (site) => waitFor('a state', () => existsSync(join(site.state, 'lock')), { everyMs: 1 }),
  },
  {
    name: 'probing a store that hangs',
    drainTimeout: '1s',
    store: ({ key }) => (key.includes('probes/') ? { kind: 'hang' } : undefined),
    begins: (site) => waitFor('a probe', () => site.server.requests.some(({ key }) => key.includes('probes/'))),
  },
  {
    name: 'scanning',
    files: 600,
    drainTimeout: '1s',
    begins: (site) => waitFor('a checkpoint', () => existsSync(join(site.state, 'agent.json')), { everyMs: 1 }),
  },
  {
    name: 'shipping to a slow store, without',
    files: 60,
    drainTimeout: '0s',
    store: (request) => (isSegment(request) ? { kind: 'slow', ms: 300 } : undefined),
    begins: (site) => waitFor('some segments', () => sent(site) > 3),
  },
]

describe('SIGTERM to an agent', { timeout: 120_000 }, () => {
  it.each(sample(phases, 2))(
    'I1: $name: it ends within its deadline, and nothing is lost or doubled after a restart',
    async (phase) => {
      const { files = 20, drainTimeout = '20s', store = () => undefined, begins, isDrained } = phase
      const site = await newSite('sigterm')
      const config = await site.configure('agent', { drainTimeout })
      await writeLogs(site, files, 20)
      const works = site.server.fault(store)
      const agent = site.processes.start(['agent', '-c', config])
      await begins(site)
      const askedMs = performance.now()
      const { code, signal, stderr } = await stop(agent)
      expect(performance.now() - askedMs).toBeLessThan(Number.parseInt(drainTimeout, 10) * 1000 + graceMs)
      expect(code ?? signal, stderr).toBe(code === null && phase.isUnheard ? 'SIGTERM' : 0)
      if (isDrained) await expectWhole(site)
      works()
      await expectWholeAfterRestart(site, config)
    },
  )

  it('I1: idle: what was appended a moment before is delivered before it ends, with 0', async () => {
    const site = await newSite('sigterm')
    const config = await site.configure()
    await writeLogs(site, 5)
    const agent = site.processes.start(['agent', '-c', config])
    await untilDelivered(site, await site.files(), [agent])
    await append(site, '1.log', 'the last line\n')
    await append(site, 'new.log', 'the only line\n')
    const { code, stderr } = await stop(agent)
    expect(code, stderr).toBe(0)
    await expectWhole(site)
  })
})

describe.runIf(isLong)('SIGTERM to the other commands (LOGCASK_LONG=1)', () => {
  it('I1: ship ends with 143, and the next one completes it', async () => {
    const site = await newSite('sigterm-ship')
    await writeLogs(site, 60)
    const works = site.server.fault((request) => (isSegment(request) ? { kind: 'slow', ms: 300 } : undefined))
    const args = ['ship', site.logs, ...site.to, '--state', site.state, '--host', 'crash-1']
    const ship = site.processes.start(args)
    await waitFor('some segments', () => sent(site) > 3, { context: ship.stderr })
    expect(await stop(ship)).toMatchObject({ code: 143 })
    works()
    await site.look()
    expect((await site.processes.run(args)).code).toBe(0)
    await expectWhole(site)
  })

  it('I8: compact: following ends with 0, --once with 143, and what is published is whole after the next', async () => {
    const site = await newSite('sigterm-compact')
    await writeLogs(site, 30)
    const args = ['ship', site.logs, ...site.to, '--state', site.state, '--host', 'crash-1']
    expect((await site.processes.run(args)).code).toBe(0)
    const [, s3] = site.stores
    if (s3 === undefined) throw new Error('no such store')
    site.server.fault(({ operation }) => (operation === 'GetObject' ? { kind: 'slow', ms: 100 } : undefined))
    for (const [how, status] of [
      [[], 0],
      [['--once'], 143],
    ] as const) {
      const compact = site.processes.start([...compactArgs(site, s3), ...how])
      const asked = site.server.requests.length
      await waitFor('it reads', () => site.server.requests.length > asked + 3, { context: compact.stderr })
      const { code, stderr } = await stop(compact)
      expect(code, stderr).toBe(status)
      await site.look()
    }
    expect(await publish(site, s3, await site.files())).toMatchObject({ lost: 0, doubled: 0, different: [] })
    expect(site.rewritten).toEqual([])
  })
})
