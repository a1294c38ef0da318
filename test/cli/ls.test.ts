import { describe, expect, it } from 'vitest'
import { rowForMachine, type StreamRow, stateText, tableRows } from '../../src/cli/read/ls-rows.ts'
import { createPaint } from '../../src/cli/terminal/terminal.ts'
import { gapKey, sealKey, segmentKey } from '../../src/format/keys.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { storedStream } from '../support/stored-stream.ts'
import { diskBucket } from './reader-bucket.ts'
import { commandLine } from './run-command-line.ts'

guardLeaks()

const older = '20261119T101500123456789Z-1a2b'
const newer = '20261120T101500123456789Z-1a2c'
const plain = createPaint(false)

async function setUp() {
  const disk = await diskBucket()
  const { bucket } = disk
  const first = storedStream(bucket, 'web-1', older, '/var/log/nginx/access.log')
  await first.append('a'.repeat(2000))
  await first.append('b'.repeat(48))
  await first.seal()
  const second = storedStream(bucket, 'web-1', newer, '/var/log/nginx/access.log')
  await second.append('live\n')
  return { ...disk, first, second }
}

describe('ls', () => {
  it('lists hosts, and says so where there is none', async () => {
    const { url, bucket } = await setUp()
    await storedStream(bucket, 'db 1', '0-1', '/b').append('b')
    expect(await commandLine(['ls', url])).toEqual({ code: 0, stdout: 'db 1\nweb-1\n', stderr: '' })
    expect((await commandLine(['ls', url, '--json'])).stdout).toBe('{"host":"db 1"}\n{"host":"web-1"}\n')
    const empty = await diskBucket()
    const { code, stdout, stderr } = await commandLine(['ls', empty.url])
    expect([code, stdout]).toEqual([0, ''])
    expect(stderr).toContain('nothing has been delivered here yet')
  })

  it('says where files are that were delivered whole, which are no streams', async () => {
    const { url, bucket } = await diskBucket()
    for (const key of ['probes/web-1/verdict', 'haproxy/2013/07/04/a.log.gz', 'single.log'])
      await bucket.put(key, Buffer.from('x'), { mode: 'create' })
    const { code, stderr } = await commandLine(['ls', url])
    expect([code, stderr.trim()]).toEqual([
      0,
      `${url}: no streams; files that were delivered whole are objects of their own: haproxy/ single.log`,
    ])
    expect((await commandLine(['verify', '--from', url])).stderr).toContain(
      'no streams; files that were delivered whole',
    )
  })

  it('lists streams by name, the newest first, those before it below', async () => {
    const { url, first } = await setUp()
    const { code, stdout, stderr } = await commandLine(['ls', url, 'web-1'])
    expect(code).toBe(0)
    const lines = stdout.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^NAME +BYTES +LAST +STATE$/)
    expect(lines[1]).toMatch(/^\/var\/log\/nginx\/access\.log +5 B +(now|\d+ s ago) +live$/)
    expect(lines[2]).toMatch(new RegExp(`^  ${older} +2\\.0 KiB .* sealed ${first.sha256.slice(0, 4)}…$`))
    expect(lines).toHaveLength(3)
    expect(stderr).toBe('2 streams · 2.0 KiB\n')
  })

  it('lists every stream of one name, by its path or the end of it', async () => {
    const { url } = await setUp()
    for (const name of ['/var/log/nginx/access.log', 'access.log', 'nginx/access.log']) {
      const { stdout } = await commandLine(['ls', url, 'web-1', name])
      const lines = stdout.trimEnd().split('\n')
      expect(lines[1]).toMatch(new RegExp(`^${newer} +2026-11-20T10:15:00 +5 B .* live$`))
      expect(lines[2]).toMatch(new RegExp(`^${older} `))
    }
  })

  it('refuses a name that is none, or several, and a host that is none', async () => {
    const { url, bucket } = await setUp()
    await storedStream(bucket, 'web-1', '0-1', '/var/log/other/access.log').append('b')
    const several = await commandLine(['ls', url, 'web-1', 'access.log'])
    expect(several.code).toBe(2)
    expect(several.stderr).toContain('/var/log/nginx/access.log')
    expect(several.stderr).toContain('/var/log/other/access.log')
    expect(await commandLine(['ls', url, 'web-1', 'nope'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no stream is called nope'),
    })
    expect(await commandLine(['ls', url, 'web-2'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('did you mean web-1?'),
    })
  })

  it('prints one JSON line per stream', async () => {
    const { url, first } = await setUp()
    await first.alias('0-77')
    const { stdout } = await commandLine(['ls', url, 'web-1', '--json'])
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
      .toSorted((a, b) => (a.stream < b.stream ? -1 : 1))
    expect(rows).toEqual([
      {
        host: 'web-1',
        stream: older,
        name: '/var/log/nginx/access.log',
        born: '2026-11-19T10:15:00.123456789Z',
        bytes: 2048,
        segments: 2,
        last: expect.stringMatching(/^20.*Z$/),
        state: 'sealed',
        sha256: [first.sha256],
        gaps: [],
        aliases: ['0-77'],
        strays: 0,
      },
      expect.objectContaining({ stream: newer, state: 'live', bytes: 5 }),
    ])
  })

  it('shows gaps until they are closed, forks, strays, and what has expired', async () => {
    const { url, bucket, second } = await setUp()
    await second.gap('truncated', 5, 517)
    await second.stray(5, 'f'.repeat(16), 'stray')
    const fork = storedStream(bucket, 'web-1', `${newer}.1`, '/f', { forkOf: { stream: newer, shared: 5 } })
    await fork.append('live\nother')
    await fork.gap('diverged')
    const expired = storedStream(bucket, 'web-1', '0-9', '/old')
    await expired.stray(4096, 'a'.repeat(16), 'what is left')
    const { stdout, stderr } = await commandLine(['ls', url, 'web-1'])
    expect(stdout).toMatch(/access\.log +5 B .* live, 1 gap: 512 B truncated unread$/m)
    expect(stdout).toMatch(new RegExp(`^/f +10 B .* live, fork of ${newer.replace('.', '\\.')} at 5$`, 'm'))
    expect(stdout).toMatch(/^\? 0-9 +12 B .* live, bytes before 4,096 expired or never came$/m)
    expect(stderr).toContain('1 stray:')
  })

  it('a gap and a seal of a later version are named with the remedy, and nothing is called missing for them', async () => {
    const { url, bucket, second } = await setUp()
    const put = (key: string, body: string) => bucket.put(key, Buffer.from(body), { mode: 'create' })
    await put(gapKey('web-1', newer, 5, 517), '{"v":2}')
    const sealed = storedStream(bucket, 'web-1', '0-3', '/sealed')
    await sealed.append('x')
    await put(sealKey('web-1', '0-3', 9, second.sha256), '{"v":9}')
    const { code, stdout } = await commandLine(['ls', url, 'web-1'])
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /512 B maybe lost \(gaps\/.*format version 2 is not 1; a newer logcask .* upgrade the reader\)$/m,
    )
    expect(stdout).toMatch(/^\/sealed .*seals\/.*format version 9 is not 1; a newer logcask .* upgrade the reader$/m)
    expect(stdout).not.toContain('missing')
  })

  it('I9: a stream of a later version, or with a wild name, is shown and breaks no other', async () => {
    const { url, bucket } = await setUp()
    const put = (stream: string, origin: string) =>
      bucket.put(segmentKey('web-1', stream, 0, 'e3b0c44298fc1c14'), Buffer.from('x'), {
        mode: 'create',
        metadata: { origin },
      })
    await put('0-1', '{"v":2}')
    await storedStream(bucket, 'web-1', '0-2', '/\u001b[2J\nname').append('x')
    const { code, stdout } = await commandLine(['ls', url, 'web-1'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^\? 0-1 .*format version 2 is not 1; a newer logcask wrote this: upgrade the reader$/m)
    expect(stdout).toContain('/\\x1b[2J\\x0aname')
    expect(stdout).toContain('/var/log/nginx/access.log')
    expect(stdout).not.toContain('\u001b')
    const { stdout: json } = await commandLine(['ls', url, 'web-1', '--json'])
    expect(json).toContain('"state":"unreadable"')
  })
})

describe('a row', () => {
  const row: StreamRow = {
    stream: older,
    origin: { path: '/a', identity: older, agent: '0.1.0' },
    bytes: 100,
    segments: 1,
    storedAtMs: 0,
    completeness: { kind: 'unsealed' },
    gaps: [],
    aliases: [],
    strays: 0,
    tampered: undefined,
    expiredBefore: undefined,
    problem: undefined,
  }

  it.each([
    [{}, 'live'],
    [{ completeness: { kind: 'sealed', sha256: ['4be0ffff'] } }, 'sealed 4be0…'],
    [{ completeness: { kind: 'sealed', sha256: ['a', 'b'] } }, '2 seals that differ'],
    [{ completeness: { kind: 'outgrown' } }, 'unsealed: it grew after its seal'],
    [{ completeness: { kind: 'short', length: 200, missing: 100 } }, 'sealed, 100 B missing or expired'],
    [{ gaps: [{ offset: 100, end: 'open', reason: 'gone' }] }, 'unsealed, 1 gap: gone unread from 100 on'],
    [{ gaps: [{ offset: 1, end: 5, reason: 'unknown' }] }, 'live, 1 gap: 4 B lost'],
    [{ tampered: 3 }, 'live, tampered: a key has 3 versions'],
    [{ problem: 'no\u001b' }, 'no\\x1b'],
  ] as [Partial<StreamRow>, string][])('%j reads %s', (more, expected) => {
    expect(stateText({ ...row, ...more }, plain)).toBe(expected)
  })

  it('groups names, each newest first, and what has no name last', () => {
    const rows = [
      { ...row, stream: '0-3', origin: undefined },
      row,
      { ...row, stream: newer },
      { ...row, stream: `${newer}.2` },
      { ...row, stream: `${newer}.10` },
    ]
    expect(tableRows(rows, 1000, plain).map(([name]) => name)).toEqual([
      'NAME',
      '/a',
      `  ${newer}.2`,
      `  ${newer}`,
      `  ${older}`,
      '? 0-3',
    ])
  })

  it('is complete for a machine', () => {
    expect(JSON.parse(JSON.stringify(rowForMachine('h', { ...row, expiredBefore: 7 })))).toEqual({
      host: 'h',
      stream: older,
      name: '/a',
      born: '2026-11-19T10:15:00.123456789Z',
      bytes: 100,
      segments: 1,
      last: '1970-01-01T00:00:00.000Z',
      state: 'live',
      gaps: [],
      aliases: [],
      strays: 0,
      expiredBefore: 7,
    })
  })
})
