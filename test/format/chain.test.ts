import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sha256 } from '../../src/base/hash.ts'
import {
  advance,
  advanceByTail,
  beforeOf,
  type ChainEnd,
  chainStart,
  isSegmentLength,
  SegmentMap,
  type SegmentRef,
} from '../../src/format/chain.ts'
import { segmentBytesMax, windowBytes } from '../../src/format/limits.ts'
import { hex } from './arbitraries.ts'

interface Stored extends SegmentRef {
  bytes: Uint8Array
}

const stored = (offset: number, before: string, bytes: Uint8Array): Stored => ({
  offset,
  before,
  length: bytes.byteLength,
  bytes,
})

function contentOf(segments: Iterable<Stored>): Buffer {
  const map = new SegmentMap(segments)
  const parts: Uint8Array[] = []
  let end: ChainEnd = chainStart
  for (let segment = map.next(end); segment !== undefined; segment = map.next(end)) {
    parts.push(segment.bytes)
    end = advance(end, segment.bytes)
  }
  return Buffer.concat(parts)
}

/** What an agent would store of `content`, cut at `cuts`. */
function cutInto(content: Uint8Array, cuts: readonly number[]): Stored[] {
  const at = [...new Set([0, ...cuts.map((cut) => cut % (content.length + 1)), content.length])].sort((a, b) => a - b)
  let end = chainStart
  return at.slice(0, -1).map((start, index) => {
    const segment = stored(start, beforeOf(end), content.slice(start, at[index + 1]))
    end = advance(end, segment.bytes)
    return segment
  })
}

/** The bucket's rule: a key is created once. */
function createAll(segments: readonly Stored[]): Stored[] {
  const byKey = new Map<string, Stored>()
  for (const segment of segments) {
    const key = `${segment.offset}-${segment.before}`
    if (!byKey.has(key)) byKey.set(key, segment)
  }
  return [...byKey.values()]
}

// Few values, so that histories that agree for a while are common; some longer than the window.
const anyContent = fc.oneof(
  fc.array(fc.nat(2), { minLength: 1, maxLength: 60 }).map((bytes) => Uint8Array.from(bytes)),
  fc
    .tuple(fc.nat(255), fc.integer({ min: 1, max: 3 * windowBytes }))
    .map(([seed, length]) => Uint8Array.from({ length }, (_, at) => (at * 31 + ((at * at) >> 7) + seed) & 0xff)),
)
const anyCuts = fc.array(fc.nat(20_000), { maxLength: 8 })
const anyStray = fc
  .tuple(
    fc.nat(80),
    fc.oneof(hex(16), fc.constant('e3b0c44298fc1c14')),
    fc.array(fc.nat(2), { minLength: 1, maxLength: 20 }),
  )
  .map(([offset, before, bytes]) => stored(offset, before, Uint8Array.from(bytes)))

describe('chain: golden bytes of format v1', () => {
  it('names the history before an offset by 16 hex digits of the SHA-256 of up to 4 KiB', () => {
    expect(beforeOf(chainStart)).toBe('e3b0c44298fc1c14')
    expect(beforeOf(advance(chainStart, Buffer.from('hello')))).toBe('2cf24dba5fb0a30e')
    const long = Buffer.alloc(10_000, 'abcdefg')
    expect(beforeOf(advance(chainStart, long))).toBe(sha256(long.subarray(10_000 - 4096)).slice(0, 16))
    expect(beforeOf(advance(chainStart, long))).toBe('ee8bb9fa1c3240fc')
  })
})

