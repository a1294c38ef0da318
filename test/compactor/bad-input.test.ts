import { execFileSync } from 'node:child_process'
import { open, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Bucket, listObjects } from '../../src/bucket/bucket.ts'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { compactOnce, type Summary } from '../../src/compactor/compactor.ts'
import { openDirectorySink } from '../../src/compactor/directory-sink.ts'
import type { CompactorEvent } from '../../src/compactor/event.ts'
import { beforeOf } from '../../src/format/chain.ts'
import { sealKey, segmentKey } from '../../src/format/keys.ts'
import { segmentBytesMax } from '../../src/format/limits.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { canMount, mounted } from '../support/mounts.ts'
import { storedStream } from '../support/stored-stream.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

guardLeaks()

const clock = createVirtualClock()
const pace = { intervalMinMs: 1000, intervalMaxMs: 30_000, fullIntervalMs: 3_600_000 }
const put = (bucket: Bucket, key: string, body: string, metadata = {}) =>
  bucket.put(key, Buffer.from(body), { mode: 'create', metadata })

async function setUp() {
  const bucket = createMemoryBucket(clock)
  const root = await tempDirectory('bad')
  const compact = async (from: Bucket = bucket): Promise<{ summary: Summary; events: CompactorEvent[] }> => {
    const events: CompactorEvent[] = []
    const sink = await openDirectorySink(root, clock, (event) => void events.push({ kind: 'set-aside', ...event }))
    try {
      const onEvent = (event: CompactorEvent): void => void events.push(event)
      return { summary: await compactOnce({ bucket: from, sink, clock, pace, onEvent }), events }
    } finally {
      await sink.close()
    }
  }
  /** Another stream, which must not notice. */
  const fine = storedStream(bucket, 'web-1', '0-f', '/fine')
  await fine.append('fine')
  const isFine = async (): Promise<void> => expect(await readFile(join(root, 'web-1/fine~0-f'), 'utf8')).toBe('fine')
  const text = (name: string): Promise<string> => readFile(join(root, 'web-1', name), 'utf8')
  return { bucket, root, compact, isFine, text }
}

/** As a store would list what no agent writes, without the bytes being there. */
function withSize(bucket: Bucket, key: string, size: number): Bucket {
  return {
    ...bucket,
    async *list(prefix, options) {
      for await (const entry of bucket.list(prefix, options))
        yield entry.kind === 'object' && entry.key === key ? { ...entry, size } : entry
    },
    get: (asked, options) => {
      if (asked === key) throw new Error('a segment of such a size must not be read')
      return bucket.get(asked, options)
    },
  }
}

