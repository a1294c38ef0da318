import { readFile, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { listObjects } from '../../src/bucket/bucket.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { type StoredStream, storedStream } from '../support/stored-stream.ts'
import { diskBucket } from './reader-bucket.ts'
import { commandLine } from './run-command-line.ts'

guardLeaks()

const first = '20261119T101500123456789Z-1a2b'
const second = '20261120T101500123456789Z-1a2c'

type Row = Record<string, unknown> & { stream?: string }

async function verify(...argv: string[]) {
  const { code, stdout, stderr } = await commandLine(['verify', '--json', ...argv])
  const lines = stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Row]))
  const sum = lines.at(-1)
  return { code, stderr, lines, sum, of: (stream: string) => lines.find((line) => line.stream === stream) }
}

/** Two sealed streams and a live one, archived; one of them went on after its seal, and was archived again. */
async function setUp(how: string[] = []) {
  const disk = await diskBucket()
  const archive = join(disk.directory, 'archive')
  const archiveUrl = pathToFileURL(archive).href
  const random = seededRandom(11)
  const streams: StoredStream[] = []
  const archived = async (): Promise<void> => {
    const { code, stderr } = await commandLine([
      'compact',
      '--from',
      disk.url,
      '--archive',
      archiveUrl,
      '--once',
      ...how,
    ])
    expect([code, code === 0 ? '' : stderr]).toEqual([0, ''])
  }
  for (const [at, stream] of [first, second, '0-9'].entries()) {
    const stored = storedStream(disk.bucket, 'web-1', stream, `/var/log/${at}.log`)
    for (let piece = 0; piece < 4; piece++) await stored.append(random.bytes(9_000))
    if (stream !== '0-9') await stored.seal()
    streams.push(stored)
  }
  await archived()
  await streams[1]?.append(random.bytes(500))
  await streams[1]?.seal()
  await archived()
  const objects = async (stream: string): Promise<string[]> => {
    const { createDirectoryBucket } = await import('../../src/bucket/directory.ts')
    const { systemClock } = await import('../../src/base/clock.ts')
    const bucket = createDirectoryBucket({ root: archive, create: false }, systemClock)
    const keys = (await listObjects(bucket, '')).map(({ key }) => key).filter((key) => key.includes(`~${stream}-`))
    await bucket.close()
    return keys.map((key) => join(archive, key))
  }
  return { ...disk, archive, archiveUrl, streams, objects }
}

