import { execFileSync } from 'node:child_process'
import { appendFile, mkdir, open, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Bucket } from '../../src/bucket/bucket.ts'
import { createMemoryBucket, type MemoryBucket } from '../../src/bucket/memory.ts'
import { compactOnce, type Summary } from '../../src/compactor/compactor.ts'
import { openDirectorySink, type SetAside } from '../../src/compactor/directory-sink.ts'
import type { CompactorEvent } from '../../src/compactor/event.ts'
import { sealKey, segmentKey } from '../../src/format/keys.ts'
import { faultBucket } from '../support/fault-bucket.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { canMount, mounted } from '../support/mounts.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { type StoredStream, storedStream, storeWithStrays } from '../support/stored-stream.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

guardLeaks()

const clock = createVirtualClock()
const first = '20261120T101500123456789Z-1a2b'
const pace = { intervalMinMs: 1000, intervalMaxMs: 30_000, fullIntervalMs: 3_600_000 }

interface Run {
  summary: Summary
  events: CompactorEvent[]
  kinds: string[]
}

/** One run of `compact --once`, with a sink of its own: as a process would. */
async function compact(bucket: Bucket, root: string): Promise<Run> {
  const events: CompactorEvent[] = []
  const onSetAside = (event: SetAside): void => void events.push({ kind: 'set-aside', ...event })
  const sink = await openDirectorySink(root, clock, onSetAside)
  try {
    const summary = await compactOnce({ bucket, sink, clock, pace, onEvent: (event) => void events.push(event) })
    return { summary, events, kinds: events.map(({ kind }) => kind) }
  } finally {
    await sink.close()
  }
}

async function setUp(content: string[] = ['hello ', 'world']): Promise<{
  bucket: MemoryBucket
  root: string
  stored: StoredStream
  path: string
  recordPath: string
}> {
  const bucket = createMemoryBucket(clock)
  const root = await tempDirectory('sink')
  const stored = storedStream(bucket, 'web-1', first, '/var/log/a.log')
  for (const bytes of content) await stored.append(bytes)
  return {
    bucket,
    root,
    stored,
    path: join(root, `web-1/var/log/a.log~${first}`),
    recordPath: join(root, `.logcask/streams/web-1/${first}.json`),
  }
}

async function text(path: string): Promise<string> {
  return readFile(path, 'utf8')
}

/** Everything below the sink but its own state, hidden files too. */
async function published(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((path) => !path.startsWith('.logcask/'))
    .toSorted()
}

