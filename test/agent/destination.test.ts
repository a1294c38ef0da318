import { describe, expect, it } from 'vitest'
import { Destination } from '../../src/agent/destination.ts'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { listSegments, readSegment } from '../../src/bucket/stream-listing.ts'
import { faultBucket } from '../support/fault-bucket.ts'
import { storedStream } from '../support/stored-stream.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

const clock = createVirtualClock()
const stream = '20261119T101500123456789Z-1a2b'

async function setUp() {
  const store = createMemoryBucket(clock)
  await storedStream(store, 'web-1', stream, '/var/log/a.log').append('hello')
  const bucket = faultBucket(store, clock)
  const admit = (): Promise<void> => Promise.resolve()
  const budget = { capacity: 1, perSecond: 1 }
  const stop = new AbortController()
  const destination = new Destination({ name: 'a', bucket, budget, bytesInFlightMax: 1 << 20, admit }, clock)
  await destination.run(stop.signal)
  const [segment] = (await listSegments(store, 'web-1', stream)).all
  if (segment === undefined) throw new Error('nothing was stored')
  return { destination, bucket, segment, stop }
}

describe('a request to a destination', () => {
  it('is made again until it is answered', async () => {
    const { destination, bucket, segment, stop } = await setUp()
    bucket.setRule(({ number }) => (number < 5 ? { kind: 'unavailable' } : undefined))
    const read = destination.request((signal) => readSegment(bucket, segment, { signal }), stop.signal)
    expect(Buffer.from(await clock.run(read, 600_000)).toString()).toBe('hello')
  })

  it('I4: what was listed and is gone is not asked for again: whoever asked lists again (simulation)', async () => {
    const { destination, segment, stop } = await setUp()
    const emptied = createMemoryBucket(clock)
    const read = destination.request((signal) => readSegment(emptied, segment, { signal }), stop.signal)
    await expect(clock.run(read, 600_000)).rejects.toMatchObject({
      message: expect.stringMatching(/was listed with 5 bytes, is gone/),
    })
  })
})
