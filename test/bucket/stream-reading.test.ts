import { describe, expect, it } from 'vitest'
import type { Bucket } from '../../src/bucket/bucket.ts'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { readGap, readHeader, sealsOf } from '../../src/bucket/stream-header.ts'
import { type ListedStream, listHosts, listStreamNames, listStreams } from '../../src/bucket/stream-inventory.ts'
import { findChainEnd, listSegments, readChain } from '../../src/bucket/stream-listing.ts'
import { longestRun } from '../../src/bucket/stream-runs.ts'
import { countSeals } from '../../src/bucket/stream-seals.ts'
import { completeness, isClosed } from '../../src/bucket/stream-state.ts'
import { surveyChain } from '../../src/bucket/stream-survey.ts'
import { guessAhead } from '../../src/bucket/stream-walk.ts'
import { advanceByTail, beforeOf, SegmentMap } from '../../src/format/chain.ts'
import { sealKey, segmentKey } from '../../src/format/keys.ts'
import { recordBytesMax } from '../../src/format/limits.ts'
import { faultBucket } from '../support/fault-bucket.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { storedStream, storeWithStrays } from '../support/stored-stream.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

const clock = createVirtualClock()
const first = '20261120T101500123456789Z-1a2b'
const second = '20261121T000000000000000Z-7'

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of source) items.push(item)
  return items
}

async function streamsOf(bucket: Bucket, host: string, strays: string[] = []): Promise<ListedStream[]> {
  return all(listStreams(bucket, host, { onStray: (key) => void strays.push(key) }))
}

async function contentOf(bucket: Bucket, host: string, stream: string): Promise<Buffer> {
  const pieces = await all(readChain(bucket, await listSegments(bucket, host, stream)))
  return Buffer.concat(pieces.map(({ bytes }) => bytes))
}

describe('inventory', () => {
  it('finds hosts and streams, also those that are only a seal or a gap', async () => {
    const bucket = createMemoryBucket(clock)
    await storedStream(bucket, 'web-1', first, '/a').append('hello')
    await storedStream(bucket, 'db:2', second, '/empty').seal()
    await storedStream(bucket, 'web-1', `${first}.1`, '/b').gap('gone')
    expect(await listHosts(bucket)).toEqual(['db:2', 'web-1'])
    expect(await listStreamNames(bucket, 'web-1')).toEqual([first])
    expect(await listStreamNames(bucket, 'db:2')).toEqual([second])
    expect((await streamsOf(bucket, 'web-1')).map(({ stream }) => stream)).toEqual([first, `${first}.1`])
    expect((await streamsOf(bucket, 'db:2')).map(({ stream }) => stream)).toEqual([second])
  })

  it('gives each stream its seals, gaps and aliases', async () => {
    const bucket = createMemoryBucket(clock)
    const stored = storedStream(bucket, 'web-1', first, '/a')
    await stored.append('hello')
    await stored.seal()
    await stored.append(' world')
    await stored.seal()
    await stored.gap('truncated', 11, 20)
    await stored.alias(second)
    const [stream] = await streamsOf(bucket, 'web-1')
    expect(stream?.seals.map(({ length }) => length)).toEqual([5, 11])
    expect(stream?.gaps).toMatchObject([{ offset: 11, end: 20 }])
    expect(stream?.aliases).toEqual([second])
    expect(stream?.segments.all).toHaveLength(2)
  })

  it('a listing is one request for each room, however many streams there are', async () => {
    const bucket = faultBucket(createMemoryBucket(clock), clock)
    for (let inode = 0; inode < 30; inode++) await storedStream(bucket, 'h', `0-${inode}`, `/f${inode}`).append('x')
    const before = bucket.operations.length
    expect(await streamsOf(bucket, 'h')).toHaveLength(30)
    expect(bucket.operations.slice(before).map(({ op }) => op)).toEqual(['list', 'list', 'list', 'list'])
  })

  it('I9: names that no agent would write are strays, and hide nothing', async () => {
    const bucket = createMemoryBucket(clock)
    await storedStream(bucket, 'web-1', first, '/a').append('hello')
    const wild = [
      'segments/web-1/evil',
      `segments/web-1/${first}/not-a-segment`,
      `segments/web-1/${first}/99999999999999999999-0123456789abcdef`,
      'segments/web-1/..../x',
      `seals/web-1/${first}/x`,
      `gaps/web-1/${first}/00000000000000000005-00000000000000000005`,
      `aliases/web-1/${first}/nobody`,
    ]
    for (const key of wild) bucket.tamper(key, Buffer.from('x'))
    for (const key of ['segments/=zz/a/b', 'segments/%2e/a/b']) bucket.tamper(key, Buffer.from('x'))
    const strays: string[] = []
    const streams = await streamsOf(bucket, 'web-1', strays)
    expect(streams.map(({ stream }) => stream)).toEqual([first])
    expect(strays.toSorted()).toEqual(wild.toSorted())
    const hostStrays: string[] = []
    expect(await listHosts(bucket, { onStray: (key) => void hostStrays.push(key) })).toEqual(['web-1'])
    expect(hostStrays).toEqual(['segments/%2e/', 'segments/=zz/'])
  })

  it('I4: a listing that breaks off rejects', async () => {
    const bucket = faultBucket(createMemoryBucket(clock), clock, ({ op, key }) =>
      op === 'list' && key.startsWith('segments/') ? { kind: 'cut', entries: 1 } : undefined,
    )
    const stored = storedStream(bucket, 'web-1', first, '/a')
    await stored.append('hello')
    await stored.append('world')
    await expect(streamsOf(bucket, 'web-1')).rejects.toMatchObject({ code: 'unavailable' })
  })
})

