import type { Clock } from '../base/clock.ts'
import { createLimiter, forEachConcurrently } from '../base/concurrency.ts'
import type { Bucket } from '../bucket/bucket.ts'
import { SegmentMemory } from '../bucket/segment-memory.ts'
import { listHosts } from '../bucket/stream-inventory.ts'
import type { Origin } from '../format/origin.ts'
import type { DirectorySink } from './directory-sink.ts'
import { createOnce, type OnEvent } from './event.ts'
import { type Events, type FollowHost, followEvents } from './events/follow-events.ts'
import { followHosts } from './follow-hosts.ts'
import { compactHost, type RoundContext, type RoundResult, reportProblem } from './host-round.ts'
import { type Pace, watchHost } from './listing-plan.ts'
import { Quota, type QuotaLimits } from './quota.ts'

export interface CompactorOptions {
  bucket: Bucket
  sink: DirectorySink
  clock: Clock
  pace: Pace
  onEvent: OnEvent
  /** How many problems of a host's streams are told one by one before the others are only counted. Default 5. */
  problemsMax?: number
  /** Which streams are published, by where they came from (compact-stream.ts). */
  accepts?: ((origin: Origin) => boolean) | undefined
  /** Sees the bytes as they are published, for a display. */
  onBytes?: ((bytes: number) => void) | undefined
  /** For each host. */
  quota?: QuotaLimits | undefined
  /** What tells of news, when following; `pace` is for when it does not. */
  events?: Events | undefined
  signal?: AbortSignal | undefined
}

/** What is published after one pass over everything. */
export interface Summary {
  hosts: number
  streams: number
  bytes: number
  /** Published by this pass. */
  grewBytes: number
  /** Complete, and compared with their seals. */
  sealed: number
  mismatches: number
  /** Shorter than a seal says. */
  short: number
  /** Not closed. */
  gaps: number
  strays: number
  /** What could not be done, of streams or whole hosts. */
  errors: readonly unknown[]
}

/** Streams that are worked on at once: enough that a store's latency does not count. */
const streamsMax = 8
const hostsMax = 4
/** Of all streams together: as much as is read, written and read ahead at once. */
const segmentBytesMax = 16 * 1024 * 1024

/** Publishes all there is, once. Rejects only where the hosts cannot be listed. */
export async function compactOnce(options: CompactorOptions): Promise<Summary> {
  const context = roundContext(options)
  const summary = { ...emptySummary, errors: [] as unknown[] }
  const onStray = (): void => void summary.strays++
  const hosts = await listHosts(options.bucket, { signal: options.signal, onStray })
  await forEachConcurrently(hosts, hostsMax, async (host) => {
    try {
      add(summary, await compactHost(asHost(context, host, options.bucket), host, watchHost(), options.pace))
    } catch (error) {
      options.signal?.throwIfAborted()
      summary.errors.push(error)
      reportProblem(context, host, { host }, error)
    }
  })
  return summary
}

/**
 * Publishes what there is, and goes on as more comes, until `signal` is aborted: then it resolves, with everything synced
 * that was written. What fails is told, and tried again; nothing but the abort ends it.
 */
export async function compactFollowing(options: CompactorOptions & { signal: AbortSignal }): Promise<void> {
  const context = roundContext(options)
  const { events, pace, signal } = options
  const following = { ...context, pace, signal }
  const follow: FollowHost = (host, bucket) => {
    const watch = watchHost()
    const own = asHost(context, host, bucket)
    return (hints) => compactHost(own, host, watch, pace, hints)
  }
  await (events
    ? followEvents(following, events, { isShared: false }, follow)
    : followHosts(following, (host) => follow(host, options.bucket)))
}

function roundContext(options: CompactorOptions): RoundContext {
  const { quota: limits, sink, clock } = options
  const quota = limits && new Quota(limits, sink.root, clock)
  return {
    problemsMax: 5,
    ...options,
    quota,
    memory: new SegmentMemory(segmentBytesMax),
    once: createOnce(),
    limiter: createLimiter(streamsMax),
  }
}

/** What is asked for a host counts as its. */
function asHost(context: RoundContext, host: string, bucket: Bucket): RoundContext {
  return { ...context, bucket: context.quota?.requestsOf(host, bucket) ?? bucket }
}

const emptySummary: Summary = {
  hosts: 0,
  streams: 0,
  bytes: 0,
  grewBytes: 0,
  sealed: 0,
  mismatches: 0,
  short: 0,
  gaps: 0,
  strays: 0,
  errors: [],
}

function add(summary: Summary & { errors: unknown[] }, round: RoundResult): void {
  summary.hosts++
  summary.strays += round.strays
  summary.errors.push(...round.errors)
  for (const { record, grewBytes, verdict, gaps, strays } of round.outcomes) {
    if (record !== undefined) summary.streams++
    summary.bytes += record?.length ?? 0
    summary.grewBytes += grewBytes
    if (verdict.kind === 'verified') summary.sealed++
    if (verdict.kind === 'mismatch') summary.mismatches++
    if (verdict.kind === 'short') summary.short++
    summary.gaps += gaps.length
    summary.strays += strays
  }
}
