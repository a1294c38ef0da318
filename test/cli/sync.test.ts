import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { createDirectoryBucket } from '../../src/bucket/directory.ts'
import { contentOf, objectsOf } from '../compactor/sync/sync-rig.ts'
import { faults } from '../support/fault-s3-faults.ts'
import { faultS3 } from '../support/fault-s3-fixture.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { storedStream } from '../support/stored-stream.ts'
import { diskBucket, eventually } from './reader-bucket.ts'
import { commandLine, startCommandLine } from './run-command-line.ts'

guardLeaks()

const first = '20261119T101500123456789Z-1a2b'
const second = '20261120T101500123456789Z-1a2c'
const path = '/var/log/app.log'

async function setUp() {
  const from = await diskBucket()
  const root = join(from.directory, 'other')
  const stored = storedStream(from.bucket, 'web-1', first, path)
  await stored.append('a'.repeat(5_000))
  await stored.append('b'.repeat(48))
  await stored.seal()
  await storedStream(from.bucket, 'db-1', second, path).append('of another host')
  return { from, to: createDirectoryBucket({ root, create: true }, systemClock), url: pathToFileURL(root).href, stored }
}

describe('sync', () => {
  it('fills another bucket, once; then there is nothing to bring', async () => {
    const { from, to, url, stored } = await setUp()
    const argv = ['sync', '--from', from.url, '--to', url, '--once']
    const { code, stdout, stderr } = await commandLine(argv)
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr).toMatch(/^2 hosts, 2 streams · brought 4\.9 KiB in 3 segments, 1 record in .*\n$/)
    expect((await contentOf(to, 'web-1', first)).bytes.equals(stored.content)).toBe(true)
    expect(await objectsOf(to, 'seals/')).toEqual(await objectsOf(from.bucket, 'seals/'))
    const before = await objectsOf(to)
    expect(await commandLine(argv)).toEqual({ code: 0, stdout: '', stderr: '2 hosts, 2 streams · nothing to bring\n' })
    expect(await objectsOf(to)).toEqual(before)
    expect((await commandLine(['verify', '--from', url])).code).toBe(0)
  })

  it('takes only the hosts that a glob means, and says it in JSON', async () => {
    const { from, to, url } = await setUp()
    const { code, stdout } = await commandLine([
      'sync',
      '--from',
      from.url,
      '--to',
      url,
      '--once',
      '--host',
      'web-*',
      '--json',
    ])
    expect(code).toBe(0)
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
    expect(lines).toMatchObject([
      { kind: 'stream', host: 'web-1', stream: first, outcome: 'joined', bytes: 5_048, segments: 2, records: 1 },
      { kind: 'summary', hosts: 1, streams: 1, bytes: 5_048, problems: 0 },
    ])
    expect(Object.keys(await objectsOf(to, 'segments/db-1/'))).toEqual([])
  })

  it('--dry-run says what it would bring, and makes nothing', async () => {
    const { from, to, url } = await setUp()
    await to.put('probes/setup/made', Buffer.from('x'), { mode: 'create' })
    const { code, stderr } = await commandLine(['sync', '--from', from.url, '--to', url, '--dry-run'])
    expect(code).toBe(0)
    expect(stderr).toBe('2 hosts, 2 streams · would bring 4.9 KiB in 3 segments, 1 record\n')
    expect(Object.keys(await objectsOf(to))).toEqual(['probes/setup/made'])
  })

  it('I1: diverged streams are named, with exit status 3', async () => {
    const { from, to, url } = await setUp()
    await storedStream(to, 'web-1', first, path).append('z'.repeat(100))
    const { code, stderr } = await commandLine(['sync', '--from', from.url, '--to', url, '--once'])
    expect(code).toBe(3)
    expect(stderr).toContain(`DIVERGED  web-1 ${first}: the two buckets have different histories of it; left alone\n`)
    expect(stderr).toContain('· 1 diverged\n')
    expect((await contentOf(to, 'web-1', first)).bytes.length).toBe(100)
  })

  it('goes on until stopped, and brings what comes meanwhile', async () => {
    const { from, to, url, stored } = await setUp()
    const run = startCommandLine(['sync', '--from', from.url, '--to', url, '--interval', '10ms'])
    await eventually(async () => ((await contentOf(to, 'web-1', first)).bytes.length === 5_048 ? true : undefined))
    await stored.append('and more')
    await eventually(async () => ((await contentOf(to, 'web-1', first)).bytes.length === 5_056 ? true : undefined))
    run.signal('SIGTERM')
    expect(await run.code).toBe(0)
    expect(run.stderr()).toContain('stopped; nothing is half done\n')
  })

  it('keeps to a rate', async () => {
    const { from, to, url } = await setUp()
    const large = storedStream(from.bucket, 'web-2', '0-9', path)
    const random = seededRandom(1)
    for (let at = 0; at < 4; at++) await large.append(random.bytes(100_000))
    const startMs = systemClock.monotonic()
    const { code } = await commandLine(['sync', '--from', from.url, '--to', url, '--once', '--rate', '1MB/s'])
    expect(code).toBe(0)
    // 405 kB, of which a quarter of a second's worth pass at once: no machine can be faster.
    expect(systemClock.monotonic() - startMs).toBeGreaterThan(100)
    expect((await contentOf(to, 'web-2', '0-9')).bytes.length).toBe(400_000)
  })

  it('refuses to begin where it cannot end well', async () => {
    const { from, url } = await setUp()
    const status = async (...argv: string[]): Promise<number> => (await commandLine(['sync', ...argv])).code
    expect(await status()).toBe(2)
    expect(await status('--from', from.url)).toBe(2)
    expect(await status('--from', from.url, '--to', from.url)).toBe(2)
    expect(await status('--from', from.url, '--to', url, '--rate', 'fast')).toBe(2)
  })

  it('I2: nothing goes to a store that overwrites: the probe finds it, once for all streams', async () => {
    const { from } = await setUp()
    const server = await faultS3()
    server.fault(({ operation }) => (operation === 'PutObject' ? faults.ignore : undefined))
    const to = `s3://bucket?endpoint=${server.endpoint}`
    const { code, stderr } = await commandLine(['sync', '--from', from.url, '--to', to, '--once'])
    expect(code).toBe(1)
    expect(stderr).toContain('nothing was sent')
    expect(server.objects.keys().filter((key) => !key.startsWith('probes/'))).toEqual([])
    // What the probe wrote stays: nothing is ever deleted.
    expect(server.objects.keys('probes/db-1/').length).toBeGreaterThan(0)
  })

  it('I2: nothing goes to a place that takes no objects', async () => {
    const { from } = await setUp()
    const root = join(from.directory, 'taken')
    await mkdir(root)
    await writeFile(join(root, 'probes'), 'a file where a directory must be')
    const { code, stderr } = await commandLine(['sync', '--from', from.url, '--to', pathToFileURL(root).href, '--once'])
    expect(code).not.toBe(0)
    expect(stderr).toContain('is not empty, and no store of ours')
  })
})