describe('what no agent would write', () => {
  it('a bucket that holds nothing of ours gives nothing, and is no error', async () => {
    const bucket = createMemoryBucket(clock)
    const root = await tempDirectory('foreign')
    for (const key of ['backup/2026/dump.sql', 'segments', 'seals.txt', 'logs/web-1/0-1/x', 'index.html'])
      await put(bucket, key, 'foreign')
    const sink = await openDirectorySink(root, clock, () => {})
    onTestFinished(() => sink.close())
    const summary = await compactOnce({ bucket, sink, clock, pace, onEvent: () => {} })
    expect(summary).toMatchObject({ hosts: 0, streams: 0, errors: [] })
  })

  it('foreign objects under our prefix are strays, and stop nothing', async () => {
    const { bucket, compact, isFine } = await setUp()
    for (const key of ['segments/web-1/readme.txt', 'segments/web-1/0-f/notes', 'segments/web-1/0-f/a/b', 'segments/x'])
      await put(bucket, key, 'foreign')
    const { summary } = await compact()
    expect(summary).toMatchObject({ streams: 1, errors: [] })
    expect(summary.strays).toBeGreaterThanOrEqual(3)
    await isFine()
  })

  it.each([0, segmentBytesMax + 1, 10 * 1024 ** 3])(
    'a segment of %i bytes is a stray, and is not read',
    async (size) => {
      const { bucket, compact, isFine, text } = await setUp()
      const stored = storedStream(bucket, 'web-1', '0-1', '/a')
      await stored.append('before')
      const key = segmentKey('web-1', '0-1', 6, beforeOf({ offset: 6, window: Buffer.from('before') }))
      await put(bucket, key, '')
      const { summary } = await compact(withSize(bucket, key, size))
      expect(summary).toMatchObject({ streams: 2, strays: 1, errors: [] })
      expect(await text('a~0-1')).toBe('before')
      await isFine()
    },
  )

  it('wrong offsets and histories are strays, whatever continues them', async () => {
    const { bucket, compact, isFine, text } = await setUp()
    const stored = storedStream(bucket, 'web-1', '0-1', '/a')
    await stored.append('one ')
    for (const offset of [1, 4, 5, 2 ** 53 - 1]) await stored.stray(offset, '0123456789abcdef', 'junk')
    await stored.append('two')
    expect((await compact()).summary).toMatchObject({ strays: 4, errors: [] })
    expect(await text('a~0-1')).toBe('one two')
    await isFine()
  })

  it('a seal that lies is told; the content is published, and the next true seal is believed', async () => {
    const { bucket, compact, isFine, text } = await setUp()
    const stored = storedStream(bucket, 'web-1', '0-1', '/a')
    await stored.append('content')
    await stored.seal({ sha256: 'a'.repeat(64) })
    const lying = await compact()
    expect(lying.summary.mismatches).toBe(1)
    expect(lying.events).toContainEqual(expect.objectContaining({ kind: 'mismatch', sealed: 'a'.repeat(64) }))
    await stored.seal()
    expect((await compact()).summary).toMatchObject({ mismatches: 0, sealed: 1 })
    expect(await text('a~0-1')).toBe('content')
    await isFine()
  })

  it('a newer version of the format is refused for its stream, loudly, and for no other', async () => {
    const { bucket, compact, isFine } = await setUp()
    const origin = JSON.stringify({ v: 2, path: '/new', identity: '0-2', agent: '9.0.0' })
    await put(bucket, segmentKey('web-1', '0-2', 0, 'e3b0c44298fc1c14'), 'new', { origin })
    await put(bucket, sealKey('web-1', '0-3', 9, 'b'.repeat(64)), '{"v":2}')
    const { summary, events } = await compact()
    expect(summary.errors).toMatchObject([{ code: 'corrupt' }, { code: 'corrupt' }])
    const told = events.flatMap((event) => (event.kind === 'problem' ? [`${event.stream}: ${event.error}`] : []))
    expect(told.sort().map((text) => text.slice(0, 4))).toEqual(['0-2:', '0-3:'])
    expect(told.join('\n')).toMatch(/version/)
    await isFine()
  })
})

