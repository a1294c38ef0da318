import { readdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { matchPaths } from '../../src/cli/read/read-names.ts'
import { timesOf } from '../../src/cli/read/read-times.ts'
import { serveApi } from '../server/api-fixture.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { storedStream } from '../support/stored-stream.ts'
import { diskBucket } from './reader-bucket.ts'
import { commandLine } from './run-command-line.ts'

guardLeaks()

const hourMs = 3_600_000

/** Three hosts, two files each; on web-1 the log was rotated, its lines stored 5, 4, 3, 2 and 1 hours ago. */
async function setUp() {
  const disk = await diskBucket()
  const { bucket, root } = disk
  const streams = ['web-1', 'web-2', 'db-1'].map((host) => ({
    host,
    log: storedStream(bucket, host, '20261120T101500123456789Z-2', '/var/log/app/a.log'),
    other: storedStream(bucket, host, '20261120T101500123456789Z-3', '/srv/b.log'),
  }))
  const older = storedStream(bucket, 'web-1', '20261119T101500123456789Z-1', '/var/log/app/a.log')
  for (const text of ['5\n', '4\n']) await older.append(text)
  await older.seal()
  for (const { host, log, other } of streams) {
    if (host === 'web-1') for (const text of ['3\n', '2\n', '1\n']) await log.append(text)
    else await log.append(`${host}\n`)
    await other.append(`${host} b\n`)
  }
  const age = async (stream: string, hours: readonly number[]): Promise<void> => {
    const room = join(root, 'segments/web-1', stream)
    const names = (await readdir(room)).filter((name) => !name.startsWith('.')).sort()
    for (const [at, name] of names.entries()) {
      const when = new Date(Date.now() - (hours[at] ?? 0) * hourMs)
      await utimes(join(room, name), when, when)
    }
  }
  await age(older.stream, [5, 4])
  await age('20261120T101500123456789Z-2', [3, 2, 1])
  const { port } = await serveApi({ bucket })
  return { ...disk, server: `http://127.0.0.1:${port}` }
}

describe.each(['url', 'server'] as const)('read by its %s', (kind) => {
  it.each([
    [['web-*', 'a.log'], '3\n2\n1\nweb-2\n'],
    [['web-*', '/var/*'], '3\n2\n1\nweb-2\n'],
    [['*', 'b.log'], 'db-1 b\nweb-1 b\nweb-2 b\n'],
    [['web-?', '*.log'], 'web-1 b\n3\n2\n1\nweb-2 b\nweb-2\n'],
    [['web-1', 'app/a.*', '--all'], '5\n4\n3\n2\n1\n'],
    [['web-1', 'a.log', '--since', '150m'], '2\n1\n'],
    [['web-1', 'a.log', '--since', '270m'], '4\n3\n2\n1\n'],
    [['web-1', 'a.log', '--since', '270m', '--until', '90m'], '4\n3\n2\n'],
    [['web-1', 'a.log', '--until', '2026-01-01'], ''],
    [['web-1', '--stream', '20261120T101500123456789Z-2', '--since', '90m'], '1\n'],
  ])('cat %j prints what fits', async (args, text) => {
    const place = await setUp()
    const { code, stdout, stderr } = await commandLine(['cat', place[kind], ...args])
    expect([code, stdout]).toEqual([0, text])
    if (/--(?:since|until)/.test(args.join(' '))) expect(stderr.match(/times are those of delivery/g)).toHaveLength(1)
    if (text === '') expect(stderr).toContain('nothing was delivered in that time')
  })

  it('cat says what fits nothing, and what goes not together', async () => {
    const place = await setUp()
    const cat = async (...args: string[]) => {
      const { code, stderr } = await commandLine(['cat', place[kind], ...args])
      return [code, stderr]
    }
    expect(await cat('mail-*', 'a.log')).toEqual([2, expect.stringContaining('no host fits mail-*')])
    expect(await cat('web-*', 'none')).toEqual([2, expect.stringContaining('no stream is called none on any host')])
    expect(await cat('web-*', 'a.log', '--follow')).toEqual([2, expect.stringContaining('--follow is for one file')])
    expect(await cat('web-*', 'a.log', '--range', '0-1')).toEqual([2, expect.stringContaining('--range is for one')])
    expect(await cat('web-1', 'a.log', '--range', '0-1', '--since', '1h')).toEqual([2, expect.any(String)])
    expect(await cat('web-1', 'a.log', '--since', 'yesterday')).toEqual([2, expect.stringContaining('cannot be read')])
    expect(await cat('web-1', 'a.log', '--since', '1h', '--until', '2h')).toEqual([2, expect.any(String)])
  })

  it('ls shows what fits', async () => {
    const place = await setUp()
    const ls = async (...args: string[]) => {
      const { code, stdout, stderr } = await commandLine(['ls', place[kind], ...args, '--json'])
      expect([code, stderr]).toEqual([0, expect.any(String)])
      const rows = stdout.split('\n').filter((line) => line !== '')
      return rows
        .map((line) => JSON.parse(line))
        .map(({ host, name, bytes }) => `${host} ${name} ${bytes}`)
        .sort()
    }
    expect(await ls('web-*', 'b.log')).toEqual(['web-1 /srv/b.log 8', 'web-2 /srv/b.log 8'])
    expect(await ls('*', '*/b.*')).toHaveLength(3)
    expect(await ls('web-1', '*')).toHaveLength(3)
    expect(await ls('web-1', '--since', '150m')).toEqual(['web-1 /srv/b.log 8', 'web-1 /var/log/app/a.log 6'])
    expect(await ls('web-1', '--until', '210m')).toEqual(['web-1 /var/log/app/a.log 4'])
    expect(await ls('web-*', 'a.log', '--until', '210m')).toEqual(['web-1 /var/log/app/a.log 4'])
    const people = await commandLine(['ls', place[kind], 'web-*'])
    expect(people.stdout).toMatch(/^web-1:\n[\s\S]*^web-2:\n/m)
    expect((await commandLine(['ls', place[kind], '--since', '1h'])).code).toBe(2)
    expect((await commandLine(['ls', place[kind], 'mail-*'])).code).toBe(2)
  })
})

describe('a pattern', () => {
  const origins = ['/var/log/a.log', '/srv/a.log', '/srv/[*].log'].map((path) => ({ path }))
  it.each([
    ['a.*', { paths: ['/srv/a.log', '/var/log/a.log'] }],
    ['/srv/*', { paths: ['/srv/[*].log', '/srv/a.log'] }],
    // A name that is there is itself, whatever is in it.
    ['/srv/[*].log', { paths: ['/srv/[*].log'] }],
    ['[*].log', { paths: ['/srv/[*].log'] }],
    ['log/?.log', { paths: ['/var/log/a.log'] }],
    ['?', { candidates: [] }],
    ['a.log', { candidates: ['/srv/a.log', '/var/log/a.log'] }],
  ])('%j means %j', (name, expected) => {
    expect(matchPaths(name, origins, { several: false })).toEqual(expected)
  })
})

describe('a time', () => {
  const now = Date.parse('2026-11-20T12:00:00Z')
  const clock = { now: () => now }
  it.each([
    [{ since: '90m' }, '2026-11-20T10:30:00.000Z', undefined],
    [{ since: '2026-11-20' }, '2026-11-20T00:00:00.000Z', undefined],
    [{ since: '2026-11-20T10:15' }, '2026-11-20T10:15:00.000Z', undefined],
    [{ since: '2026-11-20 10:15:30.5', until: '0s' }, '2026-11-20T10:15:30.500Z', '2026-11-20T12:00:00.000Z'],
    [{ until: '2026-11-20T10:15+02:00' }, undefined, '2026-11-20T08:15:00.000Z'],
  ])('%j is read', (values, from, to) => {
    expect(timesOf(values, clock)).toEqual({
      fromMs: from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(from),
      toMs: to === undefined ? Number.POSITIVE_INFINITY : Date.parse(to),
    })
  })

  it.each(['', '10', 'noon', '2026-13-01', '2026-11-20T25:00', '1763630100'])('%j is refused', (since) => {
    expect(() => timesOf({ since }, clock)).toThrow(expect.objectContaining({ code: 'invalid' }))
  })
})
