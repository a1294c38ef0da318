import { describe, expect, it } from 'vitest'
import type { Bucket } from '../../src/bucket/bucket.ts'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { SegmentMemory } from '../../src/bucket/segment-memory.ts'
import { listSegments, readChain } from '../../src/bucket/stream-listing.ts'
import { patternBytes } from '../support/pattern-bytes.ts'
import { storedStream } from '../support/stored-stream.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

const MiB = 1024 * 1024

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending')
  await new Promise((resolve) => setImmediate(resolve))
  return (await Promise.race([promise.catch(() => {}), pending])) !== pending
}

describe('segment memory', () => {
  it('gives the same memory again for a like size, and none to two at once', async () => {
    const memory = new SegmentMemory(8 * MiB)
    const [one, two] = [await memory.take(MiB), await memory.take(MiB)]
    expect(one.buffer).not.toBe(two.buffer)
    memory.give(one)
    const three = await memory.take(MiB - 1000)
    expect(three.buffer).toBe(one.buffer)
    expect(three.byteLength).toBe(MiB - 1000)
  })

  it('I7: holds to its bound: who comes later waits, in the order of coming', async () => {
    const memory = new SegmentMemory(4 * MiB)
    const first = await memory.take(3 * MiB)
    const second = memory.take(2 * MiB)
    // It would fit, and whoever is large would wait for ever behind small ones.
    const third = memory.take(MiB)
    expect(memory.room).toBe(0)
    expect(await isSettled(Promise.race([second, third]))).toBe(false)
    memory.give(first)
    expect((await second).byteLength).toBe(2 * MiB)
    expect((await third).byteLength).toBe(MiB)
    expect(memory.room).toBe(MiB)
  })

  it('gives what is larger than all of it, alone, and keeps nothing of it', async () => {
    const memory = new SegmentMemory(MiB)
    const small = await memory.take(1000)
    const large = memory.take(64 * MiB)
    expect(await isSettled(large)).toBe(false)
    memory.give(small)
    const bytes = await large
    expect(bytes.byteLength).toBe(64 * MiB)
    const next = memory.take(1000)
    expect(await isSettled(next)).toBe(false)
    memory.give(bytes)
    await next
    expect((await memory.take(64 * 1024)).buffer).not.toBe(bytes.buffer)
  })

  it('who gives up waiting holds nobody up', async () => {
    const memory = new SegmentMemory(MiB)
    await memory.take(MiB / 2)
    const stop = new AbortController()
    const large = memory.take(MiB, stop.signal)
    const small = memory.take(MiB / 4)
    expect(await isSettled(small)).toBe(false)
    const reason = new Error('enough')
    stop.abort(reason)
    await expect(large).rejects.toBe(reason)
    expect((await small).byteLength).toBe(MiB / 4)
    await expect(memory.take(1, stop.signal)).rejects.toBe(reason)
  })

  it('I7: what is kept for later counts: other sizes take its place', async () => {
    const memory = new SegmentMemory(4 * MiB)
    const small: Uint8Array[] = []
    for (let at = 0; at < 4; at++) small.push(await memory.take(MiB))
    for (const bytes of small) memory.give(bytes)
    const large = await memory.take(3 * MiB)
    const again = await memory.take(MiB)
    expect(small.map(({ buffer }) => buffer)).toContain(again.buffer)
    memory.give(large)
    memory.give(again)
    const whole = await memory.take(4 * MiB)
    memory.give(whole)
    expect(small.map(({ buffer }) => buffer)).not.toContain((await memory.take(MiB)).buffer)
    expect((await memory.take(3 * MiB)).buffer).not.toBe(large.buffer)
  })
})

describe('a chain that is read into memory that is used again', () => {
  const sizes = [70_000, 5, 100_000, 3 * MiB, 64 * 1024, 90_000, 1, 2 * MiB, 70_001]

  /** As a store does that puts bodies where it is told to. */
  function puttingInto(bucket: Bucket): Bucket {
    return {
      ...bucket,
      async get(key, options) {
        const got = await bucket.get(key, options)
        const into = options?.into
        if (got === undefined || into?.byteLength !== got.body.byteLength) return got
        into.set(got.body)
        return { ...got, body: into }
      },
    }
  }

  async function stored(): Promise<{ bucket: Bucket; content: Buffer; stream: string }> {
    const bucket = createMemoryBucket(createVirtualClock())
    const one = storedStream(bucket, 'web-1', '0-1', '/log')
    const pieces = sizes.map((size, at) => patternBytes(size, at))
    for (const piece of pieces) await one.append(piece)
    return { bucket: puttingInto(bucket), content: Buffer.concat(pieces), stream: one.stream }
  }

  it.each([1, 200_000, 4 * MiB, 64 * MiB])('has each byte, with %i bytes of memory', async (bound) => {
    const { bucket, content, stream } = await stored()
    const memory = new SegmentMemory(bound)
    const read = async (): Promise<Buffer> => {
      const pieces: Buffer[] = []
      for await (const { bytes } of readChain(bucket, await listSegments(bucket, 'web-1', stream), { memory })) {
        await new Promise((resolve) => setImmediate(resolve))
        pieces.push(Buffer.from(bytes))
      }
      return Buffer.concat(pieces)
    }
    for (const read_ of await Promise.all([read(), read(), read(), read()]))
      expect(Buffer.compare(read_, content)).toBe(0)
    expect(memory.room).toBe(bound)
  })

  it('who leaves early, or fails, keeps none of it', async () => {
    const { bucket, stream } = await stored()
    const memory = new SegmentMemory(64 * MiB)
    for await (const { segment } of readChain(bucket, await listSegments(bucket, 'web-1', stream), { memory })) {
      if (segment.offset > 100_000) break
    }
    const segments = await listSegments(bucket, 'web-1', stream)
    const failing: Bucket = {
      ...bucket,
      get: async (key, options) => {
        if (key === segments.all[3]?.key) throw new Error('no answer')
        return bucket.get(key, options)
      },
    }
    const reading = (async () => {
      for await (const _ of readChain(failing, segments, { memory }));
    })()
    await expect(reading).rejects.toThrow('no answer')
    await new Promise((resolve) => setImmediate(resolve))
    expect(memory.room).toBe(64 * MiB)
  })
})