describe('what is published', () => {
  it('stays as it is when the store was restored to an older state, and goes on once that is filled again', async () => {
    const { bucket, compact, text } = await setUp()
    const stored = storedStream(bucket, 'web-1', '0-1', '/a')
    for (const bytes of ['one ', 'two ', 'three']) await stored.append(bytes)
    await compact()
    const keys = (await listObjects(bucket, 'segments/web-1/0-1/')).map(({ key }) => key)
    const bodies = await Promise.all(keys.map(async (key) => (await bucket.get(key))?.body ?? new Uint8Array(0)))
    for (const key of keys.slice(1)) bucket.tamper(key, undefined)
    const older = await compact()
    expect(older.summary.errors).toEqual([])
    expect(older.events).toEqual([])
    expect(await text('a~0-1')).toBe('one two three')
    for (const [at, key] of keys.entries()) if (at > 0) bucket.tamper(key, bodies[at])
    await stored.append(' four')
    await compact()
    expect(await text('a~0-1')).toBe('one two three four')
  })

  it('stays as it is when the restored store goes on with another history', async () => {
    const { bucket, compact, text } = await setUp()
    const stored = storedStream(bucket, 'web-1', '0-1', '/a')
    await stored.append('one ')
    await stored.append('two')
    await compact()
    const [, last = ''] = (await listObjects(bucket, 'segments/web-1/0-1/')).map(({ key }) => key)
    bucket.tamper(last, undefined)
    await put(bucket, last, 'TWO and more')
    await compact()
    expect(await text('a~0-1')).toBe('one two')
  })

  it('stays, and goes on, when the segments below a seal have expired; elsewhere the stream has no beginning', async () => {
    const { bucket, compact, text, isFine } = await setUp()
    const stored = storedStream(bucket, 'web-1', '0-1', '/a')
    for (const bytes of ['one ', 'two ', 'three']) await stored.append(bytes)
    await stored.seal()
    await compact()
    for (const { key } of (await listObjects(bucket, 'segments/web-1/0-1/')).slice(0, 2)) bucket.tamper(key, undefined)
    await stored.append(' four')
    await stored.seal()
    const { summary } = await compact()
    expect(summary).toMatchObject({ sealed: 1, errors: [] })
    expect(await text('a~0-1')).toBe('one two three four')
    const other = await tempDirectory('other')
    const sink = await openDirectorySink(other, clock, () => {})
    onTestFinished(() => sink.close())
    const events: CompactorEvent[] = []
    const late = await compactOnce({ bucket, sink, clock, pace, onEvent: (event) => void events.push(event) })
    expect(late).toMatchObject({ streams: 1, errors: [{ code: 'corrupt' }] })
    expect(late.errors.join()).toContain('has no beginning, its first segment begins at 8')
    await isFine()
  })

  it('is one file for its whole life: an open tail -f goes on, whoever was killed meanwhile', async () => {
    const { bucket, root, compact } = await setUp()
    const stored = storedStream(bucket, 'web-1', '0-1', '/a')
    await stored.append('one ')
    await compact()
    const path = join(root, 'web-1/a~0-1')
    const tail = await open(path, 'r')
    onTestFinished(() => tail.close())
    const { ino, mode } = await stat(path)
    // What a compactor that was killed had written, and not recorded.
    await writeFile(path, 'one t', { flag: 'r+' })
    for (const bytes of ['two ', 'three']) {
      await stored.append(bytes)
      await compact()
    }
    expect((await tail.readFile()).toString()).toBe('one two three')
    expect((await stat(path)).ino).toBe(ino)
    // The group may read.
    expect(mode & 0o777).toBe(0o640)
  })
})

describe.skipIf(!canMount())(
  `a directory that became read-only${canMount() ? '' : ' (not run: needs root on Linux)'}`,
  () => {
    it('is told with the remedy; what is published stays, and it goes on once it is writable again', async () => {
      const { bucket } = await setUp()
      const stored = storedStream(bucket, 'web-1', '0-1', '/a')
      await stored.append('one ')
      const directory = await tempDirectory('read-only')
      await mounted(['-t', 'tmpfs', 'tmpfs'], directory, async () => {
        const root = join(directory, 'out')
        const compact = async (): Promise<Summary> => {
          const sink = await openDirectorySink(root, clock, () => {})
          return compactOnce({ bucket, sink, clock, pace, onEvent: () => {} }).finally(() => sink.close())
        }
        await compact()
        await stored.append('two')
        execFileSync('mount', ['-o', 'remount,ro', directory])
        expect((await compact()).errors).toMatchObject([
          { code: 'unavailable', hint: expect.stringContaining('mount it writable') },
        ])
        expect(await readFile(join(root, 'web-1/a~0-1'), 'utf8')).toBe('one ')
        execFileSync('mount', ['-o', 'remount,rw', directory])
        expect((await compact()).errors).toEqual([])
        expect(await readFile(join(root, 'web-1/a~0-1'), 'utf8')).toBe('one two')
      })
    })
  },
)