describe('compaction', () => {
  it('publishes complete files, and says what it did', async () => {
    const { bucket, root, stored, path } = await setUp()
    await stored.seal()
    const live = storedStream(bucket, 'web-1', '20261121T000000000000000Z-7', '/var/log/b.log')
    await live.append('live\n')
    const { summary, kinds } = await compact(bucket, root)
    expect(await text(path)).toBe('hello world')
    expect(await text(join(root, 'web-1/var/log/b.log~20261121T000000000000000Z-7'))).toBe('live\n')
    expect(kinds.toSorted()).toEqual(['published', 'published', 'sealed'])
    expect(summary).toEqual({
      hosts: 1,
      streams: 2,
      bytes: 16,
      grewBytes: 16,
      sealed: 1,
      mismatches: 0,
      short: 0,
      gaps: 0,
      strays: 0,
      errors: [],
    })
  })

  it('a second run reads no byte, and says nothing', async () => {
    const { bucket, root, stored } = await setUp()
    await stored.seal()
    await storedStream(bucket, 'web-1', '0-5', '/var/log/b.log').append('live\n')
    await compact(bucket, root)
    const faulty = faultBucket(bucket, clock)
    const { summary, events } = await compact(faulty, root)
    expect(events).toEqual([])
    expect(summary).toMatchObject({ streams: 2, bytes: 16, grewBytes: 0, sealed: 1 })
    expect(faulty.operations.filter(({ op }) => op !== 'list')).toEqual([])
  })

  it('goes on where it was, in the same file', async () => {
    const { bucket, root, stored, path } = await setUp()
    await compact(bucket, root)
    const tail = await open(path)
    await stored.append('!\n')
    const { summary } = await compact(bucket, root)
    expect(summary).toMatchObject({ bytes: 13, grewBytes: 2 })
    expect((await tail.readFile()).toString()).toBe('hello world!\n')
    await tail.close()
  })

  it('publishes empty files, and lets them grow after their seal', async () => {
    const { bucket, root, stored, path } = await setUp([])
    await stored.seal()
    expect((await compact(bucket, root)).kinds).toEqual(['published', 'sealed'])
    expect(await text(path)).toBe('')
    await stored.append('late')
    await compact(bucket, root)
    expect(await text(path)).toBe('late')
  })

  it('takes a final segment for the seal', async () => {
    const { bucket, root, stored, path } = await setUp([])
    await stored.finish('all of it')
    const { summary, kinds } = await compact(bucket, root)
    expect(kinds).toEqual(['published', 'sealed'])
    expect(summary.sealed).toBe(1)
    expect(await text(path)).toBe('all of it')
    expect((await compact(bucket, root)).summary.sealed).toBe(1)
  })

  it('a stream that grew after its seal is unsealed until it gets a longer one', async () => {
    const { bucket, root, stored } = await setUp()
    await stored.seal()
    await stored.append(' more')
    expect((await compact(bucket, root)).summary.sealed).toBe(0)
    await stored.seal()
    expect((await compact(bucket, root)).summary.sealed).toBe(1)
  })

  it('I8: files are the same from any segmentation, with strays of all kinds mixed in', async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const random = seededRandom(seed)
      const { bucket, root, stored, path } = await setUp([])
      const content = random.bytes(random.int(1, 100_000))
      const { strays } = await storeWithStrays(stored, content, random)
      await stored.seal()
      const { summary } = await compact(bucket, root)
      expect(Buffer.compare(await readFile(path), content), `seed ${seed}`).toBe(0)
      expect(summary, `seed ${seed}`).toMatchObject({ streams: 1, sealed: 1, strays })
    }
  })

  it('I8: a growing stream gives the same bytes whenever it is looked at', async () => {
    const random = seededRandom(7)
    const { bucket, root, stored, path } = await setUp([])
    for (let round = 0; round < 20; round++) {
      for (let pieces = random.int(0, 3); pieces > 0; pieces--) await stored.append(random.bytes(random.int(1, 6000)))
      if (random.chance(0.3)) {
        await stored.stray(stored.content.length, Buffer.from(random.bytes(8)).toString('hex'), 'stray')
      }
      await compact(bucket, root)
      expect(Buffer.compare(await readFile(path).catch(() => Buffer.alloc(0)), stored.content)).toBe(0)
    }
  })

  it('shows gaps until they are closed, and a fork as none', async () => {
    const { bucket, root, stored } = await setUp()
    await stored.gap('truncated')
    await stored.gap('diverged', 5)
    const { summary, events } = await compact(bucket, root)
    expect(summary.gaps).toBe(1)
    expect(events).toContainEqual({
      kind: 'gap',
      host: 'web-1',
      stream: first,
      offset: 11,
      end: 'open',
      reason: 'truncated',
    })
    await stored.seal()
    expect((await compact(bucket, root)).summary.gaps).toBe(0)
  })

  it('I6: a stream shorter than its seal is published as far as it goes, and told', async () => {
    const { bucket, root, stored, path } = await setUp()
    await stored.seal({ length: 20 })
    const { summary, events } = await compact(bucket, root)
    expect(await text(path)).toBe('hello world')
    expect(summary.short).toBe(1)
    expect(events).toContainEqual(expect.objectContaining({ kind: 'short', missing: 9 }))
  })
})

