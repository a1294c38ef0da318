import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { gapKey, sealKey, segmentKey } from '../../src/format/keys.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { storedStream } from '../support/stored-stream.ts'
import { diskBucket, eventually } from './reader-bucket.ts'
import { commandLine, startCommandLine } from './run-command-line.ts'

guardLeaks()

const first = '20261119T101500123456789Z-1a2b'

async function setUp() {
  const disk = await diskBucket()
  const to = join(disk.directory, 'logs')
  const stored = storedStream(disk.bucket, 'web-1', first, '/var/log/a.log')
  await stored.append('hello')
  const args = ['compact', '--from', disk.url, '--to', to]
  return { ...disk, to, stored, args, file: join(to, `web-1/var/log/a.log~${first}`) }
}

describe('compact', () => {
  it('--once publishes all there is, and sums up', async () => {
    const { args, stored, file } = await setUp()
    await stored.seal()
    const { code, stdout, stderr } = await commandLine([...args, '--once'])
    expect([code, stdout]).toEqual([0, ''])
    expect(await readFile(file, 'utf8')).toBe('hello')
    expect(stderr).toContain(`published  web-1/var/log/a.log~${first} 5 B\n`)
    expect(stderr).toContain(`sealed     web-1/var/log/a.log~${first} 5 B ${stored.sha256.slice(0, 4)}… verified\n`)
    expect(stderr).toMatch(/1 stream · 5 B · 1 sealed and verified · 5 B new in \S+ m?s\n$/)
    expect((await commandLine([...args, '--once'])).stderr).toBe(
      '1 stream · 5 B · 1 sealed and verified · nothing new\n',
    )
  })

  it('--json prints events and the summary, a line each', async () => {
    const { args } = await setUp()
    const { stdout, stderr } = await commandLine([...args, '--once', '--json'])
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toEqual([
      { kind: 'published', host: 'web-1', stream: first, name: `web-1/var/log/a.log~${first}`, length: 5 },
      {
        kind: 'summary',
        hosts: 1,
        streams: 1,
        bytes: 5,
        grewBytes: 5,
        sealed: 0,
        mismatches: 0,
        short: 0,
        gaps: 0,
        strays: 0,
        problems: 0,
      },
    ])
    expect(stderr).toBe('')
  })

  it('--accept-host and --accept-name: other hosts are not read, other files not published', async () => {
    const { args, bucket, to, file } = await setUp()
    await storedStream(bucket, 'web-1', '0-1', '/home/b.log').append('private')
    await storedStream(bucket, 'db-1', '0-2', '/var/log/c.log').append('c')
    await storedStream(bucket, 'evil', '0-3', '/var/log/d.log').append('d')
    const hosts = ['--accept-host', 'web-*', '--accept-host', 'db-?']
    const { code, stderr } = await commandLine([
      ...args,
      '--once',
      ...hosts,
      '--accept-name',
      '^/var/',
      '--accept-name',
      'x',
    ])
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^2 streams/m)])
    expect(await readFile(file, 'utf8')).toBe('hello')
    expect((await readdir(to)).filter((name) => !name.startsWith('.')).sort()).toEqual(['db-1', 'web-1'])
    expect(await readdir(join(to, 'web-1'))).toEqual(['var'])
    const dry = await commandLine([...args, '--dry-run', ...hosts])
    expect(dry.stdout).toContain('2 hosts, 3 streams')
  })

  it.each([
    [['--to', '/x', '--accept-name', '('], 'Invalid regular expression'],
    [['--to', '/x', '--accept-name', ''], 'is empty'],
    [['--to', '/x', '--accept-host', ''], 'is empty'],
    [['--to', '/x', '--host-bytes', 'much'], 'is no such number'],
    [['--to', '/x', '--host-requests', '99'], 'at least 100'],
    [['--archive', 'file:///y', '--host-bytes', '1TiB'], 'an archive has no quota'],
  ])('%j: usage', async (flags, why) => {
    const { code, stderr } = await commandLine(['compact', '--from', 'file:///x', ...flags])
    expect([code, stderr]).toEqual([2, expect.stringContaining(why)])
  })

  it('--host-streams: a host that has too many gets no more, and the exit status says so', async () => {
    const { args, bucket, to } = await setUp()
    for (let at = 1; at <= 3; at++) await storedStream(bucket, 'evil', `0-${at}`, '/x').append('x')
    const { code, stderr } = await commandLine([...args, '--once', '--host-streams', '2'])
    expect([code, stderr]).toEqual([1, expect.stringContaining('over the quota of its host: 2 streams are published')])
    expect(await readdir(join(to, 'evil'))).toHaveLength(2)
    expect(await readdir(join(to, 'web-1'))).toEqual(['var'])
  })

  it('exits 3 for gaps, and for streams that are shorter than sealed', async () => {
    const { args, stored } = await setUp()
    await stored.gap('truncated', 5, 9)
    const gap = await commandLine([...args, '--once'])
    expect(gap.code).toBe(3)
    expect(gap.stderr).toContain('gap        web-1')
    await stored.seal({ length: 9 })
    expect((await commandLine([...args, '--once'])).code).toBe(3)
  })

  it('names records of a later version with the remedy, and goes on with other streams', async () => {
    const { args, bucket, stored, file, to } = await setUp()
    const put = (key: string, body: string) => bucket.put(key, Buffer.from(body), { mode: 'create' })
    await put(gapKey('web-1', first, 5, 9), '{"v":2}')
    await put(sealKey('web-1', first, 9, stored.sha256), '{"v":9}')
    await put(sealKey('web-1', '0-2', 9, stored.sha256), '{"v":9}')
    await storedStream(bucket, 'web-1', '0-3', '/b').append('other')
    const { code, stderr } = await commandLine([...args, '--once'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/gap .*4 B maybe lost .*version 2 is not 1; a newer logcask .* upgrade the reader/)
    for (const stream of [first, '0-2']) {
      expect(stderr).toMatch(
        new RegExp(`problem .*seals/web-1/${stream}/.*version 9 is not 1 \\[content-corrupt\\]\\n.*upgrade the reader`),
      )
    }
    expect(stderr).not.toContain('short ')
    expect(await readFile(file, 'utf8')).toBe('hello')
    expect(await readFile(join(to, 'web-1/b~0-3'), 'utf8')).toBe('other')
  })

  it('exits 1 for content that is not as sealed', async () => {
    const { args, stored } = await setUp()
    await stored.seal({ sha256: 'f'.repeat(64) })
    const { code, stderr } = await commandLine([...args, '--once'])
    expect(code).toBe(1)
    expect(stderr).toContain('MISMATCH')
  })

  it('follows, and ends cleanly with SIGTERM', async () => {
    const { args, stored, file } = await setUp()
    const run = startCommandLine(args)
    const shows = (text: string) =>
      eventually(async () => ((await readFile(file, 'utf8').catch(() => '')) === text ? text : undefined))
    await shows('hello')
    await stored.append(' world')
    await shows('hello world')
    const second = await commandLine(args)
    expect(second.code).toBe(1)
    expect(second.stderr).toContain('another logcask works here')
    run.signal('SIGTERM')
    expect(await run.code).toBe(0)
    expect(run.stderr()).toContain('stopped')
    expect(await commandLine([...args, '--once'])).toMatchObject({ code: 0 })
  })

  it('refuses what it cannot do, each with what to type', async () => {
    const { url, to, root, directory } = await setUp()
    const refused = async (...args: string[]): Promise<string> => {
      const { code, stderr } = await commandLine(['compact', ...args])
      expect(code).toBe(2)
      return stderr
    }
    expect(await refused()).toContain('no bucket is named')
    expect(await refused('--from', url)).toContain('no directory is named')
    expect(await refused('--from', url, '--to', 's3://archive')).toContain('--archive s3://archive')
    expect(await refused('--from', url, '--to', 'gs://archive')).toContain('is no directory')
    expect(await refused('--from', 'ftp://x', '--to', to)).toContain('ftp')
    expect(await refused('--from', url, '--to', join(root, 'logs'))).toContain('is inside the bucket, or around it')
    expect(await refused('--from', url, '--to', directory)).toContain('is inside the bucket, or around it')
    expect(await refused('--from', url, '--to', join(directory, 'a/b'))).toContain('mount the disk')
    expect(await refused('--from', url, '--to', to, '--interval', 'x')).toContain('--interval')
    expect(await readdir(directory)).toEqual(['bucket'])
  })

  it('a bucket that is not there is not an empty one', async () => {
    const { to, directory } = await setUp()
    const { code, stderr } = await commandLine([
      'compact',
      '--from',
      `file://${directory}/nothing`,
      '--to',
      to,
      '--once',
    ])
    expect(code).not.toBe(0)
    expect(stderr).toContain(`${directory}/nothing`)
  })

  it('counts what is too much to read, and tells a machine all of it', async () => {
    const { args, bucket } = await setUp()
    for (let at = 1; at <= 8; at++) {
      const key = segmentKey('web-1', `0-${at}`, 0, 'e3b0c44298fc1c14')
      await bucket.put(key, Buffer.from('x'), { mode: 'create' })
    }
    const { stderr } = await commandLine([...args, '--once'])
    expect(stderr.match(/^problem/gm)).toHaveLength(6)
    expect(stderr).toContain('3 more streams have such problems')
    const { stdout } = await commandLine([...args, '--once', '--json'])
    expect(stdout.match(/^\{"kind":"problem"/gm)).toHaveLength(8)
  })

  it('tells what stands in the way of a stream, and what to do', async () => {
    const { args, file, bucket } = await setUp()
    await mkdir(file, { recursive: true })
    await storedStream(bucket, 'web-1', '0-5', '/b').append('b')
    const { code, stderr } = await commandLine([...args, '--once'])
    expect(code).toBe(1)
    expect(stderr).toContain('fix:')
    expect(stderr).toContain('1 problem')
    expect(stderr).toContain('published  web-1/b~0-5')
    await writeFile(join(file, 'mine'), 'stays')
    await commandLine([...args, '--once'])
    expect(await readdir(file)).toEqual(['mine'])
  })
})
