import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { Bucket } from '../../src/bucket/bucket.ts'
import { deliveredRange } from '../../src/bucket/delivered-between.ts'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { readContent } from '../../src/bucket/stream-content.ts'
import { listSegments } from '../../src/bucket/stream-listing.ts'
import { storedStream } from '../support/stored-stream.ts'

const stream = '20261120T101500123456789Z-1a2b'
const minuteMs = 60_000

/** A stream of which a segment was stored each minute: `segment at` of 5,000 bytes, so that a window is within one. */
async function setUp(count: number) {
  let nowMs = 0
  const memory = createMemoryBucket({ ...systemClock, now: () => nowMs })
  const stored = storedStream(memory, 'h', stream, '/a')
  for (let at = 0; at < count; at++) {
    nowMs = at * minuteMs
    await stored.append(Buffer.alloc(5_000, String.fromCharCode(97 + (at % 26))))
  }
  let reads = 0
  const bucket: Bucket = {
    ...memory,
    list: (prefix, options) => memory.list(prefix, options),
    get: (key, options) => {
      reads++
      return memory.get(key, options)
    },
  }
  const between = async (fromMs: number, toMs: number) =>
    deliveredRange(bucket, await listSegments(bucket, 'h', stream), { fromMs, toMs })
  const read = async (range: { start: number; end: number }) => {
    const parts: Uint8Array[] = []
    for await (const part of readContent(bucket, 'h', stream, range, new AbortController().signal)) parts.push(part)
    return Buffer.concat(parts)
  }
  return { stored, between, read, reads: () => reads }
}

describe('what was delivered in a time', () => {
  it.each([
    [0, 1, 0, 1],
    [2, 4, 2, 4],
    [4.5, Number.POSITIVE_INFINITY, 5, undefined],
    [Number.NEGATIVE_INFINITY, 3, 0, 3],
    [9, 10, 9, 10],
  ])('minutes %s to %s are segments %s to %s', async (from, to, first, last) => {
    const { between, read, stored } = await setUp(10)
    const range = await between(from * minuteMs, to * minuteMs)
    expect(range?.start).toBe(first * 5_000)
    expect(range?.end).toBe(last === undefined ? Number.POSITIVE_INFINITY : last * 5_000)
    expect((await read(range!)).equals(stored.content.subarray(first * 5_000, (last ?? 10) * 5_000))).toBe(true)
  })

  it('is nothing where nothing came', async () => {
    const { between } = await setUp(3)
    expect(await between(10 * minuteMs, 20 * minuteMs)).toBeUndefined()
  })

  it('the end of a long stream costs a few reads, not one for each segment before it', async () => {
    const { between, read, reads, stored } = await setUp(300)
    const range = await between(298 * minuteMs, Number.POSITIVE_INFINITY)
    expect((await read(range!)).equals(stored.content.subarray(298 * 5_000))).toBe(true)
    expect(reads()).toBeLessThan(12)
  })

  it('a stray that names seem to continue is no way to the bytes behind it', async () => {
    const { between, read, stored } = await setUp(3)
    // It begins where the chain ends, and the next one begins where it ends: only their bytes tell.
    await stored.stray(15_000, '0123456789abcdef', Buffer.alloc(5_000, 'X'))
    await stored.stray(20_000, 'fedcba9876543210', Buffer.alloc(100, 'Y'))
    const range = await between(2 * minuteMs, Number.POSITIVE_INFINITY)
    expect((await read(range!)).equals(stored.content.subarray(10_000))).toBe(true)
  })
})
