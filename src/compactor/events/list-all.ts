import { forEachConcurrently } from '../../base/concurrency.ts'
import { type Backoff, backoffMs } from '../../base/retry.ts'
import { type Meter, meteredBucket } from '../../bucket/metered.ts'
import { listHosts } from '../../bucket/stream-inventory.ts'
import type { FollowContext } from '../follow-hosts.ts'
import { backoffFor, reportProblem } from '../host-round.ts'
import type { FollowHost } from './follow-events.ts'
import type { StreamHint } from './hint.ts'
import type { HostTurns } from './host-turns.ts'
import type { Retries } from './retries.ts'

/** At the start all that came meanwhile is to be found; latency is what a listing is made of. */
const hostsAtOnce = 16
/** No message speaks of a stream that failed in a listing: it is asked for again by itself, ever more rarely. */
const retryStream: Backoff = { baseMs: 5_000, capMs: 3_600_000 }
/** A host that cannot be listed: its messages are looked at meanwhile, and a store that is back is not met by all hosts at once. */
const retryHost: Backoff = { baseMs: 5_000, capMs: 900_000 }
/** Of one host; with more it is listed again itself, so that it takes no room from others' (I9). */
const streamsAgainMax = 100
const anything: StreamHint = {
  segmentsEnd: Number.POSITIVE_INFINITY,
  segments: [],
  isBegun: true,
  isSealed: true,
  hasGap: true,
}

/**
 * Lists all that every host has: at once, or spread over `everyMs`, so that nobody sees a wave of requests. Resolves when
 * it is done, or the signal aborted. What fails is told, and asked for again beside it: the next host may fail the same way.
 */
export async function listAll(
  context: FollowContext,
  everyMs: number,
  isAtOnce: boolean,
  turns: HostTurns,
  retries: Retries,
  follow: FollowHost,
): Promise<void> {
  const { clock, signal, onEvent } = context
  const { bucket, meter } = meteredBucket(context.bucket)
  const startMs = clock.monotonic()

  const streamAgain = (host: string, stream: string): void =>
    retries.add(`stream ${host} ${stream}`, retryStream, () =>
      turns.hint(host, stream, anything).then(
        () => undefined,
        () => retryStream,
      ),
    )
  /** By which backoff the host is to be listed again; undefined: it was listed. */
  const list = async (host: string, asked: FollowContext['bucket']): Promise<Backoff | undefined> => {
    try {
      const looked = await turns.run(host, () => follow(host, asked)())
      context.once.forget(`problem ${host}`)
      if (looked.unfinished.size > streamsAgainMax) return retryStream
      for (const stream of looked.unfinished) streamAgain(host, stream)
      return undefined
    } catch (error) {
      if (!retries.signal.aborted) reportProblem(context, host, { host }, error)
      return retryHost
    }
  }
  let listed = 0
  const one = async (host: string): Promise<void> => {
    if (signal.aborted || retries.has(`host ${host}`)) return
    const backoff = await list(host, bucket)
    if (backoff === undefined) listed++
    else retries.add(`host ${host}`, backoff, () => list(host, context.bucket))
  }

  const hosts = await hostsOf(context, bucket)
  if (isAtOnce) {
    await forEachConcurrently(hosts, hostsAtOnce, one)
    if (signal.aborted) return
    const requests = requestsOf(meter)
    onEvent({ kind: 'listed', hosts: listed, requests, tookMs: clock.monotonic() - startMs, everyMs })
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

/** Nothing can be listed without them: they are asked for until they are known. */
async function hostsOf(context: FollowContext, bucket: FollowContext['bucket']): Promise<string[]> {
  const { clock, signal } = context
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      return await listHosts(bucket, { signal })
    } catch (error) {
      if (signal.aborted) break
      reportProblem(context, 'hosts', {}, error)
      await clock.sleep(Math.max(1000, backoffMs(backoffFor(error), attempt, clock)), signal).catch(() => {})
    }
  }
  return []
}

function requestsOf(meter: Meter): number {
  const { list, get, head } = meter.snapshot().requests
  return [list, get, head].flatMap((one) => Object.values(one)).reduce((sum, count) => sum + count, 0)
}
