/**
 * A compactor that follows a queue, and a history in which nothing happens: made-up listings, so that only what the
 * compactor does with them counts. Prints one line of JSON.
 *
 *     node --expose-gc bench/at-rest.ts HOSTS STREAMS_PER_HOST
 */
import { systemClock } from '../src/base/clock.ts'
import { createMemoryQueue } from '../src/bucket/memory-queue.ts'
import { compactFollowing } from '../src/compactor/compactor.ts'
import type { CompactorEvent } from '../src/compactor/event.ts'
import { noMessages } from '../src/compactor/events/follow-events.ts'
import { syntheticHistory } from '../test/compactor/events/synthetic-history.ts'

const [hosts = 1000, streams = 1000] = process.argv.slice(2).map(Number)
const { bucket, sink } = syntheticHistory(hosts, streams)
const stop = new AbortController()
const listEveryMs = 86_400_000
const residentBefore = process.memoryUsage.rss()
const onEvent = (event: CompactorEvent): void => {
  if (event.kind !== 'listed') return
  globalThis.gc?.()
  const { rss, heapUsed } = process.memoryUsage()
  const facts = { requests: event.requests, seconds: event.tookMs / 1000, cpuSeconds: process.cpuUsage().user / 1e6 }
  const memory = { rss, heapUsed, residentBefore, peakBytes: process.resourceUsage().maxRSS * 1024 }
  process.stdout.write(`${JSON.stringify({ ...facts, ...memory })}\n`)
  stop.abort()
}
await compactFollowing({
  bucket,
  sink,
  clock: systemClock,
  pace: { intervalMinMs: 5000, intervalMaxMs: 60_000, fullIntervalMs: 3_600_000 },
  onEvent,
  events: {
    queue: createMemoryQueue(systemClock),
    place: { bucket: 'bench', prefix: '' },
    listEveryMs,
    counts: noMessages(),
  },
  signal: stop.signal,
})