describe('what a crash leaves', () => {
  it('a torn end beyond what was synced is written again in place', async () => {
    const { bucket, root, stored, path } = await setUp()
    await compact(bucket, root)
    const { ino } = await stat(path)
    await appendFile(path, '\0\0\0\0\0torn')
    await stored.append(', and then some more')
    const { kinds } = await compact(bucket, root)
    expect(kinds).toEqual([])
    expect(await text(path)).toBe('hello world, and then some more')
    expect((await stat(path)).ino).toBe(ino)
  })

  it('killed between a write and its record: nothing is doubled', async () => {
    const { bucket, root, stored, path, recordPath } = await setUp()
    await compact(bucket, root)
    const record = await readFile(recordPath)
    await stored.append(' again')
    await compact(bucket, root)
    await writeFile(recordPath, record)
    const { kinds } = await compact(bucket, root)
    expect(kinds).toEqual([])
    expect(await text(path)).toBe('hello world again')
  })

  it('killed before the first record: the file is compared, and kept', async () => {
    const { bucket, root, stored, path, recordPath } = await setUp()
    await compact(bucket, root)
    const { ino } = await stat(path)
    await rm(recordPath)
    await stored.append('!')
    expect((await compact(bucket, root)).kinds).toEqual(['published'])
    expect(await text(path)).toBe('hello world!')
    expect((await stat(path)).ino).toBe(ino)
  })

  it('killed while it wrote a new file: nobody saw it, and it is written anew', async () => {
    const { bucket, root, path } = await setUp()
    await mkdir(join(root, 'web-1/var/log'), { recursive: true })
    await writeFile(join(root, `web-1/var/log/.~${first}.new`), 'hello wo\0\0\0\0 and much too long')
    await compact(bucket, root)
    expect(await text(path)).toBe('hello world')
    expect(await published(root)).toEqual([`web-1/var/log/a.log~${first}`])
  })

  it('I3: without any state the files are compared, and nothing is doubled', async () => {
    const { bucket, root, stored, path } = await setUp()
    await stored.seal()
    await compact(bucket, root)
    await rm(join(root, '.logcask'), { recursive: true })
    expect((await compact(bucket, root)).kinds).toEqual(['published', 'sealed'])
    expect(await text(path)).toBe('hello world')
    expect(await published(root)).toHaveLength(1)
  })

  it('a record that cannot be understood counts as none', async () => {
    const { bucket, root, path, recordPath } = await setUp()
    await compact(bucket, root)
    await writeFile(recordPath, '{"v":9}')
    await compact(bucket, root)
    expect(await text(path)).toBe('hello world')
    expect(await published(root)).toHaveLength(1)
  })

  it('a file that lost synced bytes is set aside, told, and written anew', async () => {
    const { bucket, root, path } = await setUp()
    await compact(bucket, root)
    await truncate(path, 4)
    const { events } = await compact(bucket, root)
    const movedTo = join(root, `web-1/var/log/.~${first}.set-aside-1`)
    expect(events[0]).toMatchObject({ kind: 'set-aside', path, movedTo, reason: expect.stringContaining('4 bytes') })
    expect(await text(movedTo)).toBe('hell')
    expect(await text(path)).toBe('hello world')
  })

  it('a file with other bytes is set aside; each time under another name', async () => {
    const { bucket, root, path } = await setUp()
    await compact(bucket, root)
    for (const content of ['HELLO WORLD', 'jello world']) {
      await writeFile(path, content)
      expect((await compact(bucket, root)).kinds).toContain('set-aside')
      expect(await text(path)).toBe('hello world')
    }
    expect(await published(root)).toEqual([
      `web-1/var/log/.~${first}.set-aside-1`,
      `web-1/var/log/.~${first}.set-aside-2`,
      `web-1/var/log/a.log~${first}`,
    ])
  })

  it('a file that differs in its middle is told at the seal; hashes begin anew once it is set aside', async () => {
    const { bucket, root, stored, path } = await setUp(['x'.repeat(10_000)])
    const events: CompactorEvent[] = []
    const sink = await openDirectorySink(root, clock, (event) => void events.push({ kind: 'set-aside', ...event }))
    onTestFinished(() => sink.close())
    const run = () => compactOnce({ bucket, sink, clock, pace, onEvent: (event) => void events.push(event) })
    await run()
    await stored.seal()
    await writeFile(path, `y${'x'.repeat(9_999)}`)
    expect((await run()).mismatches).toBe(1)
    await writeFile(path, 'z'.repeat(10_000))
    await stored.append('!')
    await stored.seal()
    expect(await run()).toMatchObject({ mismatches: 0, sealed: 1 })
    expect(events.map(({ kind }) => kind)).toEqual(['published', 'mismatch', 'set-aside', 'sealed'])
    expect(await text(path)).toBe(stored.content.toString())
  })

  it('a file without a record that differs is set aside, not overwritten', async () => {
    const { bucket, root, path } = await setUp()
    await mkdir(join(root, 'web-1/var/log'), { recursive: true })
    await writeFile(path, 'hello there, this is mine')
    const { events } = await compact(bucket, root)
    expect(events[0]).toMatchObject({ kind: 'set-aside', path })
    expect(await text(join(root, `web-1/var/log/.~${first}.set-aside-1`))).toBe('hello there, this is mine')
    expect(await text(path)).toBe('hello world')
  })

  it('a file that was removed is written anew', async () => {
    const { bucket, root, path } = await setUp()
    await compact(bucket, root)
    await rm(path)
    expect((await compact(bucket, root)).kinds).toEqual(['published'])
    expect(await text(path)).toBe('hello world')
  })

  it('follows no symlink', async () => {
    const { bucket, root, path } = await setUp()
    const victim = join(root, 'victim')
    await writeFile(victim, 'victim')
    await mkdir(join(root, 'web-1/var/log'), { recursive: true })
    await symlink(victim, path)
    const { summary } = await compact(bucket, root)
    expect(summary.errors).toMatchObject([{ code: 'refused', message: expect.stringContaining(path) }])
    expect(await text(victim)).toBe('victim')
  })

  it('I4: what was read before the bucket went away is kept, and the rest comes later', async () => {
    const { bucket, root, stored, path } = await setUp()
    await stored.append(' and more')
    const gone = faultBucket(bucket, clock, ({ op, key }) =>
      op === 'get' && key.includes('/00000000000000000011-') ? { kind: 'unavailable' } : undefined,
    )
    const { summary, kinds } = await compact(gone, root)
    expect(kinds).toEqual(['problem'])
    expect(summary.errors).toMatchObject([{ code: 'unavailable' }])
    expect(await text(path)).toBe('hello world')
    expect((await compact(bucket, root)).summary).toMatchObject({ grewBytes: 9, errors: [] })
    expect(await text(path)).toBe('hello world and more')
  })
})