describe('header', () => {
  it('comes with the segment at offset 0, and says whether that is the seal', async () => {
    const bucket = createMemoryBucket(clock)
    const stored = storedStream(bucket, 'web-1', first, '/var/log/a')
    await stored.finish('hello')
    expect(await readHeader(bucket, 'web-1', first)).toEqual({
      origin: stored.origin,
      final: { length: 5, sha256: stored.sha256 },
      storedAtMs: clock.now(),
    })
  })

  it('comes from the seal where the file was empty', async () => {
    const bucket = createMemoryBucket(clock)
    const stored = storedStream(bucket, 'web-1', first, '/var/log/empty')
    await stored.seal()
    expect(await readHeader(bucket, 'web-1', first)).toEqual({ origin: stored.origin, storedAtMs: clock.now() })
  })

  it('is undefined where nothing names the stream', async () => {
    const bucket = createMemoryBucket(clock)
    await storedStream(bucket, 'web-1', first, '/a').gap('gone')
    expect(await readHeader(bucket, 'web-1', first)).toBeUndefined()
  })

  it('of a later format version is refused, and says what to do', async () => {
    const bucket = createMemoryBucket(clock)
    const key = segmentKey('web-1', first, 0, 'e3b0c44298fc1c14')
    bucket.tamper(key, Buffer.from('x'), { origin: '{"v":2,"path":"/a"}' })
    await expect(readHeader(bucket, 'web-1', first)).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining(key),
      hint: expect.stringContaining('upgrade'),
    })
  })

  it('I9: a record that is too large is refused before it is read', async () => {
    const memory = createMemoryBucket(clock)
    const key = sealKey('web-1', first, 0, 'e'.repeat(64))
    memory.tamper(key, Buffer.alloc(recordBytesMax + 1))
    const bucket = faultBucket(memory, clock)
    await expect(readHeader(bucket, 'web-1', first)).rejects.toMatchObject({ code: 'corrupt' })
    expect(bucket.operations.filter(({ op }) => op === 'get')).toEqual([])
  })

  it('reads why bytes are missing', async () => {
    const bucket = createMemoryBucket(clock)
    await storedStream(bucket, 'web-1', first, '/a').gap('unspooled', 0, 512)
    const [stream] = await streamsOf(bucket, 'web-1')
    expect(await readGap(bucket, stream!.gaps[0]!)).toMatchObject({ reason: 'unspooled' })
  })
})

