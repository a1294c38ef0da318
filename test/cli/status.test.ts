import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdir, readdir, rename, stat, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { newDelivery, newLife } from '../../src/agent/life.ts'
import { systemClock } from '../../src/base/clock.ts'
import { acquireLock } from '../../src/base/lock.ts'
import type { DestinationStatus, StatusRecord } from '../../src/cli/agent/agent-status.ts'
import { hasEnded, processExists } from '../../src/cli/compose/pid-space.ts'
import {
  exitOfStatus,
  presenceOf,
  type StatusFacts,
  statusLines,
  waitingOf,
} from '../../src/cli/status/status-report.ts'
import { createPaint } from '../../src/cli/terminal/terminal.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { commandLine } from './run-command-line.ts'

guardLeaks()

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

describe('presence', () => {
  it.each<[string, Pick<StatusFacts, 'ageMs' | 'isLocked'> & { hasEnded?: boolean }, string]>([
    ['a fresh record and a held lock', { ageMs: 1_000, isLocked: true }, 'running'],
    ['a fresh record where the system does not tell of locks', { ageMs: 1_000, isLocked: undefined }, 'running'],
    ['a fresh record whose lock another container does not show', { ageMs: 1_000, isLocked: false }, 'running'],
    ['an agent under load that holds its lock', { ageMs: 15_000, isLocked: true }, 'running'],
    ['an old record and a held lock', { ageMs: 60_000, isLocked: true }, 'silent'],
    ['a record that is some writes too old', { ageMs: 7_000, isLocked: false }, 'stopped'],
    ['a fresh record of a process that has ended', { ageMs: 100, isLocked: false, hasEnded: true }, 'stopped'],
    ['the same where no locks are told', { ageMs: 100, isLocked: undefined, hasEnded: true }, 'stopped'],
    ['the same, and the next one holds the lock already', { ageMs: 100, isLocked: true, hasEnded: true }, 'running'],
    ['an old record', { ageMs: 60_000, isLocked: false }, 'stopped'],
    ['an old record where the system does not tell of locks', { ageMs: 60_000, isLocked: undefined }, 'stopped'],
    ['a held lock and no record: a one-shot run', { ageMs: undefined, isLocked: true }, 'silent'],
  ])('%s', (_name, facts, expected) => {
    expect(presenceOf({ hasEnded: false, ...facts })).toBe(expected)
  })

  it.each<[string, Parameters<typeof hasEnded>[0], boolean, boolean]>([
    ['the process is not there', { pid: 7, pidSpace: 'web-1 pid:[1]' }, false, true],
    ['the process is there', { pid: 7, pidSpace: 'web-1 pid:[1]' }, true, false],
    ['another container of the same host name wrote it', { pid: 7, pidSpace: 'web-1 pid:[2]' }, false, false],
    ['another machine wrote it', { pid: 7, pidSpace: 'web-2 pid:[1]' }, false, false],
    ['an agent that did not say where wrote it', { pid: 7 }, false, false],
    ['it names no process', { pid: 0, pidSpace: 'web-1 pid:[1]' }, false, false],
  ])('the writer of a record has ended, or nobody can tell: %s', (_name, record, isThere, expected) => {
    expect(hasEnded(record, 'web-1 pid:[1]', () => isThere)).toBe(expected)
  })

  it('a process that ended is told from one that runs', async () => {
    const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
    await once(child, 'exit')
    expect([processExists(process.pid), processExists(child.pid ?? 0)]).toEqual([true, false])
  })
})

