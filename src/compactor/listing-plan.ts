import type { Clock } from '../base/clock.ts'
import { type Backoff, backoffMs } from '../base/retry.ts'
import type { GapReasons } from '../bucket/stream-gaps.ts'
import type { SealProblems } from '../bucket/stream-seals.ts'

/** When to list what, so that requests per hour are bounded whatever the bucket's history. Pure: times are arguments. */

export interface Pace {
  /** Between two looks at a host that delivers. */
  intervalMinMs: number
  /** Between two looks at a quiet one. */
  intervalMaxMs: number
  /** Between two listings of all that a host has: the truth, whatever the looks between missed. */
  fullIntervalMs: number
}

/** What is known of a stream between looks. */
export interface StreamWatch {
  /** Bytes that are published. */
  length: number
  /** Sealed at that length, and compared: only a longer seal, or a full listing, can bring more. */
  isSettled: boolean
  grewAtMs: number
  lookedAtMs: number
  failures: number
  /** Not before, after a failure. */
  retryAtMs: number
}

export interface HostWatch {
  streams: Map<string, StreamWatch>
  /** Undefined before the first one. */
  fullAtMs: number | undefined
  /** Requests that the last full listing of segments took. */
  fullRequests: number
  intervalMs: number
  /** Where the names begin that a look lists; undefined: all are listed. */
  newestFrom: string | undefined
  gapReasons: GapReasons
  sealProblems: SealProblems
}

export function watchHost(): HostWatch {
  const records = { gapReasons: new Map(), sealProblems: new Map() }
  return { streams: new Map(), fullAtMs: undefined, fullRequests: 0, intervalMs: 0, newestFrom: undefined, ...records }
}

export type ListingPlan = { kind: 'full' } | { kind: 'changed' }

const keysPerRequest = 1000

export function requestsFor(keys: number): number {
  return Math.max(1, Math.ceil(keys / keysPerRequest))
}

/**
 * Everything, or only names of streams and then the segments of those that are due: whichever takes fewer requests, and
 * everything again after `fullIntervalMs`.
 */
export function planListing(host: HostWatch, pace: Pace, nowMs: number): ListingPlan {
  if (host.fullAtMs === undefined || nowMs - host.fullAtMs >= pace.fullIntervalMs) return { kind: 'full' }
  const due = [...host.streams.values()].filter((watch) => isDue(watch, nowMs)).length
  return host.fullRequests <= requestsFor(host.streams.size) + due ? { kind: 'full' } : { kind: 'changed' }
}

/** Listed by every look with room for as many that come: one request for their names, and one for their seals. */
const newestMax = 500

/**
 * After a full listing: of a long history only what may still grow is remembered, and the newest streams. New ones sort
 * behind them, by their birth; one that is born earlier than it was first sent, or grows after its seal, is found by the
 * next full listing. Names without a birth time sort before all others, and in no order: where there are such, all names
 * are listed.
 */
export function forgetOld(host: HostWatch): void {
  host.newestFrom = undefined
  const names = [...host.streams.keys()].sort()
  const from = names.at(-newestMax)
  if (names.length <= 2 * newestMax || from === undefined || names[0]?.startsWith('0-')) return
  host.newestFrom = from
  for (const [stream, { isSettled }] of host.streams) if (isSettled && stream < from) host.streams.delete(stream)
}

/**
 * A stream that is quiet is looked at ever more rarely: after an eighth of the time that it has been quiet, so that a
 * line after an hour's silence is seen within minutes, and old unsealed streams cost next to nothing.
 */
export function isDue(watch: StreamWatch, nowMs: number): boolean {
  if (watch.isSettled || nowMs < watch.retryAtMs) return false
  return nowMs - watch.lookedAtMs >= (watch.lookedAtMs - watch.grewAtMs) / 8
}

/**
 * The wait before the next look at a host: short while it delivers, then doubling. One that has been quiet for a day is
 * looked at every five minutes, and after a week as rarely as everything is listed: hosts that are gone for good cost no
 * more than their full listings.
 */
export function nextInterval(intervalMs: number, hasGrown: boolean, pace: Pace, quietMs = 0): number {
  if (hasGrown) return pace.intervalMinMs
  const ofHistoryMs = quietMs < dayMs ? 0 : quietMs < 7 * dayMs ? 300_000 : pace.fullIntervalMs
  return Math.max(ofHistoryMs, Math.min(pace.intervalMaxMs, Math.max(pace.intervalMinMs, intervalMs * 2)))
}

const dayMs = 86_400_000

/** After success; `previous` is what was known before. */
export function watchAfter(
  previous: StreamWatch | undefined,
  now: { length: number; isSettled: boolean },
  nowMs: number,
): StreamWatch {
  const hasGrown = previous === undefined || previous.length !== now.length
  return { ...now, grewAtMs: hasGrown ? nowMs : previous.grewAtMs, lookedAtMs: nowMs, failures: 0, retryAtMs: nowMs }
}

/** After a failure: the same request again, later and later. */
export function watchAfterFailure(
  previous: StreamWatch | undefined,
  backoff: Backoff,
  clock: Pick<Clock, 'random'>,
  nowMs: number,
): StreamWatch {
  const watch = previous ?? {
    length: 0,
    isSettled: false,
    grewAtMs: nowMs,
    lookedAtMs: nowMs,
    failures: 0,
    retryAtMs: 0,
  }
  const waitMs = backoffMs(backoff, watch.failures, clock)
  return { ...watch, failures: watch.failures + 1, retryAtMs: nowMs + waitMs }
}
