import { describe, expect, it } from 'vitest'
import { listNames, listObjects } from '../../src/bucket/bucket.ts'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { retryingReads } from '../../src/bucket/retrying-reads.ts'
import { bucketSuite } from '../support/bucket-suite.ts'
import { faultBucket, type Rule } from '../support/fault-bucket.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

const clock = createVirtualClock()

async function storedBucket(rule: Rule) {
  const memory = createMemoryBucket(clock)
  for (const key of ['a/1/x', 'a/1/y', 'a/2/x', 'a/3/x', 'b'])
    await memory.put(key, Buffer.from(key), { mode: 'create' })
  const faulty = faultBucket(memory, clock, rule)
  return { faulty, bucket: retryingReads(faulty, clock) }
}

describe('retrying reads', () => {
  it('asks again for what was unavailable', async () => {
    const { bucket, faulty } = await storedBucket(({ attempt }) => (attempt < 3 ? { kind: 'unavailable' } : undefined))
    expect(Buffer.from((await clock.run(bucket.get('b')))!.body).toString()).toBe('b')
    expect(await clock.run(bucket.head('b'))).toMatchObject({ size: 1 })
    expect(faulty.operations.filter(({ op }) => op === 'get')).toHaveLength(4)
  })

  it('gives up after some seconds', async () => {
    const { bucket } = await storedBucket(() => ({ kind: 'unavailable' }))
    const began = clock.monotonic()
    await expect(clock.run(bucket.get('b'))).rejects.toMatchObject({ code: 'unavailable' })
    expect(clock.monotonic() - began).toBeLessThan(10_000)
  })

  it('a store that loses a third of its answers gives all of them', async () => {
    const random = seededRandom(1)
    const { bucket } = await storedBucket(() => (random.chance(1 / 3) ? { kind: 'lost' } : undefined))
    const reads = Array.from({ length: 5_000 }, () => bucket.head('b'))
    expect((await clock.run(Promise.all(reads), 600_000)).filter((read) => read?.size === 1)).toHaveLength(5_000)
  })

  it('one object that is never given costs some seconds, beside others that are', async () => {
    const { bucket } = await storedBucket(({ key }) => (key === 'b' ? { kind: 'unavailable' } : undefined))
    const over = new AbortController()
    const others = (async () => {
      while (!over.signal.aborted) await bucket.head('a/1/x').then(() => clock.sleep(1_000))
    })()
    const began = clock.monotonic()
    await expect(clock.run(bucket.head('b'))).rejects.toMatchObject({ code: 'unavailable' })
    expect(clock.monotonic() - began).toBeLessThan(40_000)
    over.abort()
    await clock.run(others)
  })

  it('a store that is down costs its readers some seconds once, not each of them', async () => {
    const { bucket, faulty } = await storedBucket(() => ({ kind: 'unavailable' }))
    const began = clock.monotonic()
    for (let reads = 0; reads < 50; reads++)
      await expect(clock.run(bucket.get('b'))).rejects.toMatchObject({ code: 'unavailable' })
    expect(clock.monotonic() - began).toBeLessThan(10_000)
    faulty.setRule(({ number }) => (number % 3 === 0 ? undefined : { kind: 'lost' }))
    for (let reads = 0; reads < 50; reads++) await clock.run(bucket.get('b').catch(() => undefined))
    expect(await clock.run(bucket.head('b'))).toMatchObject({ size: 1 })
  })

  it('does not ask again where the store says no', async () => {
    const { bucket, faulty } = await storedBucket(() => ({ kind: 'refused' }))
    await expect(bucket.get('b')).rejects.toMatchObject({ code: 'refused' })
    expect(faulty.operations).toHaveLength(1)
  })

  it('never writes twice', async () => {
    const { bucket, faulty } = await storedBucket(() => ({ kind: 'lost' }))
    await expect(bucket.put('c', Buffer.from('c'), { mode: 'create' })).rejects.toMatchObject({ code: 'unavailable' })
    expect(faulty.operations).toHaveLength(1)
  })

  it('I4: a listing that breaks off goes on where it was, each entry once', async () => {
    const { bucket } = await storedBucket(({ op, attempt }) =>
      op === 'list' && attempt % 3 !== 2 ? { kind: 'cut', entries: 1 } : undefined,
    )
    const keys = (await clock.run(listObjects(bucket, 'a/'))).map(({ key }) => key)
    expect(keys).toEqual(['a/1/x', 'a/1/y', 'a/2/x', 'a/3/x'])
    expect(await clock.run(listNames(bucket, 'a/'))).toEqual(['1', '2', '3'])
  })

  it('an abort ends the wait', async () => {
    const { bucket } = await storedBucket(() => ({ kind: 'unavailable' }))
    const stop = new AbortController()
    const got = bucket.get('b', { signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(clock.run(got)).rejects.toThrow()
  })
})

bucketSuite('retrying reads', async () => ({
  bucket: retryingReads(createMemoryBucket(clock), clock),
  close: async () => {},
}))