describe('the report', () => {
  const ok: DestinationStatus = {
    name: 'eu',
    url: 's3://acme-eu',
    state: 'ok',
    behindBytes: 0,
    oldestSeconds: 0,
    filesBehind: 0,
    losses: 0,
    requests: 1234,
    dollars: 0.21,
  }
  const down: DestinationStatus = {
    ...ok,
    name: 'us',
    url: 's3://acme-us?endpoint=http://x',
    state: 'down',
    problem: '403 on PutObject',
    hint: 'allow s3:PutObject',
    since: '2026-11-21T12:00:00.000Z',
    behindBytes: 1_100_000_000,
    oldestSeconds: 840,
  }
  const running = (record: Partial<StatusRecord> = {}): StatusFacts => ({
    directory: '/state',
    host: 'web-1',
    status: {
      v: 1,
      pid: 42,
      host: 'web-1',
      startedAt: '2026-11-21T10:00:00.000Z',
      updatedAt: '2026-11-21T12:00:00.000Z',
      files: 214,
      bytes: 3_221_225_472,
      forks: 0,
      losses: 0,
      problems: [],
      destinations: [ok],
      ...record,
    },
    ageMs: 500,
    isLocked: true,
    hasEnded: false,
    waiting: [],
    files: 214,
    startCommand: 'logcask agent -c x.yaml',
    nowMs: Date.parse('2026-11-21T12:00:00.500Z'),
  })
  const stopped = (facts: Partial<StatusFacts>): StatusFacts => ({
    ...running(),
    ageMs: 3_600_000,
    isLocked: false,
    hasEnded: false,
    ...facts,
  })
  const behind: DestinationStatus = { ...ok, behindBytes: 9, filesBehind: 1 }
  const once = (record: Partial<StatusRecord>) => running({ isOneShot: true, ...record }).status
  const onceRan = (facts: Partial<StatusFacts>): StatusFacts => stopped({ status: once({}), ...facts })

  it('shows each destination, and for a bad one what to type next', () => {
    const { lines, warnings } = statusLines(running({ destinations: [ok, down] }), createPaint(false))
    expect(lines).toEqual([
      'DESTINATION  STATE  OLDEST UNDELIVERED   BEHIND  LOST  SINCE START',
      'eu           ok                      –      0 B     0  1,234 requests ≈ $0.21',
      'us           DOWN                 14 m  1.0 GiB     0  1,234 requests ≈ $0.21',
      'first possible loss: none in sight at the rates of the last hour',
      'host web-1 · 214 files, 3.0 GiB · agent 42 since 2026-11-21T10:00:00.000Z, heard now',
    ])
    expect(warnings).toEqual([
      'us: 403 on PutObject (since 2026-11-21T12:00:00.000Z)',
      "fix: allow s3:PutObject; then: logcask doctor 's3://acme-us?endpoint=http://x'",
    ])
  })

  it('I6: gaps are shown where they were recorded', () => {
    const facts = running({ losses: 2, destinations: [{ ...ok, losses: 2 }] })
    const { lines, warnings } = statusLines(facts, createPaint(false))
    expect(lines[1]).toContain('2 gaps')
    expect(warnings.join()).toContain('logcask why PATH')
  })

  it('tells the problems of files, without the escapes that their names hold', () => {
    const problems = [
      { place: '/var/log/\u001b[2J', message: 'cannot read', hint: 'let this user read it' },
      { place: 'eu', message: 'told with its state' },
    ]
    const { warnings } = statusLines(running({ problems }), createPaint(false))
    expect(warnings).toEqual(['/var/log/\\x1b[2J: cannot read', 'fix: let this user read it'])
  })

  it('names what a rotation would delete first, while something has waited for long', () => {
    const rotated = { files: 3, bytes: 2_048, oldestPath: '/var/log/app.log.7' }
    const { warnings } = statusLines(running({ rotated, destinations: [ok, down] }), createPaint(false))
    expect(warnings.join('\n')).toContain(
      '3 rotated files not everywhere, 2.0 KiB to go; the oldest, which a rotation deletes first: /var/log/app.log.7',
    )
    expect(statusLines(running({ rotated }), createPaint(false)).warnings).toEqual([])
  })

  it('tells when the first loss could happen', () => {
    const disks = [{ path: '/var/log', freeBytes: 36_000_000, bytesPerSecond: 1_000 }]
    expect(statusLines(running({ disks }), createPaint(false)).lines[2]).toBe(
      'first possible loss: in 10 h, 2026-11-21T22:00Z (disk full): nobody can write to /var/log any more',
    )
    const spool = { bytes: 0, bytesMax: 1_000_000_000 }
    expect(statusLines(running({ spool, destinations: [down] }), createPaint(false)).lines[2]).toMatch(
      /^first possible loss: now \(spool full\)/,
    )
  })

  it('says that no agent runs, what waits by the checkpoint, and how to start it', () => {
    const facts = stopped({ waiting: [{ name: 'eu', files: 3, bytes: 2048 }] })
    const { lines, warnings } = statusLines(facts, createPaint(false))
    expect(lines).toEqual([
      'no agent runs, last heard 1 h ago · host web-1 · 214 files, as the checkpoint has them',
      'DESTINATION  FILES BEHIND   BEHIND',
      'eu                      3  2.0 KiB',
      'first possible loss: now (no agent runs): what is deleted before it is delivered is lost',
    ])
    expect(warnings).toEqual(['fix: start it: logcask agent -c x.yaml; it goes on where it was'])
  })

  it('after agent --once nobody has to be started while nothing waits', () => {
    expect(statusLines(onceRan({}), createPaint(false)).warnings).toEqual([])
    const facts = onceRan({ waiting: [{ name: 'eu', files: 3, bytes: 2048 }] })
    expect(statusLines(facts, createPaint(false)).warnings).toHaveLength(1)
  })

  it.each<[string, StatusFacts, number]>([
    ['all is well', running(), 0],
    ['a destination is behind, and catches up', running({ destinations: [{ ...ok, behindBytes: 9 }] }), 0],
    ['a destination is down', running({ destinations: [ok, down] }), 1],
    ['a destination does not answer', running({ destinations: [{ ...ok, state: 'unavailable' }] }), 1],
    ['bytes were lost', running({ losses: 1 }), 3],
    ['a stream forked', running({ forks: 1 }), 3],
    ['a destination is down, and bytes were lost', running({ losses: 1, destinations: [down] }), 1],
    ['the daemon is gone', stopped({}), 1],
    ['the daemon hangs', stopped({ isLocked: true }), 1],
    ['after a one-shot run nothing waits', stopped({ status: undefined, ageMs: undefined }), 0],
    ['after agent --once, from cron, nothing waits', onceRan({}), 0],
    ['after agent --once something waits', onceRan({ waiting: [{ name: 'eu', files: 1, bytes: 1 }] }), 1],
    ['after agent --once a whole file is behind', onceRan({ status: once({ destinations: [behind] }) }), 1],
    ['after agent --once bytes were lost', onceRan({ status: once({ losses: 1 }) }), 3],
    ['while agent --once hangs', onceRan({ isLocked: true }), 1],
    [
      'after a one-shot run something waits',
      stopped({ status: undefined, ageMs: undefined, waiting: [{ name: 'eu', files: 1, bytes: 1 }] }),
      1,
    ],
  ])('exit status: %s', (_name, facts, expected) => {
    expect(exitOfStatus(facts)).toBe(expected)
  })
})

