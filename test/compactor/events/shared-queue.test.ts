import { expect, it } from 'vitest'
import { listObjects } from '../../../src/bucket/bucket.ts'
import { createMemoryBucket } from '../../../src/bucket/memory.ts'
import { createMemoryQueue } from '../../../src/bucket/memory-queue.ts'
import { defaultArchiveTemplate } from '../../../src/compactor/archive/archive-name.ts'
import { createArchiveSink } from '../../../src/compactor/archive/archive-sink.ts'
import { archiveFollowing } from '../../../src/compactor/archive/archiver.ts'
import type { CompactorEvent } from '../../../src/compactor/event.ts'
import { noMessages } from '../../../src/compactor/events/follow-events.ts'
import { faultBucket } from '../../support/fault-bucket.ts'
import { guardLeaks } from '../../support/leak-guard.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { storedStream } from '../../support/stored-stream.ts'
import { tempDirectory } from '../../support/temp-directory.ts'
import { createVirtualClock } from '../../support/virtual-clock.ts'
import { bucketName, notifyingBucket } from './notification.ts'

guardLeaks()

const hour = 3_600_000

async function shared() {
  const random = seededRandom(20261124)
  const clock = createVirtualClock()
  const memory = createMemoryBucket(clock)
  const archived = createMemoryBucket(clock, { name: 'archive' })
  const queue = createMemoryQueue(clock, { take: (count) => random.int(0, Math.max(0, count - 1)) })
  const writer = notifyingBucket(memory, (body) => queue.send(body))
  const spool = await tempDirectory('shared')
  /** One more compactor, each of whose requests takes a tenth of a second; its `events`, and how it is ended. */
  const start = () => {
    const stop = new AbortController()
    const events: CompactorEvent[] = []
    const own = (bucket: typeof memory) => faultBucket(bucket, clock, () => ({ kind: 'slow', ms: 100 }))
    const sink = createArchiveSink({ bucket: own(archived), clock, template: defaultArchiveTemplate, encoding: 'none' })
    const place = { bucket: bucketName, prefix: '' }
    const ended = archiveFollowing({
      bucket: own(memory),
      sink,
      clock,
      onEvent: (event) => void events.push(event),
      quietAfterMs: undefined,
      spoolDirectory: spool,
      pace: { intervalMinMs: 60_000, intervalMaxMs: hour, fullIntervalMs: 24 * hour },
      events: { queue, place, listEveryMs: 24 * hour, counts: noMessages() },
      signal: stop.signal,
    })
    return { events, stop, ended, count: () => events.filter(({ kind }) => kind === 'archived').length }
  }
  const keys = async (): Promise<string[]> => (await listObjects(archived, 'host=')).map(({ key }) => key)
  return { clock, queue, writer, start, keys, random }
}

it('the work divides: each of four compactors archives its share, and every stream is sent once', async () => {
  const { clock, queue, writer, start, keys } = await shared()
  const all = [start(), start(), start(), start()]
  await clock.advance(10_000)
  for (let at = 0; at < 200; at++) {
    const one = storedStream(writer, `web-${at % 3}`, `0-${(at + 1).toString(36)}`, '/a')
    await one.append(`${at}`)
    await one.seal()
  }
  await clock.advance(60_000)
  expect(queue.size).toBe(0)
  expect(await keys()).toHaveLength(200)
  const counts = all.map(({ count }) => count())
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(200)
  for (const count of counts) expect(count).toBeGreaterThanOrEqual(30)
  expect(all.flatMap(({ events }) => events.filter(({ kind }) => kind === 'problem'))).toEqual([])
  for (const { stop } of all) stop.abort()
  await clock.run(Promise.all(all.map(({ ended }) => ended)))
})

it('I1, I2: what one has in hand when it is stopped comes to another at once', async () => {
  const { clock, queue, writer, start, keys, random } = await shared()
  const ended: Promise<void>[] = []
  let now = start()
  await clock.advance(10_000)
  for (let at = 0; at < 100; at++) {
    const one = storedStream(writer, `web-${at % 3}`, `0-${(at + 1).toString(36)}`, '/a')
    await one.append(`${at}`)
    await one.seal()
    if (at % 10 !== 9) continue
    await clock.advance(random.int(0, 900))
    now.stop.abort()
    ended.push(now.ended)
    now = start()
  }
  // Sooner than what a killed one had in hand, which stays hidden for a minute.
  await clock.advance(30_000)
  expect(await keys()).toHaveLength(100)
  expect(queue.size).toBe(0)
  now.stop.abort()
  await clock.run(Promise.all([...ended, now.ended]))
})

it('against a store that waits rather than computes, two are at least 1.8 times as fast as one, four 3.2 times', async () => {
  const took: number[] = []
  for (const count of [1, 2, 4]) {
    const { clock, writer, start, keys } = await shared()
    const all = Array.from({ length: count }, () => start())
    await clock.advance(10_000)
    for (let at = 0; at < 500; at++) {
      const one = storedStream(writer, `web-${at % 20}`, `0-${(at + 1).toString(36)}`, '/a')
      await one.append(`${at}`)
      await one.seal()
    }
    const beganMs = clock.monotonic()
    while ((await keys()).length < 500) await clock.advance(50)
    took.push(clock.monotonic() - beganMs)
    for (const { stop } of all) stop.abort()
    await clock.run(Promise.all(all.map(({ ended }) => ended)))
  }
  const [one = 0, two = 0, four = 0] = took
  expect(one / two, `${took.join(', ')} ms`).toBeGreaterThanOrEqual(1.8)
  expect(one / four, `${took.join(', ')} ms`).toBeGreaterThanOrEqual(3.2)
}, 240_000)
