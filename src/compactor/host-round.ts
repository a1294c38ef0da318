import type { Clock } from '../base/clock.ts'
import { forEachConcurrently, type Limiter } from '../base/concurrency.ts'
import { isCode, LogcaskError, messageOf } from '../base/errors.ts'
import { type Backoff, retryRefused, retryUnknown } from '../base/retry.ts'
import type { Bucket } from '../bucket/bucket.ts'
import type { SegmentMemory } from '../bucket/segment-memory.ts'
import { type ListedStream, listStreams } from '../bucket/stream-inventory.ts'
import { isOutdated } from '../bucket/stream-listing.ts'
import type { Origin } from '../format/origin.ts'
import { changedStreams } from './changed-streams.ts'
import { compactStream, type StreamOutcome } from './compact-stream.ts'
import type { DirectorySink } from './directory-sink.ts'
import type { Once, OnEvent } from './event.ts'
import { type HostHints, isOldNews, type Looked, listHinted, listSpokenOf } from './events/hint.ts'
import {
  forgetOld,
  type HostWatch,
  type Pace,
  planListing,
  requestsFor,
  watchAfter,
  watchAfterFailure,
} from './listing-plan.ts'
import { OverQuota, type Quota } from './quota.ts'

export interface RoundContext {
  bucket: Bucket
  memory: SegmentMemory
  sink: DirectorySink
  clock: Clock
  onEvent: OnEvent
  once: Once
  /** Streams that are worked on at once, over all hosts. */
  limiter: Limiter
  /** Told one by one in a look at a host: a full disk or a missing permission has as many problems as streams. */
  problemsMax: number
  /** Which streams are published, by where they came from (compact-stream.ts). */
  accepts?: ((origin: Origin) => boolean) | undefined
  quota?: Quota | undefined
  onBytes?: ((bytes: number) => void) | undefined
  signal?: AbortSignal | undefined
}

export interface RoundResult extends Looked {
  /** Of a full listing. */
  strays: number
  outcomes: readonly (StreamOutcome & { stream: string })[]
  /** Of streams; the others went on. */
  errors: readonly unknown[]
}

/** No later than this, something that no agent wrote is looked at again: it never gets better by itself. */
const retryCorrupt: Backoff = { baseMs: 600_000, capMs: 3_600_000 }

/** Of one stream in memory: some 6 MB, whatever a long history or a hostile host has put into its room. */
const segmentsMax = 20_000
/** Taken from the listing at once; each waits for its turn with the limiter. */
const streamsAtOnce = 8

/**
 * One look at a host: lists what is due, or what `hints` speak of, and brings each stream as far as it goes. The error of
 * a stream is told and counted, and stops no other one; only a listing that fails rejects.
 */