it('what waits counts a file as it is now, and nothing of a life that ended', () => {
  const life = (path: string, acked: number, size: number) => {
    const one = newLife({
      identity: '0-1',
      firstGeneration: 0,
      origin: { path, identity: '0-1', agent: 'test' },
      source: 's',
      path,
      destinations: [],
    })
    const delivery = newDelivery('eu')
    delivery.acked = { offset: acked, window: '' }
    one.deliveries.set('eu', delivery)
    one.size = size
    return one
  }
  const ended = life('/ended', 0, 100)
  ended.ended = { reason: 'gone', atMs: 0 }
  const lives = [life('/a', 10, 10), life('/b', 10, 15), life('/c', 10, 10), ended]
  const sizes = new Map([['/c', 17]])
  expect(waitingOf(lives, ['eu', 'us'], ({ path }) => sizes.get(path))).toEqual([{ name: 'eu', files: 2, bytes: 12 }])
})

describe('logcask status', () => {
  it('says so where no agent ever was', async () => {
    const { code, stderr } = await commandLine(['status', '--state', await tempDirectory('status')])
    expect(code).toBe(2)
    expect(stderr).toContain('no agent has worked here yet')
    expect(stderr).toContain('fix: name its configuration with -c FILE')
  })

  it('after ship: reads the checkpoint, counts what came since, and writes nothing', async () => {
    const place = await tempDirectory('status')
    const [file, state] = [join(place, 'a.log'), join(place, 'state')]
    await writeFile(file, 'hello\n')
    expect((await commandLine(['ship', file, '--to', `file://${place}/b`, '--state', state])).code).toBe(0)
    const before = await listing(state)
    const first = await commandLine(['status', '--state', state])
    expect(first).toMatchObject({ code: 0, stderr: '' })
    await appendFile(file, 'more\n')
    const second = await commandLine(['status', '--state', state])
    expect(second.code).toBe(1)
    expect(second.stdout).toMatch(/b +1 +5 B/)
    expect(await listing(state)).toEqual(before)
  })

  it('follows an agent: ok, a bucket that is away, killed', { timeout: 60_000 }, async () => {
    const place = await tempDirectory('status')
    const [logs, config, state] = [join(place, 'logs'), join(place, 'agent.yaml'), join(place, 'state')]
    await mkdir(logs)
    await writeFile(join(logs, 'a.log'), 'hello\n')
    await writeFile(
      config,
      `state: ${state}\nsources: [{ name: s, include: ["${logs}/*.log"] }]\ndestinations:\n  - { name: a, url: "file://${place}/a" }\n  - { name: b, url: "file://${place}/b" }\n`,
    )
    const agent = spawn(process.execPath, [main, 'agent', '-c', config], { stdio: 'ignore' })
    try {
      const ask = async () => {
        const { code, stdout } = await commandLine(['status', '-c', config, '--json'])
        return { code, ...JSON.parse(stdout === '' ? '{}' : stdout) }
      }
      const isOk = (status: Partial<StatusRecord>) => status.destinations?.every((one) => one.state === 'ok')
      const well = await poll(ask, (status) => status.agent === 'running' && isOk(status) && status.code === 0)
      expect(well).toMatchObject({ source: 'agent', files: 1, destinations: [{ name: 'a' }, { name: 'b' }] })
      // Only looked at: the agent keeps its lock.
      await expect(acquireLock(join(state, 'lock'), systemClock)).rejects.toMatchObject({ code: 'conflict' })
      await rename(join(place, 'b'), join(place, 'away'))
      await appendFile(join(logs, 'a.log'), 'more\n')
      const bad = await poll(ask, (status) => status.code === 1)
      expect(bad.destinations).toMatchObject([{ state: 'ok' }, { state: 'unavailable', behindBytes: 5 }])
      agent.kill('SIGKILL')
      await once(agent, 'exit')
      // At once, however fresh its record is.
      const gone = await ask()
      expect(gone.agent).toBe('stopped')
      expect(gone).toMatchObject({ code: 1, source: 'checkpoint' })
    } finally {
      agent.kill('SIGKILL')
      if (agent.exitCode === null && agent.signalCode === null) await once(agent, 'exit')
    }
  })

  it('a damaged record is said to be damaged', async () => {
    const place = await tempDirectory('status')
    await writeFile(join(place, 'status.json'), '{')
    const { code, stderr } = await commandLine(['status', '--state', place])
    expect(code).toBe(2)
    expect(stderr).toContain('status.json: is damaged')
    await unlink(join(place, 'status.json'))
  })
})

async function listing(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).sort()
  const stats = await Promise.all(names.map((name) => stat(join(directory, name))))
  return names.map((name, at) => `${name} ${stats[at]?.mtimeMs} ${stats[at]?.size}`)
}

async function poll<T>(ask: () => Promise<T>, isEnough: (answer: T) => boolean | undefined): Promise<T> {
  const endMs = systemClock.monotonic() + 30_000
  for (;;) {
    const answer = await ask()
    if (isEnough(answer) || systemClock.monotonic() > endMs) return answer
    await systemClock.sleep(50)
  }
}