describe.skipIf(!canMount())('a full disk (Linux, as root)', () => {
  it('is told with the remedy; nothing published changes, and it goes on when there is room', async () => {
    const { bucket, stored } = await setUp(['begin'])
    const directory = await tempDirectory('full')
    await mounted(['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs'], directory, async () => {
      const root = join(directory, 'out')
      const path = join(root, `web-1/var/log/a.log~${first}`)
      await compact(bucket, root)
      const random = seededRandom(1)
      for (let piece = 0; piece < 4; piece++) await stored.append(random.bytes(400_000))
      const { summary, events } = await compact(bucket, root)
      expect(summary.errors).toMatchObject([
        { code: 'unavailable', message: expect.stringContaining(path), hint: expect.stringContaining('free space') },
      ])
      expect(events).toHaveLength(1)
      const published = await readFile(path)
      expect(published.equals(stored.content.subarray(0, published.length))).toBe(true)
      execFileSync('mount', ['-o', 'remount,size=8m', directory])
      expect((await compact(bucket, root)).summary.errors).toEqual([])
      expect((await readFile(path)).equals(stored.content)).toBe(true)
    })
  })
})

describe('two compactors', () => {
  it('the second one on a directory is refused, and told who is there', async () => {
    const { root } = await setUp()
    const sink = await openDirectorySink(root, clock, () => {})
    onTestFinished(() => sink.close())
    await expect(openDirectorySink(root, clock, () => {})).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(`process ${process.pid}`),
    })
    await sink.close()
    await (await openDirectorySink(root, clock, () => {})).close()
  })

  it('a directory whose parent is missing is not made', async () => {
    const { root } = await setUp()
    await expect(openDirectorySink(join(root, 'not', 'mounted'), clock, () => {})).rejects.toMatchObject({
      code: 'invalid',
      hint: expect.stringContaining('mount the disk'),
    })
  })
})