describe('chain', () => {
  it('of any cuts, in any order, among strays at other keys, is the content', () => {
    fc.assert(
      fc.property(
        anyContent,
        anyCuts,
        fc.array(anyStray, { maxLength: 10 }),
        fc.nat(),
        (content, cuts, strays, seed) => {
          const own = cutInto(content, cuts)
          const ends = new Set(own.map(({ offset, before }) => `${offset}-${before}`))
          let end = chainStart
          for (const segment of own) end = advance(end, segment.bytes)
          // One that continues the very end is no stray.
          ends.add(`${end.offset}-${beforeOf(end)}`)
          const others = strays.filter(({ offset, before }) => !ends.has(`${offset}-${before}`))
          const all = createAll([...own, ...others]).sort(
            (a, b) => ((a.offset * 7 + seed) % 11) - ((b.offset * 5 + seed) % 13),
          )
          expect(contentOf(all).equals(content)).toBe(true)
        },
      ),
    )
  })

  it('I8: no later object, honest or hostile, changes what was published: the content only grows', () => {
    const pair = fc.tuple(anyContent, anyCuts).map(([content, cuts]) => cutInto(content, cuts))
    fc.assert(
      fc.property(
        pair,
        fc.array(
          fc.oneof(
            pair,
            anyStray.map((stray) => [stray]),
          ),
          { maxLength: 8 },
        ),
        (first, later) => {
          let bucket = createAll(first)
          let published = contentOf(bucket)
          for (const segments of later) {
            bucket = createAll([...bucket, ...segments])
            const now = contentOf([...bucket].reverse())
            expect(now.subarray(0, published.length).equals(published)).toBe(true)
            published = now
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  it('I8: a stray that hostile hands aim at the end, with the right history, is an append and no more', () => {
    const content = Buffer.from('honest')
    const own = cutInto(content, [3])
    const end = advance(advance(chainStart, own[0]!.bytes), own[1]!.bytes)
    const forged = stored(end.offset, beforeOf(end), Buffer.from(' forged'))
    expect(contentOf([forged, ...own]).toString()).toBe('honest forged')
    const inTheMiddle = stored(3, beforeOf(end), Buffer.from('XXX'))
    expect(contentOf([inTheMiddle, ...own]).toString()).toBe('honest')
  })

  it('two histories that differ within the window are never mixed', () => {
    fc.assert(
      fc.property(anyContent, anyContent, anyCuts, anyCuts, (a, b, cutsA, cutsB) => {
        fc.pre(a.length <= windowBytes && b.length <= windowBytes)
        const content = contentOf(createAll([...cutInto(a, cutsA), ...cutInto(b, cutsB)]))
        const isPrefixOf = (whole: Uint8Array): boolean =>
          Buffer.from(whole).subarray(0, content.length).equals(content)
        expect(isPrefixOf(a) || isPrefixOf(b)).toBe(true)
      }),
    )
  })

  it('the window is the last 4 KiB, whatever the cuts', () => {
    fc.assert(
      fc.property(anyContent, anyCuts, (content, cuts) => {
        let end = chainStart
        for (const segment of cutInto(content, cuts)) end = advance(end, segment.bytes)
        expect(end.offset).toBe(content.length)
        expect(Buffer.from(end.window).equals(content.slice(-windowBytes))).toBe(true)
      }),
    )
  })

  it('the tail of a segment is enough to go on', () => {
    fc.assert(
      fc.property(anyContent, anyCuts, fc.nat(3 * windowBytes), (content, cuts, more) => {
        let whole = chainStart
        let byTail = chainStart
        for (const { bytes } of cutInto(content, cuts)) {
          whole = advance(whole, bytes)
          byTail = advanceByTail(byTail, bytes.length, bytes.slice(-(windowBytes + more)))
          expect(byTail).toEqual(whole)
        }
      }),
    )
  })

  it('a window outlives the pool that it was cut from', () => {
    for (const length of [10, windowBytes, windowBytes + 10]) {
      const pool = Buffer.alloc(length, 'a')
      const end = advance(chainStart, pool)
      const before = beforeOf(end)
      pool.fill('b')
      expect(beforeOf(end)).toBe(before)
      expect(chainStart.window.byteLength).toBe(0)
    }
  })

  it('I9: sizes that no agent would write are strays, and no size loops', () => {
    const sizes = [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, segmentBytesMax + 1, 2 ** 53]
    for (const length of sizes) {
      expect(isSegmentLength(length)).toBe(false)
      const map = new SegmentMap([{ offset: 0, before: 'e3b0c44298fc1c14', length }])
      expect(map.next(chainStart)).toBeUndefined()
      expect(map.beginningsAfter(-1)).toEqual([])
      expect(map.all).toHaveLength(1)
    }
    expect(isSegmentLength(1)).toBe(true)
    expect(isSegmentLength(segmentBytesMax)).toBe(true)
  })

  it('beginnings are where segments start beyond an offset, in order, once each', () => {
    const segments = [9, 4, 4, 0, 100].map((offset, at) => ({ offset, before: `${at}`.repeat(16), length: 1 }))
    const map = new SegmentMap(segments)
    expect(map.beginningsAfter(0)).toEqual([4, 9, 100])
    expect(map.beginningsAfter(4)).toEqual([9, 100])
    expect(map.beginningsAfter(100)).toEqual([])
  })
})