describe('walk', () => {
  it('I8: gives the content whatever the segmentation, with strays of all kinds mixed in', async () => {
    for (let seed = 1; seed <= 25; seed++) {
      const random = seededRandom(seed)
      const bucket = createMemoryBucket(clock)
      const stored = storedStream(bucket, 'web-1', first, '/a')
      const content = random.bytes(random.int(1, 60_000))
      await storeWithStrays(stored, content, random)
      expect(await contentOf(bucket, 'web-1', first), `seed ${seed}`).toEqual(Buffer.from(content))
      const end = await findChainEnd(bucket, await listSegments(bucket, 'web-1', first))
      expect(end.offset, `seed ${seed}`).toBe(content.length)
      expect(Buffer.from(end.window)).toEqual(Buffer.from(content.slice(-4096)))
    }
  })

  it('findChainEnd stops before the segment that holds an offset', async () => {
    const bucket = createMemoryBucket(clock)
    const stored = storedStream(bucket, 'web-1', first, '/a')
    for (const text of ['aaa', 'bbb', 'ccc']) await stored.append(text)
    const segments = await listSegments(bucket, 'web-1', first)
    const ends = [0, 2, 3, 5, 6, 8, 9, 99]
    const found = await Promise.all(ends.map((until) => findChainEnd(bucket, segments, { until })))
    expect(found.map(({ offset }) => offset)).toEqual([0, 0, 3, 3, 6, 6, 9, 9])
  })

  it('guesses ahead within its bounds, and never where two histories meet', () => {
    const segment = (offset: number, length: number, before = '0') => ({ offset, length, before })
    const all = [segment(0, 10), segment(10, 10), segment(20, 10), segment(30, 10), segment(30, 5, '1')]
    const map = new SegmentMap(all)
    const guess = (count: number, bytes: number) =>
      guessAhead(map, [{ segment: all[0]! }], { count, bytes }).map(({ offset }) => offset)
    expect(guess(1, 1000)).toEqual([])
    expect(guess(2, 1000)).toEqual([10])
    expect(guess(9, 1000)).toEqual([10, 20])
    expect(guess(9, 29)).toEqual([10])
    expect(guess(9, 5)).toEqual([])
  })

  it('has no request under way when it is left, and reads a segment once', async () => {
    const bucket = faultBucket(createMemoryBucket(clock), clock)
    const stored = storedStream(bucket, 'web-1', first, '/a')
    for (let i = 0; i < 10; i++) await stored.append(`line ${i}\n`)
    await contentOf(bucket, 'web-1', first)
    expect(bucket.operations.filter(({ op }) => op === 'get').map(({ attempt }) => attempt)).toEqual(Array(10).fill(0))
    for await (const { bytes } of readChain(bucket, await listSegments(bucket, 'web-1', first))) {
      expect(bytes.length).toBe(7)
      break
    }
    expect(bucket.operations.filter(({ op }) => op === 'get').length).toBeLessThanOrEqual(14)
  })

  it('a segment that is gone since the listing is unavailable, not the end', async () => {
    const bucket = createMemoryBucket(clock)
    const stored = storedStream(bucket, 'web-1', first, '/a')
    await stored.append('hello')
    await stored.append('world')
    const segments = await listSegments(bucket, 'web-1', first)
    bucket.tamper(segments.all[1]!.key, undefined)
    await expect(all(readChain(bucket, segments))).rejects.toMatchObject({ code: 'unavailable' })
    await expect(findChainEnd(bucket, segments)).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('an abort ends it with its reason', async () => {
    const bucket = faultBucket(createMemoryBucket(clock), clock)
    await storedStream(bucket, 'web-1', first, '/a').append('hello')
    const segments = await listSegments(bucket, 'web-1', first)
    bucket.setRule(() => ({ kind: 'hang' }))
    const stop = new AbortController()
    const reading = all(readChain(bucket, segments, { signal: stop.signal }))
    stop.abort(new Error('enough'))
    await expect(reading).rejects.toThrow('enough')
  })
})

describe('survey', () => {
  async function survey(bucket: Bucket): Promise<number> {
    const chain = await surveyChain(bucket, await listSegments(bucket, 'web-1', first))
    return chain.reduce((sum, { length }) => sum + length, 0)
  }

  it('finds the chain at the cost of one read', async () => {
    const bucket = faultBucket(createMemoryBucket(clock), clock)
    const stored = storedStream(bucket, 'web-1', first, '/a')
    for (let i = 0; i < 50; i++) await stored.append(`${'x'.repeat(5000)}${i}`)
    const before = bucket.operations.length
    expect(await survey(bucket)).toBe(stored.content.length)
    expect(bucket.operations.slice(before).filter(({ op }) => op === 'get')).toHaveLength(1)
  })

  it('is not taken in by a stray at the end, nor by one beside the chain', async () => {
    const bucket = createMemoryBucket(clock)
    const stored = storedStream(bucket, 'web-1', first, '/a')
    await stored.append('a'.repeat(3000))
    await stored.append('b'.repeat(3000))
    await stored.stray(6000, '0'.repeat(16), 'stray')
    expect(await survey(bucket)).toBe(6000)
    await stored.append('c')
    await stored.stray(3000, '0'.repeat(16), 'other history')
    expect(await survey(bucket)).toBe(6001)
  })

  it('a stream without a beginning has no chain', async () => {
    const bucket = createMemoryBucket(clock)
    await storedStream(bucket, 'web-1', first, '/a').stray(5, '0'.repeat(16), 'late')
    expect(await survey(bucket)).toBe(0)
  })
})

describe('run', () => {
  const run = (...segments: [offset: number, length: number, before?: string][]) => {
    const all = segments.map(([offset, length, before = '0']) => ({ offset, length, before }))
    const found = longestRun(new SegmentMap(all))
    if (found === undefined) return undefined
    const offsets: number[] = []
    let end = found.start
    for (let next = found.segments.next(end); next !== undefined; next = found.segments.next(end)) {
      offsets.push(next.offset)
      end = advanceByTail(end, next.length, new Uint8Array(next.length))
    }
    return offsets
  }
  const zeros = beforeOf({ offset: 9000, window: new Uint8Array(4096) })

  it('is all that follows on each other after an expired beginning', () => {
    expect(run([20, 10], [30, 10], [40, 5])).toEqual([20, 30, 40])
    expect(run()).toBeUndefined()
  })

  it('is not a stray before, beside or behind it', () => {
    expect(run([15, 9], [20, 10], [30, 10])).toEqual([20, 30])
    expect(run([20, 10], [30, 10], [500, 3])).toEqual([20, 30])
  })

  it('goes on beside another history only where 4 KiB say which', () => {
    expect(run([20, 10], [30, 10, '0'], [30, 5, '1'])).toEqual([20])
    expect(run([5000, 4096], [9096, 10, '0'], [9096, 5, zeros])).toEqual([5000, 9096])
  })
})

describe('state', () => {
  const seal = (length: number, sha256 = 'a') => ({ length, sha256 })

  it.each([
    [0, [], { kind: 'unsealed' }],
    [9, [], { kind: 'unsealed' }],
    [0, [seal(0)], { kind: 'sealed', sha256: ['a'] }],
    [9, [seal(9)], { kind: 'sealed', sha256: ['a'] }],
    [9, [seal(9, 'a'), seal(9, 'b')], { kind: 'sealed', sha256: ['a', 'b'] }],
    [9, [seal(5), seal(9, 'b')], { kind: 'sealed', sha256: ['b'] }],
    [9, [seal(5)], { kind: 'outgrown' }],
    [5, [seal(9)], { kind: 'short', length: 9, missing: 4 }],
    [5, [seal(5), seal(9)], { kind: 'short', length: 9, missing: 4 }],
  ] as const)('a chain of %i with seals %j is %j', (length, seals, expected) => {
    expect(completeness(length, seals)).toEqual(expected)
  })

  it.each([
    ['an open gap without a seal', { offset: 5, end: 'open' }, 5, [], false],
    ['an open gap and a shorter seal', { offset: 5, end: 'open' }, 5, [seal(4)], false],
    ['an open gap and a seal at its offset', { offset: 5, end: 'open' }, 5, [seal(5)], true],
    ['an open gap and a longer seal', { offset: 5, end: 'open' }, 9, [seal(9)], true],
    ['an open gap after which bytes came', { offset: 5, end: 'open' }, 9, [], false],
    ['a gap whose bytes are missing', { offset: 5, end: 9 }, 5, [], false],
    ['a gap whose bytes turned up in part', { offset: 5, end: 9 }, 8, [], false],
    ['I6: a gap whose bytes turned up', { offset: 5, end: 9 }, 9, [], true],
    ['a gap at the end of a sealed stream', { offset: 5, end: 9 }, 5, [seal(5)], false],
  ] as const)('%s', (_, gap, length, seals, expected) => {
    expect(isClosed(gap, length, seals)).toBe(expected)
  })
})

describe('the seals that count', () => {
  const setUp = async (unreadable: number[], readable: number[]) => {
    const bucket = createMemoryBucket(clock)
    const stored = storedStream(bucket, 'h', first, '/a')
    for (const length of readable) await stored.seal({ length })
    for (const length of unreadable) {
      await bucket.put(sealKey('h', first, length, stored.sha256), Buffer.from('{"v":9}'), { mode: 'create' })
    }
    let gets = 0
    const counting: Bucket = {
      ...bucket,
      get(...args) {
        gets++
        return bucket.get(...args)
      },
    }
    return { seals: await sealsOf(bucket, 'h', first), counting, gets: () => gets }
  }

  it('are read only beyond the chain, and a later version is told instead of counted', async () => {
    const { seals, counting, gets } = await setUp([11, 30], [5, 20])
    const problems = new Map()
    for (const chainLength of [11, 11]) {
      const counted = await countSeals(counting, seals, chainLength, { problems })
      expect(counted.seals.map(({ length }) => length)).toEqual([5, 11, 20])
      expect(counted.problem).toMatchObject({ code: 'corrupt', message: expect.stringContaining('version 9 is not 1') })
    }
    expect(gets()).toBe(2)
    expect(await countSeals(counting, seals, 30)).toEqual({ seals, problem: undefined })
    expect(gets()).toBe(2)
  })

  it('I7: cost a bounded number of requests, however many there are', async () => {
    const { seals, counting, gets } = await setUp([...Array(50).keys()], [])
    expect((await countSeals(counting, seals, 0)).problem).toBeDefined()
    expect(gets()).toBe(4)
  })
})
