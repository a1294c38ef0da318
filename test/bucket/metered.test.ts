import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { listObjects } from '../../src/bucket/bucket.ts'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { addUsage, meteredBucket, noUsage, requestCount, requestDollars } from '../../src/bucket/metered.ts'
import { bucketSuite } from '../support/bucket-suite.ts'
import { faultBucket } from '../support/fault-bucket.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

bucketSuite('metered memory', async () => ({
  bucket: meteredBucket(createMemoryBucket(systemClock)).bucket,
  close: async () => {},
}))

const none = noUsage().requests.put

describe('meter', () => {
  it('counts each request by what came back, and the bytes of bodies', async () => {
    const clock = createVirtualClock()
    const faults = faultBucket(createMemoryBucket(clock), clock)
    const { bucket, meter } = meteredBucket(faults)
    const put = () => bucket.put('files/a', new Uint8Array(10), { mode: 'create' })
    await put()
    await put()
    await bucket.get('files/a', { range: { start: 0, end: 4 } })
    await bucket.get('files/b')
    await bucket.head('files/a')
    await listObjects(bucket, 'files/')
    for (const kind of ['unavailable', 'refused'] as const) {
      faults.setRule(() => ({ kind }))
      await expect(put()).rejects.toMatchObject({ code: kind })
      await expect(listObjects(bucket, 'files/')).rejects.toMatchObject({ code: kind })
    }
    await expect(bucket.get('files/a', { signal: AbortSignal.abort('stop') })).rejects.toBe('stop')
    expect(meter.snapshot()).toEqual({
      requests: {
        put: { ...none, ok: 1, exists: 1, unavailable: 1, refused: 1 },
        get: { ...none, ok: 1, absent: 1, failed: 1 },
        head: { ...none, ok: 1 },
        list: { ...none, ok: 1, unavailable: 1, refused: 1 },
      },
      bytesUp: 40,
      bytesDown: 4,
    })
  })

  it.each([
    [0, 1],
    [1, 1],
    [1000, 1],
    [1001, 2],
    [2500, 3],
  ])('a listing of %i entries counts as %i requests', async (entries, requests) => {
    const store = createMemoryBucket(systemClock)
    for (let at = 0; at < entries; at++) await store.put(`files/${at}`, new Uint8Array(), { mode: 'create' })
    const { bucket, meter } = meteredBucket(store)
    expect(await listObjects(bucket, 'files/')).toHaveLength(entries)
    expect(requestCount(meter.snapshot(), 'list')).toBe(requests)
  })

  it('a listing that is left early counts the pages that were read', async () => {
    const store = createMemoryBucket(systemClock)
    for (let at = 0; at < 1500; at++) await store.put(`files/${at}`, new Uint8Array(), { mode: 'create' })
    const { bucket, meter } = meteredBucket(store)
    for await (const _ of bucket.list('files/')) break
    expect(requestCount(meter.snapshot(), 'list')).toBe(1)
  })

  it('a snapshot does not count on, and sums add up', async () => {
    const { bucket, meter } = meteredBucket(createMemoryBucket(systemClock))
    const before = meter.snapshot()
    await bucket.put('files/a', new Uint8Array(3), { mode: 'create' })
    expect(before).toEqual(noUsage())
    const twice = addUsage([meter.snapshot(), meter.snapshot()])
    expect(requestCount(twice)).toBe(2)
    expect(twice.bytesUp).toBe(6)
  })

  it('prices PUT and LIST at $5, GET and HEAD at $0.40 per million', () => {
    const usage = noUsage()
    usage.requests.put.ok = 300_000
    usage.requests.put.exists = 100_000
    usage.requests.list.ok = 600_000
    usage.requests.get.ok = 500_000
    usage.requests.head.absent = 500_000
    expect(requestDollars(usage)).toBeCloseTo(5.4, 10)
    expect(requestDollars(noUsage())).toBe(0)
  })
})
