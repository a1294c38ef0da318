import { forEachConcurrently } from '../../base/concurrency.ts'
import type { Bucket } from '../../bucket/bucket.ts'
import { meteredBucket, requestCount } from '../../bucket/metered.ts'
import { listHosts, listStreams } from '../../bucket/stream-inventory.ts'
import type { Pace } from '../../compactor/listing-plan.ts'
import { type CommandInput, isSet } from '../command.ts'
import { exits } from '../exit.ts'
import { countText, formatBytes, formatCount, formatDuration } from '../terminal/units.ts'
import { listEveryDefaultMs, type QueueSettings } from './compact-queue.ts'
import { type RestCost, restByEvents, restByPolling } from './rest-cost.ts'

const hostsAtOnce = 16

/** Lists all there is, as a compactor does, and says what that costs while nothing happens; nothing is written. */
export async function compactDryRun(
  { values, terminal, signal }: CommandInput,
  source: Bucket,
  pace: Pace,
  queue: QueueSettings | undefined,
): Promise<number> {
  const { bucket, meter } = meteredBucket(source)
  const found = { hosts: 0, streams: 0, sealed: 0, segments: 0, bytes: 0 }
  const hosts = await listHosts(bucket, { signal })
  await forEachConcurrently(hosts, hostsAtOnce, async (host) => {
    found.hosts++
    for await (const { segments, seals } of listStreams(bucket, host, { signal, aliases: false })) {
      found.streams++
      if (seals.length > 0) found.sealed++
      found.segments += segments.all.length
      for (const { length } of segments.all) found.bytes += length
    }
  })
  const listing = requestCount(meter.snapshot())
  const listEveryMs = queue?.listEveryMs ?? listEveryDefaultMs
  const polling = restByPolling(hosts.length, listing, pace)
  const events = restByEvents(listing, listEveryMs)
  if (isSet(values, 'json')) {
    await terminal.json({ kind: 'dry-run', ...found, listing, listEveryMs, polling, events })
    return exits.done
  }
  const { streams, sealed, segments, bytes } = found
  await terminal.line(
    `${countText(found.hosts, 'host')}, ${countText(streams, 'stream')} (${formatCount(sealed)} sealed), ${countText(segments, 'segment')}, ${formatBytes(bytes)}; all of it is listed by ${countText(listing, 'request')}`,
  )
  if (source.url.startsWith('file:')) return exits.done
  const every = `everything is listed every ${formatDuration(pace.fullIntervalMs)}, a quiet host is looked at every ${formatDuration(pace.intervalMaxMs)}`
  await terminal.line(`at rest, by polling: ${costText(polling)} (${every})`)
  await terminal.line(
    `at rest, by events:  ${costText(events)} (everything is listed every ${formatDuration(listEveryMs)})`,
  )
  await terminal.line(
    'a new segment costs a read more; by events a listing, too: $5.40 a million, and $0.80 for its messages',
  )
  return exits.done
}

function costText({ requestsPerHour, dollarsPerMonth }: RestCost): string {
  return `${countText(requestsPerHour, 'request')} an hour, $${dollarsPerMonth.toFixed(2)} a month`
}
