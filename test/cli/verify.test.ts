import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sha256 } from '../../src/base/hash.ts'
import { beforeOf, chainStart } from '../../src/format/chain.ts'
import { segmentKey } from '../../src/format/keys.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { storedStream } from '../support/stored-stream.ts'
import { diskBucket } from './reader-bucket.ts'
import { commandLine } from './run-command-line.ts'

guardLeaks()

const first = '20261119T101500123456789Z-1a2b'
const second = '20261120T101500123456789Z-1a2c'

interface Line {
  kind: string
  stream: string
  verdict: string
  [name: string]: unknown
}

async function verify(url: string, ...more: string[]): Promise<{ code: number; lines: Line[]; stderr: string }> {
  const { code, stdout, stderr } = await commandLine(['verify', '--from', url, '--json', ...more])
  const lines = stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]))
  return { code, lines, stderr }
}

async function setUp() {
  const disk = await diskBucket()
  const stored = storedStream(disk.bucket, 'web-1', first, '/var/log/app.log')
  await stored.append('a'.repeat(5000))
  await stored.append('b'.repeat(48))
  return { ...disk, stored }
}

/** Other bytes of the same length under a key: what no agent can do, and a disk or an intruder may. */
async function damage(root: string, key: string): Promise<void> {
  const path = join(root, key)
  const bytes = await readFile(path)
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
  await writeFile(path, bytes)
}

describe('verify', () => {
  it('finds a sealed and a live stream fine, and says what it read', async () => {
    const { url, bucket, stored } = await setUp()
    await stored.seal()
    await storedStream(bucket, 'web-2', second, '/var/log/live.log').append('live\n')
    expect(await commandLine(['verify', '--from', url])).toEqual({
      code: 0,
      stdout: '',
      stderr: '2 streams · 4.9 KiB read · 1 sealed · all as it should be\n',
    })
    const { lines } = await verify(url)
    expect(lines).toMatchObject([
      { kind: 'stream', verdict: 'fine', state: 'sealed', bytes: 5048, segments: 2, sealsEqual: 1, differsAt: [] },
      { kind: 'stream', verdict: 'fine', state: 'live', bytes: 5, name: '/var/log/live.log' },
      { kind: 'sum', hosts: 2, streams: 2, verdict: 'fine', bytes: 5053 },
    ])
  })

  it('I2: finds bytes that were changed under their key, by the seal; --quick reads none and does not', async () => {
    const { url, root, stored } = await setUp()
    await stored.seal()
    const before = beforeOf({ offset: 5000, window: stored.content.subarray(5000 - 4096, 5000) })
    await damage(root, segmentKey('web-1', first, 5000, before))
    const { code, lines } = await verify(url)
    expect(code).toBe(1)
    expect(lines[0]).toMatchObject({ verdict: 'differs', differsAt: [5048] })
    const people = await commandLine(['verify', '--from', url])
    expect(people.stdout).toBe(
      `DIFFERS web-1 /var/log/app.log ${first}: the content is not what its seal of 5,048 bytes says\n`,
    )
    expect((await verify(url, '--quick')).code).toBe(0)
  })

  it('holds an older seal against the beginning of a stream that went on, also within a segment', async () => {
    const { url, stored } = await setUp()
    await stored.seal({ length: 4_500, sha256: sha256(stored.content.subarray(0, 4_500)) })
    await stored.seal({ length: 5_010, sha256: sha256(stored.content.subarray(0, 5_010)) })
    expect((await verify(url)).lines[0]).toMatchObject({ verdict: 'fine', state: 'outgrown', sealsEqual: 2 })
    await stored.seal({ length: 4_501, sha256: sha256(Buffer.from('something else')) })
    expect(await verify(url)).toMatchObject({ code: 1, lines: [{ verdict: 'differs', differsAt: [4_501] }, {}] })
  })

  it('I9: a wrong seal beside the right one changes nothing', async () => {
    const { url, stored } = await setUp()
    await stored.seal()
    await stored.seal({ sha256: sha256(Buffer.from('x')) })
    expect(await verify(url)).toMatchObject({ code: 0, lines: [{ verdict: 'fine', sealsEqual: 1 }, {}] })
  })

  it.each([
    ['reading', []],
    ['--quick', ['--quick']],
  ])('I6: finds open gaps and bytes that a seal promises (%s)', async (_, how) => {
    const { url, stored, bucket } = await setUp()
    await stored.seal({ length: 6_000, sha256: sha256(Buffer.from('x')) })
    const other = storedStream(bucket, 'web-1', second, '/var/log/cut.log')
    await other.append('cut')
    await other.gap('truncated')
    const { code, lines } = await verify(url, ...how)
    expect(code).toBe(3)
    expect(lines).toHaveLength(3)
    expect(lines).toContainEqual(expect.objectContaining({ stream: first, verdict: 'gaps', missing: 952 }))
    expect(lines).toContainEqual(
      expect.objectContaining({ stream: second, gaps: [{ offset: 3, end: 'open', reason: 'truncated' }] }),
    )
  })

  it('counts what is on no chain, and joins none of it', async () => {
    const { url, bucket, stored } = await setUp()
    await stored.seal()
    await stored.stray(5000, '0123456789abcdef', 'not of this history')
    await stored.stray(5048, '0123456789abcdef', 'nor this')
    await bucket.put(`segments/web-1/${first}/what`, Buffer.from('x'), { mode: 'create' })
    expect(await verify(url)).toMatchObject({
      code: 0,
      lines: [{ verdict: 'fine', bytes: 5048, strays: 2 }, { strays: 3 }],
    })
  })

  it('says where the beginning has expired', async () => {
    const { url, bucket } = await diskBucket()
    const stored = storedStream(bucket, 'web-1', first, '/var/log/app.log')
    await stored.stray(7_000, '0123456789abcdef', 'the rest')
    expect(await verify(url)).toMatchObject({
      code: 3,
      lines: [{ verdict: 'gaps', expiredBefore: 7_000, bytes: 8 }, {}],
    })
  })

  it('a record that no agent wrote is that stream’s fault alone', async () => {
    const { url, bucket, stored } = await setUp()
    await stored.seal()
    const key = segmentKey('web-1', second, 0, beforeOf(chainStart))
    await bucket.put(key, Buffer.from('x'), { mode: 'create', metadata: { origin: '{"v":99}' } })
    const { code, lines } = await verify(url)
    expect(code).toBe(1)
    expect(lines).toContainEqual(
      expect.objectContaining({ stream: second, problem: expect.objectContaining({ code: 'corrupt' }) }),
    )
    expect(lines).toContainEqual(expect.objectContaining({ stream: first, verdict: 'fine' }))
  })

  it('I4: nothing there is no success, and neither is a bucket that is not there', async () => {
    const { url } = await diskBucket()
    expect((await commandLine(['verify', '--from', url])).code).toBe(2)
    const { bucket, ...rest } = await setUp()
    expect(await commandLine(['verify', '--from', rest.url, '--host', 'web-3'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('did you mean web-1?'),
    })
    expect((await commandLine(['verify', '--from', `${url}/nowhere`])).code).not.toBe(0)
    expect((await commandLine(['verify'])).stderr).toContain('logcask verify --from URL')
    await bucket.close()
  })
})
