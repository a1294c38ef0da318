import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Supervisor } from '../../src/base/supervisor.ts'
import type { StatusRecord } from '../../src/cli/agent/agent-status.ts'
import { keepNotified, noticeText } from '../../src/cli/agent/service-notice.ts'
import { startLogcask, until } from '../scenarios/logcask-process.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { cannotNotify, startSupervisor } from '../support/notify-socket.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

guardLeaks()

const missing = cannotNotify()

const well: StatusRecord = {
  v: 1,
  pid: 1,
  host: 'web-1',
  startedAt: '',
  updatedAt: '',
  files: 214,
  bytes: 0,
  forks: 0,
  losses: 0,
  problems: [],
  notReady: [],
  destinations: [
    {
      name: 'eu',
      url: '',
      state: 'ok',
      behindBytes: 0,
      oldestSeconds: 0,
      filesBehind: 0,
      losses: 0,
      requests: 0,
      dollars: 0,
    },
  ],
}

describe('what the service manager is told', () => {
  it('is how each destination stands, in a line', () => {
    expect(noticeText(well)).toBe('214 files · eu ok')
    const [eu] = well.destinations
    if (eu === undefined) throw new Error('no destination')
    const us = { ...eu, name: 'us', state: 'down' as const, behindBytes: 1_181_116_006 }
    expect(noticeText({ ...well, losses: 2, destinations: [eu, us], notReady: ['x'] })).toBe(
      '214 files · eu ok · us DOWN, 1.1 GiB behind · 2 gaps · not ready',
    )
  })

  function watched(watchdogMs: number | undefined, status = well) {
    const clock = createVirtualClock()
    const said: string[] = []
    const state = { status, isStalled: false }
    const supervisor: Supervisor = { watchdogMs, tell: async (...words) => void said.push(...words) }
    const stop = new AbortController()
    const ended = keepNotified(
      supervisor,
      () => state.status,
      () => state.isStalled,
      clock,
      stop.signal,
      () => {},
    )
    const end = (): Promise<void> => {
      stop.abort(new Error('stopped'))
      return ended
    }
    return { clock, said, state, end }
  }

  it('READY once it is, or after a minute whatever a store does; then only what has changed', async () => {
    const { clock, said, state, end } = watched(undefined, { ...well, notReady: ['eu has not answered yet'] })
    await clock.advance(59_000)
    expect(said).toEqual([])
    await clock.advance(2_000)
    expect(said).toEqual(['READY=1', 'STATUS=214 files · eu ok · not ready'])
    state.status = well
    await clock.advance(300_000)
    expect(said.slice(2)).toEqual(['STATUS=214 files · eu ok'])
    await end()
  })

  it('that it lives, twice in the time it has, and only while its scans come round', async () => {
    const { clock, said, state, end } = watched(60_000)
    await clock.advance(90_000)
    const alive = (): number => said.filter((word) => word === 'WATCHDOG=1').length
    expect(alive()).toBe(4)
    state.isStalled = true
    await clock.advance(120_000)
    expect(alive()).toBe(4)
    state.isStalled = false
    await clock.advance(30_000)
    expect(alive()).toBe(5)
    await end()
  })
})

describe('an agent under systemd', () => {
  it.skipIf(missing !== undefined)(
    `says when it is ready, that it lives, and that it stops${missing ? ` (${missing})` : ''}`,
    async () => {
      const place = await tempDirectory('notify')
      await mkdir(join(place, 'logs'))
      await writeFile(join(place, 'logs/a.log'), 'hello\n')
      const config = join(place, 'agent.yaml')
      const settings = {
        host: 'web-1',
        state: join(place, 'state'),
        sources: [{ name: 's', include: [`${place}/logs/*.log`] }],
        destinations: [{ name: 'nas', url: `file://${place}/bucket` }],
      }
      await writeFile(config, JSON.stringify(settings))
      const { heard, env } = await startSupervisor(`@logcask${place}`)
      const agent = startLogcask(['agent', '-c', config], { env: { ...env, WATCHDOG_USEC: '1000000' } })
      await until('it is ready', () => heard.includes('READY=1'), { context: agent.stderr, withinMs: 90_000 })
      expect(heard).toContain('STATUS=1 file · nas ok')
      const alive = (): number => heard.filter((word) => word === 'WATCHDOG=1').length
      const before = alive()
      await until('it lives', () => alive() >= before + 2, { context: agent.stderr, withinMs: 90_000 })
      // A process that stands still says nothing: systemd sees it.
      agent.process.kill('SIGSTOP')
      await new Promise((resolve) => setTimeout(resolve, 700))
      const stopped = alive()
      await new Promise((resolve) => setTimeout(resolve, 2_000))
      expect(alive()).toBe(stopped)
      agent.process.kill('SIGCONT')
      await until('it lives again', () => alive() > stopped, { context: agent.stderr, withinMs: 90_000 })
      agent.process.kill('SIGTERM')
      expect((await agent.ended).code).toBe(0)
      expect(heard).toContain('STOPPING=1')
      expect(heard).toContain('EXTEND_TIMEOUT_USEC=35000000')
      expect(agent.stderr()).not.toContain('"place":"systemd"')
    },
    300_000,
  )
})
