import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { sha256 } from '../../src/base/hash.ts'
import { listObjects } from '../../src/bucket/bucket.ts'
import { createDirectoryBucket } from '../../src/bucket/directory.ts'
import { compactOnce } from '../../src/compactor/compactor.ts'
import { openDirectorySink } from '../../src/compactor/directory-sink.ts'
import { encodeDigest } from '../../src/format/digest.ts'
import { digestKey, hourOf } from '../../src/format/keys.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { type StoredStream, storedStream } from '../support/stored-stream.ts'
import { diskBucket } from './reader-bucket.ts'
import { commandLine } from './run-command-line.ts'

guardLeaks()

const first = '20261119T101500123456789Z-1a2b'
const second = '20261120T101500123456789Z-1a2c'

async function verify(...argv: string[]) {
  const { code, stdout } = await commandLine(['verify', '--json', ...argv])
  const lines = stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as { stream?: string }]))
  return { code, lines, of: (stream: string) => lines.find((line) => line.stream === stream) }
}

/** Two streams in a bucket, published in a directory, and in a second bucket in other segments. */
async function setUp() {
  const disk = await diskBucket()
  const to = join(disk.directory, 'out')
  const otherRoot = join(disk.directory, 'other')
  const other = createDirectoryBucket({ root: otherRoot, create: true }, systemClock)
  const random = seededRandom(4)
  const streams: StoredStream[] = []
  for (const [at, stream] of [first, second].entries()) {
    const content = random.bytes(40_000)
    for (const [bucket, size] of [
      [disk.bucket, 9_000],
      [other, 7_000],
    ] as const) {
      const stored = storedStream(bucket, 'web-1', stream, `/var/log/${at}.log`)
      for (let from = 0; from < content.length; from += size) await stored.append(content.subarray(from, from + size))
      await stored.seal()
      if (bucket === disk.bucket) streams.push(stored)
    }
  }
  const publish = async (): Promise<void> => {
    const sink = await openDirectorySink(to, systemClock, () => {})
    const pace = { intervalMinMs: 1, intervalMaxMs: 1, fullIntervalMs: 1 }
    await compactOnce({ bucket: disk.bucket, sink, clock: systemClock, pace, onEvent: () => {} })
    await sink.close()
  }
  await publish()
  const published = (at: number): string => join(to, `web-1/var/log/${at}.log~${[first, second][at]}`)
  return { ...disk, to, other, otherRoot, otherUrl: pathToFileURL(otherRoot).href, streams, publish, published }
}

async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(path)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  await writeFile(path, bytes)
}

describe('verify --against', () => {
  it('a directory and a second bucket that have the same bytes are fine, whatever segments they came in', async () => {
    const { url, to, otherUrl } = await setUp()
    for (const place of [to, otherUrl, pathToFileURL(to).href])
      for (const how of [[], ['--quick']]) {
        const { code, lines } = await verify('--from', url, '--against', place, ...how)
        expect(lines.at(-1)).toMatchObject({ kind: 'sum', verdict: 'fine', streams: 2 })
        expect(code).toBe(0)
      }
  })

  it('I2: names the range that was changed on disk, from the first byte to the last', async () => {
    const { url, to, published } = await setUp()
    await flip(published(1), 12_345)
    await flip(published(1), 30_001)
    const { code, of } = await verify('--from', url, '--against', to)
    expect(code).toBe(1)
    expect(of(first)).toMatchObject({ verdict: 'fine', against: { compared: 40_000 } })
    expect(of(second)).toMatchObject({ verdict: 'differs', against: { differs: { start: 12_345, end: 30_002 } } })
    const people = await commandLine(['verify', '--from', url, '--against', to])
    expect(people.stdout).toContain(`web-1/var/log/1.log~${second}: bytes 12,345 to 30,002 differ\n`)
  })

  it('I6: names what is missing on either side', async () => {
    const { url, to, root, bucket, published, publish } = await setUp()
    await writeFile(published(0), (await readFile(published(0))).subarray(0, 25_000))
    const segments = await listObjects(bucket, `segments/web-1/${second}/`)
    await rm(join(root, segments[2]?.key ?? ''))
    const { code, of } = await verify('--from', url, '--against', to)
    expect(code).toBe(3)
    expect(of(first)).toMatchObject({ verdict: 'gaps', against: { missingThere: { start: 25_000, end: 40_000 } } })
    expect(of(second)).toMatchObject({
      verdict: 'gaps',
      missing: 22_000,
      strays: 2,
      against: { compared: 18_000, missingHere: { start: 18_000, end: 40_000 } },
    })
    // I8: what was published stays as it was.
    await publish()
    expect((await stat(published(1))).size).toBe(40_000)
    const quick = await verify('--from', url, '--against', to, '--quick')
    expect(quick.of(second)).toMatchObject({
      verdict: 'gaps',
      against: { missingHere: { start: 18_000, end: 40_000 } },
    })
  })

  it('I6: a stream that only one side has is named, with its whole host', async () => {
    const { url, to, root, otherUrl, other, published } = await setUp()
    await rm(published(0))
    await storedStream(other, 'db-1', '0-5', '/only/there.log').append('there')
    await rm(join(root, 'segments/web-1', second), { recursive: true })
    await rm(join(root, 'seals/web-1', second), { recursive: true })
    const disk = await verify('--from', url, '--against', to)
    expect(disk.code).toBe(3)
    expect(disk.of(first)).toMatchObject({ verdict: 'gaps', against: { missingThere: { start: 0, end: 40_000 } } })
    expect(disk.of(second)).toMatchObject({ verdict: 'gaps', against: { missingHere: { start: 0, end: 40_000 } } })
    const bucket = await verify('--from', url, '--against', otherUrl)
    expect(bucket.code).toBe(3)
    expect(bucket.of(second)).toMatchObject({ against: { missingHere: { start: 0, end: 40_000 } } })
    expect(bucket.of('0-5')).toMatchObject({ host: 'db-1', against: { missingHere: { start: 0, end: 5 } } })
  })

  it('finds what differs in a second bucket, where both have a seal of their own content', async () => {
    const { url, otherUrl, bucket, other } = await setUp()
    const [a, b] = [bucket, other].map((one) => storedStream(one, 'web-2', '0-9', '/x'))
    await a?.append(`${'a'.repeat(500)}b${'a'.repeat(99)}`)
    await b?.append(`${'a'.repeat(500)}c${'a'.repeat(99)}`)
    await a?.seal()
    await b?.seal()
    const { code, of } = await verify('--from', url, '--against', otherUrl, '--host', 'web-*')
    expect(code).toBe(1)
    expect(of('0-9')).toMatchObject({ verdict: 'differs', against: { differs: { start: 500, end: 501 } } })
  })

  it('an empty file that is published nowhere is missing; a life of which nothing was sent is not', async () => {
    const { url, to, bucket } = await setUp()
    await storedStream(bucket, 'web-1', '0-1', '/empty').seal()
    const nothing = storedStream(bucket, 'web-1', '0-2', '/nothing')
    await nothing.gap('gone', 0, 5)
    const { of } = await verify('--from', url, '--against', to)
    expect(of('0-1')).toMatchObject({ verdict: 'gaps', against: { missingThere: { start: 0, end: 0 } } })
    expect((of('0-2') as { against?: unknown }).against).not.toHaveProperty('missingThere')
  })

  it('what is no directory of a compactor is no empty one', async () => {
    const { url, directory } = await setUp()
    const { code, stderr } = await commandLine([
      'verify',
      '--from',
      url,
      '--against',
      join(directory, 'bucket/segments'),
    ])
    expect(code).toBe(2)
    expect(stderr).toContain('no compactor has written here')
  })
})