export async function compactHost(
  context: RoundContext,
  host: string,
  watch: HostWatch,
  pace: Pace,
  hints?: HostHints,
): Promise<RoundResult> {
  const { clock, signal } = context
  const startMs = clock.monotonic()
  const plan = planListing(watch, pace, startMs)
  const result = {
    hasGrown: false,
    unfinished: new Set<string>(),
    strays: 0,
    outcomes: [] as RoundResult['outcomes'][number][],
    errors: [] as unknown[],
  }
  let problems = 0
  let untold = 0
  const compact = async (listed: ListedStream): Promise<void> => {
    const known = watch.streams.get(listed.stream)
    if (known !== undefined && startMs < known.retryAtMs) return void result.unfinished.add(listed.stream)
    try {
      const outcome = await context.limiter(() =>
        compactStream({ ...context, host, gapReasons: watch.gapReasons, sealProblems: watch.sealProblems }, listed),
      )
      report(context, host, listed, outcome)
      const now = { length: outcome.record?.length ?? 0, isSettled: isSettled(outcome) }
      watch.streams.set(listed.stream, watchAfter(known, now, clock.monotonic()))
      if (outcome.grewBytes > 0 || outcome.isNew) result.hasGrown = true
      if (outcome.sealProblem !== undefined) result.errors.push(outcome.sealProblem)
      result.outcomes.push({ ...outcome, stream: listed.stream })
    } catch (error) {
      signal?.throwIfAborted()
      // Messages may speak of what is gone, or never was: the bucket is asked before anybody is told.
      if (hints !== undefined && isOutdated(error)) return void result.unfinished.add(listed.stream)
      result.errors.push(error)
      // What never gets better by itself is not to be asked for again and again.
      if (!isCode(error, 'corrupt') && !(error instanceof OverQuota)) result.unfinished.add(listed.stream)
      watch.streams.set(listed.stream, watchAfterFailure(known, backoffFor(error), clock, clock.monotonic()))
      const what = `${host} ${listed.stream}`
      if (problems++ < context.problemsMax) reportProblem(context, what, { host, stream: listed.stream }, error)
      else if (context.once.isNew(`problem ${what}`, messageOf(error))) untold++
    }
  }
  if (hints !== undefined) {
    await forEachConcurrently(hints, streamsAtOnce, async ([stream, hint]) => {
      let record = await context.sink.recall(host, stream)
      if (isOldNews(hint, record?.length ?? 0)) return
      const spokenOf = listSpokenOf(context.bucket, host, stream, hint, record)
      if (spokenOf !== undefined) {
        await compact(spokenOf)
        record = await context.sink.recall(host, stream)
        const retryAtMs = watch.streams.get(stream)?.retryAtMs ?? 0
        const hasFailed = result.unfinished.has(stream) || retryAtMs > clock.monotonic()
        if (hasFailed || isOldNews(hint, record?.length ?? 0)) return
        // One between them is spoken of later, or not at all: the bucket is asked, and not this message again.
      }
      const listed = await listHinted(context.bucket, host, stream, hint, record, signal)
      if (listed !== undefined) await compact(listed)
    })
  } else if (plan.kind === 'full') {
    let keys = 0
    const streams = listStreams(context.bucket, host, {
      signal,
      segmentsMax,
      aliases: false,
      onStray: () => result.strays++,
    })
    await forEachConcurrently(streams, streamsAtOnce, async (listed) => {
      keys += listed.cutAt ?? listed.segments.all.length
      await compact(listed)
    })
    forgetOld(watch)
    watch.fullAtMs = startMs
    watch.fullRequests = requestsFor(keys)
  } else {
    await forEachConcurrently(changedStreams(context.bucket, host, watch, startMs, signal), streamsAtOnce, compact)
  }
  if (untold > 0) {
    const error = new LogcaskError('unavailable', `${host}: ${untold} more streams have such problems`, {
      hint: 'the first ones are above; logcask compact --once --json lists all that remain',
    })
    context.onEvent({ kind: 'problem', host, error })
  }
  return result
}

function isSettled({ verdict, sealProblem }: StreamOutcome): boolean {
  if (sealProblem !== undefined) return false
  return verdict.kind === 'verified' || verdict.kind === 'mismatch'
}

function report(context: RoundContext, host: string, listed: ListedStream, outcome: StreamOutcome): void {
  const { onEvent, once } = context
  const { stream } = listed
  const { record, verdict } = outcome
  if (outcome.sealProblem === undefined) once.forget(`problem ${host} ${stream}`)
  else reportProblem(context, `${host} ${stream}`, { host, stream }, outcome.sealProblem)
  if (record !== undefined) {
    const facts = { host, stream, name: record.name, length: record.length }
    if (outcome.isNew) onEvent({ kind: 'published', ...facts })
    if (verdict.kind === 'verified' && (outcome.isNew || outcome.isHashed)) {
      onEvent({ kind: 'sealed', ...facts, sha256: verdict.sha256 })
    }
    if (verdict.kind === 'mismatch' && once.isNew(`mismatch ${host} ${stream} ${record.length}`)) {
      onEvent({ kind: 'mismatch', ...facts, sealed: verdict.sealed.join(', '), sha256: verdict.actual })
    }
    if (verdict.kind === 'short' && once.isNew(`short ${host} ${stream}`, `${verdict.sealed}`)) {
      onEvent({ kind: 'short', ...facts, missing: verdict.missing })
    }
  }
  for (const gap of outcome.gaps) {
    if (once.isNew(`gap ${host} ${stream} ${gap.offset}-${gap.end}`)) onEvent({ kind: 'gap', host, stream, ...gap })
  }
  for (const { key, versions } of listed.segments.all) {
    if (versions > 1 && once.isNew(`tampered ${host} ${stream}`)) {
      onEvent({ kind: 'tampered', host, stream, key, versions })
    }
  }
}

/** Says a problem once, and again when it is another one. */
export function reportProblem(
  context: Pick<RoundContext, 'once' | 'onEvent'>,
  what: string,
  where: { host?: string; stream?: string },
  error: unknown,
): void {
  if (context.once.isNew(`problem ${what}`, messageOf(error))) context.onEvent({ kind: 'problem', ...where, error })
}

export function backoffFor(error: unknown): Backoff {
  if (isCode(error, 'corrupt') || error instanceof OverQuota) return retryCorrupt
  return isCode(error, 'unavailable') ? retryUnknown : retryRefused
}