describe('I9: a hostile host', () => {
  it('changes nothing of what was published, whatever it adds', async () => {
    const { bucket, root, stored, path } = await setUp(['hello ', 'world'])
    await stored.seal()
    await compact(bucket, root)
    const random = seededRandom(3)
    for (let number = 0; number < 200; number++) {
      const offset = random.pick([0, 6, 11, 12, random.int(0, 20), Number.MAX_SAFE_INTEGER])
      const before = random.pick(['e3b0c44298fc1c14', Buffer.from(random.bytes(8)).toString('hex')])
      const key = random.pick([
        segmentKey('web-1', first, offset, before),
        sealKey('web-1', first, random.int(0, 30), Buffer.from(random.bytes(32)).toString('hex')),
        `segments/web-1/${first}/zzz${number}`,
        `gaps/web-1/${first}/${'0'.repeat(20)}-open`,
      ])
      await bucket.put(key, random.bytes(random.int(0, 50)), { mode: 'create' })
    }
    const { summary } = await compact(bucket, root)
    // A seal that promises more and cannot be read is told as what it is, not as bytes that are missing.
    expect(summary.errors).toEqual([
      expect.objectContaining({ code: 'corrupt', message: expect.stringContaining('is not JSON') }),
    ])
    expect(summary.short).toBe(0)
    expect(await text(path)).toBe('hello world')
    await stored.append('!')
    await compact(bucket, root)
    expect(await text(path)).toBe('hello world!')
  })

  it('whose seal lies is told, and nothing is withheld', async () => {
    const { bucket, root, stored, path } = await setUp()
    await stored.seal({ sha256: 'f'.repeat(64) })
    const { summary, events } = await compact(bucket, root)
    expect(await text(path)).toBe('hello world')
    expect(summary).toMatchObject({ sealed: 0, mismatches: 1 })
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'mismatch', sealed: 'f'.repeat(64), sha256: stored.sha256 }),
    )
    const faulty = faultBucket(bucket, clock)
    expect((await compact(faulty, root)).summary.mismatches).toBe(1)
    expect(faulty.operations.filter(({ op }) => op !== 'list')).toEqual([])
  })

  it('with a wild origin harms no other stream, and stays in its directory', async () => {
    const { bucket, root, path } = await setUp()
    const paths = ['/../../../etc/passwd', `/var/log/a.log~${first}/x`, '/\u001b[2J', `/${'x'.repeat(300)}`, '']
    for (const [at, wild] of paths.entries()) await storedStream(bucket, 'web-1', `0-${at}`, wild).append(`wild ${at}`)
    const broken = [{}, { origin: '{' }, { origin: '{"v":2}' }, { origin: '{"v":1,"path":7}' }]
    for (const [at, metadata] of broken.entries()) {
      const key = segmentKey('web-1', `0-b${at}`, 0, 'e3b0c44298fc1c14')
      await bucket.put(key, Buffer.from('x'), { mode: 'create', metadata: metadata as Record<string, string> })
    }
    const { summary } = await compact(bucket, root)
    expect(await text(path)).toBe('hello world')
    expect(summary).toMatchObject({ streams: 6, errors: broken.map(() => ({ code: 'corrupt' })) })
    for (const name of await published(root)) expect(name.startsWith('web-1/')).toBe(true)
    expect(await published(root)).toHaveLength(6)
  })

  it('that overwrites with versions is told, and the oldest counts', async () => {
    const bucket = createMemoryBucket(clock, { versions: true })
    const root = await tempDirectory('sink')
    const stored = storedStream(bucket, 'web-1', first, '/a')
    await stored.append('honest')
    bucket.tamper(segmentKey('web-1', first, 0, 'e3b0c44298fc1c14'), Buffer.from('forged'))
    const { events } = await compact(bucket, root)
    expect(events).toContainEqual(expect.objectContaining({ kind: 'tampered', versions: 2 }))
    expect(await text(join(root, `web-1/a~${first}`))).toBe('honest')
  })

  it('with more problems than an operator can read tells some, and how many more', async () => {
    const bucket = createMemoryBucket(clock)
    for (let at = 0; at < 40; at++) {
      const key = segmentKey('web-1', `0-${at.toString(36)}`, 0, 'e3b0c44298fc1c14')
      await bucket.put(key, Buffer.from('x'), { mode: 'create' })
    }
    const { summary, events } = await compact(bucket, await tempDirectory('sink'))
    expect(summary.errors).toHaveLength(40)
    expect(events).toHaveLength(6)
    expect(events.at(-1)).toMatchObject({ kind: 'problem', error: { message: expect.stringContaining('35 more') } })
  })

  it('I4: a host that cannot be listed stops no other one', async () => {
    const { bucket, root, path } = await setUp()
    await storedStream(bucket, 'db-1', '0-1', '/b').append('b')
    const faulty = faultBucket(bucket, clock, ({ op, key }) =>
      op === 'list' && key.startsWith('segments/db-1/') ? { kind: 'refused' } : undefined,
    )
    const { summary, events } = await compact(faulty, root)
    expect(await text(path)).toBe('hello world')
    expect(summary).toMatchObject({ hosts: 1, errors: [{ code: 'refused' }] })
    expect(events).toContainEqual(expect.objectContaining({ kind: 'problem', host: 'db-1' }))
  })
})
