import { forEachConcurrently } from '../../base/concurrency.ts'
import { type Backoff, backoffMs } from '../../base/retry.ts'
import { type Meter, meteredBucket } from '../../bucket/metered.ts'
import { listHosts } from '../../bucket/stream-inventory.ts'
import type { FollowContext } from '../follow-hosts.ts'
import { backoffFor, reportProblem } from '../host-round.ts'
import type { FollowHost } from './follow-events.ts'
import type { StreamHint } from './hint.ts'
import type { HostTurns } from './host-turns.ts'

/** At the start all that came meanwhile is to be found; latency is what a listing is made of. */
const hostsAtOnce = 16
/** No message speaks of a stream that failed in a listing: it is asked for again by itself, ever more rarely. */
const retryStream: Backoff = { baseMs: 5_000, capMs: 3_600_000 }
/** Beyond it, as when a disk is full, the next listing finds them. */
const retriesMax = 10_000
const anything: StreamHint = {
  segmentsEnd: Number.POSITIVE_INFINITY,
  segments: [],
  isBegun: true,
  isSealed: true,
  hasGap: true,
}

/**
 * Lists all that every host has: at once, or spread over `everyMs`, so that nobody sees a wave of requests. Resolves when
 * it is done, or the signal aborted. What fails is told, and asked for again: the next host may fail the same way.
 */
export async function listAll(
  context: FollowContext,
  everyMs: number,
  isAtOnce: boolean,
  turns: HostTurns,
  follow: FollowHost,
): Promise<void> {
  const { clock, signal, onEvent } = context
  const { bucket, meter } = meteredBucket(context.bucket)
  const startMs = clock.monotonic()
  const unfinished = new Set<string>()

  const insist = async <T>(what: string, host: string | undefined, work: () => Promise<T>): Promise<T | undefined> => {
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        return await work()
      } catch (error) {
        if (signal.aborted) return undefined
        reportProblem(context, what, host === undefined ? {} : { host }, error)
        await clock.sleep(Math.max(1000, backoffMs(backoffFor(error), attempt, clock)), signal).catch(() => {})
      }
    }
    return undefined
  }

  const again = async (host: string, stream: string): Promise<void> => {
    const name = `${host} ${stream}`
    if (unfinished.size >= retriesMax || unfinished.has(name)) return
    unfinished.add(name)
    for (let attempt = 0; unfinished.has(name) && !signal.aborted; attempt++) {
      const waitMs = Math.max(1000, backoffMs(retryStream, attempt, clock))
      await clock.sleep(waitMs, signal).catch(() => {})
      if (!signal.aborted)
        await turns.hint(host, stream, anything).then(
          () => unfinished.delete(name),
          () => {},
        )
    }
  }

  const hosts = (await insist('hosts', undefined, () => listHosts(bucket, { signal }))) ?? []
  const one = async (host: string): Promise<void> => {
    const looked = await insist(host, host, () => turns.run(host, () => follow(host, bucket)()))
    context.once.forget(`problem ${host}`)
    for (const stream of looked?.unfinished ?? []) void again(host, stream)
  }
  if (isAtOnce) {
    await forEachConcurrently(hosts, hostsAtOnce, one)
    if (signal.aborted) return
    const requests = requestsOf(meter)
    onEvent({ kind: 'listed', hosts: hosts.length, requests, tookMs: clock.monotonic() - startMs, everyMs })
    return
  }
  for (const host of hosts) {
    await clock.sleep(everyMs / (hosts.length + 1), signal).catch(() => {})
    if (signal.aborted) return
    await one(host)
  }
  await clock.sleep(Math.max(0, startMs + everyMs - clock.monotonic()), signal).catch(() => {})
  turns.forget()
}

function requestsOf(meter: Meter): number {
  const { list, get, head } = meter.snapshot().requests
  return [list, get, head].flatMap((one) => Object.values(one)).reduce((sum, count) => sum + count, 0)
}