describe('verify --report', () => {
  it('keeps what was checked, and the SHA-256 of each stream', async () => {
    const { url, to, streams, directory } = await setUp()
    const path = join(directory, 'report.json')
    const { code, stderr } = await commandLine(['verify', '--from', url, '--against', to, '--report', path])
    expect(code).toBe(0)
    const text = await readFile(path)
    expect(stderr).toContain(`${path}: SHA-256 ${sha256(text)}\n`)
    const report = JSON.parse(text.toString())
    expect(report).toMatchObject({
      v: 1,
      against: to,
      quick: false,
      hosts: ['web-1'],
      sum: { verdict: 'fine', streams: 2 },
    })
    expect(Date.parse(report.endedAt)).toBeGreaterThanOrEqual(Date.parse(report.begunAt))
    const hashes = (report.streams as { stream: string; sha256: string }[]).map((one) => [one.stream, one.sha256])
    expect(new Map(hashes as [string, string][])).toEqual(new Map(streams.map((one) => [one.stream, one.sha256])))
  })

  it('that cannot be written is said before anything is read', async () => {
    const { url, directory } = await setUp()
    const { code, stderr } = await commandLine(['verify', '--from', url, '--report', join(directory, 'no/where.json')])
    expect(code).toBe(2)
    expect(stderr).toContain('--report')
  })
})

describe('verify of digests', () => {
  it('tells silent hours, and a digest that was taken away or exchanged', async () => {
    const { url, root, bucket } = await setUp()
    const hours = [30, 29, 28, 25].map((before) => hourOf(systemClock.now() - before * 3_600_000))
    const agent = '0123456789abcdef'
    let previous: string | undefined
    for (const at of hours) {
      const body = Buffer.from(encodeDigest({ at, previous, begun: 0, acked: 0, sealed: 0, streams: [], more: 0 }))
      previous = sha256(body)
      await bucket.put(digestKey('web-1', at, agent), body, { mode: 'create' })
    }
    const before = await verify('--from', url)
    expect(before.code).toBe(0)
    const silent = [{ from: expect.any(String), hours: 2 }, { hours: 24 }]
    expect(before.lines).toContainEqual(
      expect.objectContaining({ kind: 'digests', host: 'web-1', digests: 4, broken: [] }),
    )
    expect(before.lines.find((line) => 'silent' in line)).toMatchObject({ silent })
    await rm(join(root, digestKey('web-1', hours[1] ?? '', agent)))
    const { code, stdout } = await commandLine(['verify', '--from', url])
    expect(code).toBe(1)
    expect(stdout).toContain(`DIFFERS web-1 digest ${hours[2]}-${agent}: names another one before it\n`)
    expect((await verify('--from', url, '--quick')).code).toBe(0)
  })
})
