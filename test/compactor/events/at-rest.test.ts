import { expect, it } from 'vitest'
import { createMemoryQueue } from '../../../src/bucket/memory-queue.ts'
import { meteredBucket } from '../../../src/bucket/metered.ts'
import { compactFollowing } from '../../../src/compactor/compactor.ts'
import type { CompactorEvent } from '../../../src/compactor/event.ts'
import { noMessages } from '../../../src/compactor/events/follow-events.ts'
import { createVirtualClock } from '../../support/virtual-clock.ts'
import { bucketName } from './notification.ts'
import { syntheticHistory } from './synthetic-history.ts'

const hour = 3_600_000
const streams = 1200

/** Follows a history in which nothing happens; how many requests of the bucket, and long polls, an hour of it takes. */
async function atRest(
  by: 'events' | 'polling',
  hosts: number,
  quietMs: number,
): Promise<{ bucket: number; queue: number }> {
  const clock = createVirtualClock()
  const { bucket, sink } = syntheticHistory(hosts, streams)
  const metered = meteredBucket(bucket)
  const queue = createMemoryQueue(clock)
  const problems: CompactorEvent[] = []
  const stop = new AbortController()
  const events = { queue, place: { bucket: bucketName, prefix: '' }, listEveryMs: 24 * hour, counts: noMessages() }
  const ended = compactFollowing({
    bucket: metered.bucket,
    sink,
    clock,
    pace: { intervalMinMs: 5000, intervalMaxMs: 60_000, fullIntervalMs: hour },
    onEvent: (event) => void (event.kind === 'problem' && problems.push(event)),
    events: by === 'events' ? events : undefined,
    signal: stop.signal,
  })
  const count = (): number => metered.meter.snapshot().requests.list.ok
  const pass = async (ms: number): Promise<void> => {
    for (const endAt = clock.monotonic() + ms; clock.monotonic() < endAt; ) {
      await clock.advance(Math.min(60_000, endAt - clock.monotonic()))
      for (let before = -1; before !== count(); ) {
        before = count()
        for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
      }
    }
  }
  await pass(quietMs)
  const [before, receives] = [count(), queue.requests.receive]
  await pass(hour)
  const [after, received] = [count(), queue.requests.receive]
  stop.abort()
  await clock.run(ended)
  expect(problems).toEqual([])
  return { bucket: after - before, queue: received - receives }
}

/** For each host the pages of its segments, seals and gaps. */
const hostListing = 2 * Math.ceil(streams / 1000) + 1
const fullListing = (hosts: number): number => 2 + hosts * hostListing

it('I7: 28,800 streams of history, by events: long polls, and a part of the daily listing', async () => {
  const { bucket, queue } = await atRest('events', 24, hour)
  expect(queue).toBeLessThanOrEqual(181)
  // One of the hosts; two where the hour begins in between.
  expect(bucket).toBeGreaterThan(0)
  expect(bucket).toBeLessThanOrEqual(2 * hostListing)
}, 240_000)

it('I7: the same by polling: three requests a look, however long the history', async () => {
  const { bucket } = await atRest('polling', 2, 10 * 60_000)
  expect(bucket).toBeLessThanOrEqual(fullListing(2) + 60 * (2 + 2 * 3) + 10)
}, 240_000)