describe('verify --against an archive', () => {
  it.each([[], ['--compress', 'zstd'], ['--compress', 'none'], ['--as', 'logs/{host}/{filename}']])(
    'every object of it, of each length, is held against the bucket (%s %s)',
    async (...how) => {
      const { url, archiveUrl } = await setUp(how)
      const as = how[0] === '--as' ? how : []
      for (const quick of [[], ['--quick']]) {
        const { code, sum, of } = await verify('--from', url, '--against', archiveUrl, ...as, ...quick)
        expect(sum).toMatchObject({ verdict: 'fine', streams: 3, sealed: 2 })
        expect(code).toBe(0)
        expect(of(first)).toMatchObject({ against: { archivedTo: 36_000 } })
        expect(of(second)).toMatchObject({ against: [{ archivedTo: 36_000 }, { archivedTo: 36_500 }] })
        expect(of('0-9')).toMatchObject({ verdict: 'fine', state: 'live' })
      }
    },
  )

  it('I2: names an object whose content is another, and one that cannot be decoded', async () => {
    const { url, archiveUrl, streams, objects } = await setUp()
    const [one = ''] = await objects(first)
    const other = Buffer.from(streams[0]?.content ?? '')
    other[20_000] = (other[20_000] ?? 0) ^ 1
    await writeFile(one, gzipSync(other))
    const [, longer = ''] = await objects(second)
    const bytes = await readFile(longer)
    await writeFile(longer, bytes.subarray(0, bytes.length - 200))
    const { code, of } = await verify('--from', url, '--against', archiveUrl)
    expect(code).toBe(1)
    expect(of(first)).toMatchObject({ verdict: 'differs', against: { differs: { start: 20_000, end: 20_001 } } })
    expect(of(second)).toMatchObject({
      verdict: 'differs',
      against: [{ archivedTo: 36_000 }, { differs: { end: 36_500 }, broken: expect.any(String) }],
    })
    const people = await commandLine(['verify', '--from', url, '--against', archiveUrl])
    expect(people.stdout).toContain(`0.log~${first}-36000.gz: bytes 20,000 to 20,001 differ`)
    expect(people.stdout).toContain('cannot be decoded')
  })

  it('I2: a seal that says another content than was archived under it is named by --quick, too', async () => {
    const { url, root, archiveUrl, bucket } = await setUp()
    const [seal] = await listObjects(bucket, `seals/web-1/${first}/`)
    const key = seal?.key ?? ''
    await rename(join(root, key), join(root, `${key.slice(0, -64)}${'a'.repeat(64)}`))
    const { code, of } = await verify('--from', url, '--against', archiveUrl, '--quick')
    expect(code).toBe(1)
    expect(of(first)).toMatchObject({ verdict: 'differs', against: { differs: { start: 0, end: 36_000 } } })
  })

  it('I6: what is sealed and not archived is missing; of what went on, what is archived is a beginning', async () => {
    const { url, archiveUrl, objects } = await setUp()
    for (const path of await objects(first)) await rm(path)
    const [, longer = ''] = await objects(second)
    await rm(longer)
    for (const quick of [[], ['--quick']]) {
      const { code, of } = await verify('--from', url, '--against', archiveUrl, ...quick)
      expect(code).toBe(3)
      expect(of(first)).toMatchObject({ verdict: 'gaps', against: { missingThere: { start: 0, end: 36_000 } } })
      expect(of(second)).toMatchObject({ verdict: 'gaps', against: { missingThere: { start: 36_000, end: 36_500 } } })
    }
  })

  it('I6: what the bucket has no more is read from the archive; after its retention that is no gap', async () => {
    const { url, root, archiveUrl, bucket } = await setUp()
    await rm(join(root, 'segments/web-1', first), { recursive: true })
    const missing = await verify('--from', url, '--against', archiveUrl)
    expect(missing.code).toBe(3)
    expect(missing.of(first)).toMatchObject({
      verdict: 'gaps',
      against: { missingHere: { start: 0, end: 36_000 }, archivedTo: 36_000 },
    })
    const young = await verify('--from', url, '--against', archiveUrl, '--retention', '30d')
    expect(young.of(first)).toMatchObject({ verdict: 'gaps' })
    const month = new Date(Date.now() - 31 * 86_400_000)
    for (const { key } of await listObjects(bucket, `seals/web-1/${first}/`))
      await utimes(join(root, key), month, month)
    const old = await verify('--from', url, '--against', archiveUrl, '--retention', '30d')
    expect(old.of(first)).toMatchObject({ verdict: 'fine' })
    expect(old.code).toBe(0)
  })

  it('a directory, a second bucket and an archive are held against one reading', async () => {
    const { url, archiveUrl, directory, objects } = await setUp()
    const out = join(directory, 'out')
    const otherUrl = pathToFileURL(join(directory, 'other')).href
    expect((await commandLine(['compact', '--from', url, '--to', out, '--once'])).code).toBe(0)
    expect((await commandLine(['sync', '--from', url, '--to', otherUrl, '--once'])).code).toBe(0)
    const places = [out, otherUrl, archiveUrl].flatMap((place) => ['--against', place])
    const report = join(directory, 'report.json')
    const { code, of } = await verify('--from', url, ...places, '--report', report)
    expect(code).toBe(0)
    expect(of(first)).toMatchObject({
      against: [{ place: out, compared: 36_000 }, { compared: 36_000 }, { archivedTo: 36_000 }],
    })
    expect(JSON.parse(await readFile(report, 'utf8')).against).toHaveLength(3)
    const published = join(out, `web-1/var/log/0.log~${first}`)
    const bytes = await readFile(published)
    bytes[5] = (bytes[5] ?? 0) ^ 1
    await writeFile(published, bytes)
    await rm((await objects(second))[1] ?? '')
    const people = await commandLine(['verify', '--from', url, ...places])
    expect(people.code).toBe(1)
    expect(people.stdout).toContain(`[${out}] web-1/var/log/0.log~${first}: bytes 5 to 6 differ`)
    expect(people.stdout).toMatch(/\[file:\S+archive\] \S+: lacks bytes 36,000 to 36,500/)
  })
})
