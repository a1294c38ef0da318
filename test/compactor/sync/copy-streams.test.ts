import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { type Bucket, listObjects } from '../../../src/bucket/bucket.ts'
import { createMemoryBucket } from '../../../src/bucket/memory.ts'
import { retryingReads } from '../../../src/bucket/retrying-reads.ts'
import { beforeOf, chainStart } from '../../../src/format/chain.ts'
import { segmentKey } from '../../../src/format/keys.ts'
import { faultBucket } from '../../support/fault-bucket.ts'
import { type SeededRandom, seededRandom } from '../../support/seeded-random.ts'
import { storedStream, storeWithStrays } from '../../support/stored-stream.ts'
import { contentOf, hasty, objectsOf, sync } from './sync-rig.ts'

const host = 'web-1'
const first = '20261119T101500123456789Z-1a2b'
const path = '/var/log/app.log'

function buckets() {
  return { a: createMemoryBucket(systemClock, { name: 'a' }), b: createMemoryBucket(systemClock, { name: 'b' }) }
}

async function store(bucket: Bucket, content: Uint8Array, random: SeededRandom) {
  const stored = storedStream(bucket, host, first, path)
  return { stored, ...(await storeWithStrays(stored, content, random)) }
}

describe('sync', () => {
  it.each(Array.from({ length: 24 }, (_, at) => at + 1))(
    'I1, I2: brings what is missing to a chain end, however both were cut, and never a stray (seed %i)',
    async (seed) => {
      const random = seededRandom(seed)
      const { a, b } = buckets()
      const content = random.bytes(random.int(1, 120_000))
      const { stored } = await store(a, content, random)
      await stored.seal()
      const part = random.int(0, content.length)
      const { strays } = await store(b, content.subarray(0, part), random)
      const before = await objectsOf(b)

      const pass = await sync(a, b)
      expect(pass.streams).toMatchObject([{ kind: 'joined', bytes: content.length - part, problems: [] }])
      const after = await contentOf(b, host, first)
      expect(after.bytes.equals(content)).toBe(true)
      expect(after.strays).toBe(strays)
      expect(await objectsOf(b)).toMatchObject(before)
      expect(Object.keys(await objectsOf(b, 'seals/'))).toEqual(Object.keys(await objectsOf(a, 'seals/')))
    },
  )

  it('a second pass has nothing to do: no write, no probe', async () => {
    const { a, b } = buckets()
    await (await store(a, seededRandom(1).bytes(50_000), seededRandom(2))).stored.seal()
    expect((await sync(a, b)).admissions).toBeGreaterThan(0)
    const again = faultBucket(b, systemClock)
    expect(await sync(a, again)).toMatchObject({ admissions: 0, streams: [{ bytes: 0, records: 0 }] })
    expect(again.operations.filter(({ op }) => op === 'put')).toEqual([])
  })

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'I1: stores that lose answers, are late, or are gone: again and again, until all is there (seed %i)',
    async (seed) => {
      const random = seededRandom(seed)
      const { a, b } = buckets()
      const content = random.bytes(60_000)
      await store(a, content, random)
      const bad = (bucket: Bucket) => {
        const faulty = faultBucket(bucket, systemClock, ({ op }) =>
          random.pick([
            undefined,
            undefined,
            undefined,
            { kind: 'lost' },
            { kind: 'unavailable' },
            op === 'put' ? { kind: 'late', ms: 1 } : undefined,
          ]),
        )
        return retryingReads(faulty, hasty)
      }
      for (let attempt = 0; attempt < 200; attempt++) {
        await sync(bad(a), bad(b)).catch(() => {})
        if ((await contentOf(b, host, first)).bytes.length === content.length) break
      }
      await systemClock.sleep(5)
      const after = await contentOf(b, host, first)
      expect(after.bytes.equals(content)).toBe(true)
      expect(after.strays).toBe(0)
    },
  )

  it('several at once, from both sides: one history, no stray', async () => {
    const { a, b } = buckets()
    const content = seededRandom(7).bytes(200_000)
    const whole = storedStream(a, host, first, path)
    const some = storedStream(b, host, first, path)
    for (let at = 0; at < content.length; at += 9_000) await whole.append(content.subarray(at, at + 9_000))
    for (let at = 0; at < 63_000; at += 7_000) await some.append(content.subarray(at, at + 7_000))
    await Promise.all([sync(a, b), sync(a, b), sync(b, a), sync(a, b)])
    const after = await contentOf(b, host, first)
    expect(after.bytes.equals(content)).toBe(true)
    expect(after.strays).toBe(0)
  })

  it('both ways, one after the other, make two buckets equal', async () => {
    const { a, b } = buckets()
    const content = seededRandom(3).bytes(30_000)
    for (const [at, bucket] of [a, b].entries()) {
      const shared = storedStream(bucket, host, first, path)
      await shared.append(content.subarray(0, at === 0 ? 9_000 : 30_000))
      const own = storedStream(bucket, `only-${at}`, `0-${at + 1}`, `/log/${at}`)
      await own.finish(`of ${at}`)
      const empty = storedStream(bucket, `only-${at}`, `0-${at + 10}`, `/log/empty-${at}`)
      await empty.seal()
      await own.gap('gone', 100)
      await own.alias(`0-${at + 20}`)
    }
    await sync(a, b)
    await sync(b, a)
    for (const room of ['seals/', 'gaps/', 'aliases/', 'segments/only'])
      expect(await objectsOf(a, room)).toEqual(await objectsOf(b, room))
    expect((await contentOf(a, host, first)).bytes.equals(content)).toBe(true)
    for (const [source, target] of [
      [a, b],
      [b, a],
    ] as const)
      expect((await sync(source, target)).streams.every(({ bytes, records }) => bytes + records === 0)).toBe(true)
  })

  it('I1: another history is reported and left alone, whichever of the two is longer', async () => {
    for (const [ours, theirs] of [
      ['x'.repeat(9_000), 'y'.repeat(5_000)],
      ['x'.repeat(5_000), 'y'.repeat(9_000)],
    ] as const) {
      const { a, b } = buckets()
      const source = storedStream(a, host, first, path)
      await source.append(theirs)
      await source.seal()
      await source.gap('truncated')
      await storedStream(b, host, first, path).append(ours)
      const before = await objectsOf(b)
      expect((await sync(a, b)).streams).toMatchObject([{ kind: 'diverged', bytes: 0, records: 0, heldBack: 2 }])
      expect(await objectsOf(b)).toEqual(before)
    }
  })

  it('fills a hole so that it meets what landed beyond; a part of a `final` segment is not final', async () => {
    const { a, b } = buckets()
    const content = seededRandom(5).bytes(20_000)
    await storedStream(a, host, first, path).finish(content)
    // The target's agent had cut it in three, and the first two never landed, or were taken away.
    const window = content.subarray(15_000 - 4096, 15_000)
    const last = segmentKey(host, first, 15_000, beforeOf({ offset: 15_000, window }))
    await b.put(last, content.subarray(15_000), { mode: 'create' })
    expect((await sync(a, b)).streams).toMatchObject([{ kind: 'joined', bytes: 15_000, segments: 1 }])
    expect(await contentOf(b, host, first)).toEqual({ bytes: Buffer.from(content), strays: 0 })
    const header = await b.head(segmentKey(host, first, 0, beforeOf(chainStart)))
    expect(Object.keys(header?.metadata ?? {})).toEqual(['origin'])
  })

  it('joins what two buckets have in turns: each lacks what the other has', async () => {
    const { a, b } = buckets()
    const content = seededRandom(6).bytes(40_000)
    const whole = storedStream(createMemoryBucket(systemClock), host, first, path)
    for (let at = 0; at < 4; at++) {
      const bytes = content.subarray(at * 10_000, at * 10_000 + 10_000)
      const end = { offset: at * 10_000, window: content.subarray(Math.max(0, at * 10_000 - 4096), at * 10_000) }
      const metadata = at === 0 ? { origin: JSON.stringify({ v: 1, ...whole.origin }) } : {}
      const key = segmentKey(host, first, end.offset, beforeOf(end))
      if (at !== 2) await a.put(key, bytes, { mode: 'create', metadata })
      if (at < 3) await b.put(key, bytes, { mode: 'create', metadata })
    }
    expect((await contentOf(a, host, first)).bytes.length).toBe(20_000)
    await sync(a, b)
    await sync(b, a)
    for (const bucket of [a, b])
      expect(await contentOf(bucket, host, first)).toEqual({ bytes: Buffer.from(content), strays: 0 })
  })

  it('says where bytes between are missing, and makes no stray of what comes after', async () => {
    const { a, b } = buckets()
    await storedStream(a, host, first, path).stray(7_000, '0123456789abcdef', 'the rest')
    await storedStream(b, host, first, path).append('a'.repeat(5_000))
    expect((await sync(a, b)).streams).toMatchObject([{ kind: 'apart', length: 5_000, bytes: 0 }])
    expect(await listObjects(b, 'segments/')).toHaveLength(1)
  })

  it('what expired in the target is not brought again; what goes on behind it is', async () => {
    const { a, b } = buckets()
    const content = seededRandom(8).bytes(30_000)
    const source = storedStream(a, host, first, path)
    for (let at = 0; at < 30_000; at += 10_000) await source.append(content.subarray(at, at + 10_000))
    const key = segmentKey(
      host,
      first,
      10_000,
      beforeOf({ offset: 10_000, window: content.subarray(10_000 - 4096, 10_000) }),
    )
    await b.put(key, content.subarray(10_000, 20_000), { mode: 'create' })
    const old = { retentionMs: 0 }
    expect((await sync(a, b, old)).streams).toMatchObject([{ kind: 'joined', bytes: 10_000, length: 30_000 }])
    expect(await listObjects(b, 'segments/')).toHaveLength(2)
    const empty = createMemoryBucket(systemClock)
    expect((await sync(a, empty, old)).streams).toMatchObject([{ kind: 'expired', bytes: 0 }])
    // Without a retention there is no such thing as expiry: all of it comes.
    expect((await sync(a, b)).streams).toMatchObject([{ kind: 'joined', bytes: 10_000 }])
    expect((await contentOf(b, host, first)).bytes.equals(content)).toBe(true)
  })

  it('I8: of a key that was written twice, the oldest version is copied', async () => {
    const a = createMemoryBucket(systemClock, { versions: true })
    const { b } = buckets()
    const source = storedStream(a, host, first, path)
    await source.append('as it was')
    a.tamper(segmentKey(host, first, 0, beforeOf(chainStart)), Buffer.from('as it is not'))
    await sync(a, b)
    expect((await contentOf(b, host, first)).bytes.toString()).toBe('as it was')
  })

  it('a dry run tells by the names, and writes nothing', async () => {
    const { a, b } = buckets()
    const content = seededRandom(9).bytes(50_000)
    const source = storedStream(a, host, first, path)
    await source.append(content.subarray(0, 30_000))
    await source.append(content.subarray(30_000))
    await source.seal()
    await storedStream(b, host, first, path).append(content.subarray(0, 20_000))
    const before = await objectsOf(b)
    const pass = await sync(a, b, { isDryRun: true })
    expect(pass).toMatchObject({ admissions: 0, streams: [{ kind: 'joined', bytes: 30_000, records: 1 }] })
    expect(await objectsOf(b)).toEqual(before)
  })
})
