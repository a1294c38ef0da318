import { createLimiter, forEachConcurrently } from '../../base/concurrency.ts'
import { SegmentMemory } from '../../bucket/segment-memory.ts'
import { listHosts } from '../../bucket/stream-inventory.ts'
import { createOnce } from '../event.ts'
import { type Events, type FollowHost, followEvents } from '../events/follow-events.ts'
import { followHosts } from '../follow-hosts.ts'
import { reportProblem } from '../host-round.ts'
import type { Pace } from '../listing-plan.ts'
import { type ArchiveContext, type ArchiveRound, archiveHost, watchArchive } from './archive-host.ts'
import type { StreamWork } from './archive-stream.ts'

export type ArchiverOptions = Omit<ArchiveContext, 'once' | 'admit' | 'problemsMax'> &
  Partial<Pick<ArchiveContext, 'problemsMax'>>

/** What one pass over everything brought into the archive. */
export interface ArchiveSummary extends Omit<ArchiveRound, 'hasGrown' | 'unfinished'> {
  hosts: number
}

/** Hosts that are looked at at once: most have nothing new, and a look is little but latency. */
const hostsMax = 64
/** Streams that are packed in memory: two copies of 4 MiB each at most. */
const smallMax = 6
/** Long streams that are read, packed and sent: a part of 8 MiB each. */
const largeMax = 2
const largeBytesMin = 4 * 1024 * 1024
/** What is read of all of them, and ahead. */
const segmentBytesMax = 16 * 1024 * 1024

/** Archives all that is complete, once. Rejects only where the hosts cannot be listed. */
export async function archiveOnce(options: ArchiverOptions): Promise<ArchiveSummary> {
  const context = contextOf(options)
  const errors: unknown[] = []
  const summary = { hosts: 0, sent: 0, sentBytes: 0, there: 0, lies: 0, short: 0, errors }
  const hosts = await listHosts(options.bucket, { signal: options.signal })
  await forEachConcurrently(hosts, hostsMax, async (host) => {
    try {
      const round = await archiveHost(context, host, watchArchive())
      summary.hosts++
      for (const name of ['sent', 'sentBytes', 'there', 'lies', 'short'] as const) summary[name] += round[name]
      errors.push(...round.errors)
    } catch (error) {
      options.signal?.throwIfAborted()
      errors.push(error)
      reportProblem(context, `archive ${host}`, { host }, error)
    }
  })
  return summary
}

/** Archives what there is, and what becomes complete, until `signal` is aborted: then it resolves. What fails is tried again. */
export async function archiveFollowing(
  options: ArchiverOptions & { signal: AbortSignal; pace: Pace; events?: Events | undefined },
): Promise<void> {
  const context = contextOf(options)
  const looks = createLimiter(hostsMax)
  const { events, pace, signal } = options
  const following = { ...context, pace, signal }
  const follow: FollowHost = (host, bucket) => {
    const watch = watchArchive()
    return (hints) => looks(() => archiveHost({ ...context, bucket }, host, watch, hints))
  }
  await (events
    ? followEvents(following, events, { isShared: true }, follow)
    : followHosts(following, (host) => follow(host, options.bucket)))
}

function contextOf(options: ArchiverOptions): ArchiveContext {
  const [small, large] = [createLimiter(smallMax), createLimiter(largeMax)]
  const admit: StreamWork['admit'] = (bytes, work) => (bytes < largeBytesMin ? small : large)(work)
  return { problemsMax: 5, ...options, memory: new SegmentMemory(segmentBytesMax), admit, once: createOnce() }
}
