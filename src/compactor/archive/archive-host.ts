import type { Clock } from '../../base/clock.ts'
import { forEachConcurrently } from '../../base/concurrency.ts'
import { isCode, messageOf } from '../../base/errors.ts'
import { type Backoff, backoffMs } from '../../base/retry.ts'
import type { Bucket } from '../../bucket/bucket.ts'
import { readHeader, sealsOf } from '../../bucket/stream-header.ts'
import {
  type ListedSeal,
  type ListedStream,
  listedStream,
  listSeals,
  listStreamNames,
  listStreams,
} from '../../bucket/stream-inventory.ts'
import { listSegments } from '../../bucket/stream-listing.ts'
import type { Once, OnEvent } from '../event.ts'
import type { HostHints, Looked } from '../events/hint.ts'
import { backoffFor, reportProblem } from '../host-round.ts'
import { type Archived, type ArchiveSink, note } from './archive-sink.ts'
import { archiveStream, type KnownContent, nothingKnown, type StreamWork } from './archive-stream.ts'
import { count, tamperedIn, tell, tellUntold } from './tell-archive.ts'

export interface ArchiveContext
  extends Pick<StreamWork, 'memory' | 'spoolDirectory' | 'admit' | 'accepts' | 'onBytes' | 'signal'> {
  bucket: Bucket
  sink: ArchiveSink
  clock: Clock
  onEvent: OnEvent
  once: Once
  /** Undefined: only what is sealed is archived. */
  quietAfterMs: number | undefined
  /** Told one by one in a look at a host: an archive that refuses has as many problems as there are streams. */
  problemsMax: number
}

/** What is known of a host between looks: a few hundred bytes for a stream. */
export interface ArchiveWatch {
  /** From one listing of the archive, and kept since. */
  archived: Map<string, Archived> | undefined
  /** Streams whose beginning is no seal: only a seal of its own can complete them. */
  open: Set<string>
  /** Streams that are not to be archived: an origin never changes. */
  refused: Set<string>
  /** Not before, after a failure, unless there are more seals than `seals` meanwhile. */
  retries: Map<string, { failures: number; atMs: number; seals: number }>
  /** Of streams whose seals or names are not true. */
  known: Map<string, KnownContent>
  quietAtMs: number | undefined
}

export interface ArchiveRound extends Looked {
  /** What was brought there now. */
  sent: number
  sentBytes: number
  /** What another compactor had brought there. */
  there: number
  lies: number
  short: number
  errors: readonly unknown[]
}

/** Taken up at once; `admit` bounds how many bytes are worked on. */
const streamsAtOnce = 16
/** Between two looks for what has become quiet: that needs a listing of all segments. */
const quietEveryMs = 86_400_000

/** A seal that says what is not there may never be kept: asked for ever more rarely. */
const retryShort: Backoff = { baseMs: 60_000, capMs: 3_600_000 }

export function watchArchive(): ArchiveWatch {
  return {
    ...{ archived: undefined, open: new Set(), refused: new Set() },
    ...{ retries: new Map(), known: new Map(), quietAtMs: undefined },
  }
}

/**
 * One look at a host: archives what has been sealed since, and once a day what has become quiet. The error of a stream is
 * told and counted, and stops no other one; only a listing that fails, or a store that is not fit, rejects.
 */
export async function archiveHost(
  context: ArchiveContext,
  host: string,
  watch: ArchiveWatch,
  hints?: HostHints,
): Promise<ArchiveRound> {
  const { bucket, sink, clock, signal, quietAfterMs } = context
  await sink.prove(signal)
  // What messages speak of is asked for by its name: that costs less than a listing of all that is archived.
  if (hints === undefined) watch.archived ??= await sink.list(host, { signal, onTampered: tamperedIn(context, host) })
  const { archived = new Map<string, Archived>() } = watch
  const round = {
    hasGrown: false,
    unfinished: new Set<string>(),
    sent: 0,
    sentBytes: 0,
    there: 0,
    lies: 0,
    short: 0,
    errors: [] as unknown[],
  }
  const quietBeforeMs = quietAfterMs === undefined ? Number.NEGATIVE_INFINITY : clock.now() - quietAfterMs
  const work = { ...context, host, quietBeforeMs }

  let [problems, untold] = [0, 0]
  const later = (stream: string, seals: number, backoff: Backoff): void => {
    const known = watch.retries.get(stream)
    // One more seal brings the stream at the next look, and no fresh start: a host may write one each minute.
    const failures = known?.failures ?? 0
    const atMs = clock.monotonic() + backoffMs(backoff, failures, clock)
    watch.retries.set(stream, { failures: failures + 1, atMs, seals })
  }
  const one = async (stream: string, seals: number, list: () => Promise<ListedStream | undefined>): Promise<void> => {
    const known = watch.retries.get(stream)
    if (watch.refused.has(stream)) return
    if (hints === undefined && known?.seals === seals && clock.monotonic() < known.atMs) return
    const what = `archive ${host} ${stream}`
    try {
      const listed = await list()
      if (listed === undefined) return
      const mayJudge = known === undefined || clock.monotonic() >= known.atMs
      const own = { ...work, known: watch.known.get(stream), mayJudge }
      const outcome = await archiveStream(own, listed, archived.get(stream))
      const { object, promised } = outcome
      if (outcome.plan === 'not-accepted') watch.refused.add(stream)
      if (object !== undefined) note(archived, stream, object)
      if (outcome.known !== nothingKnown) watch.known.set(stream, outcome.known)
      if (promised > (archived.get(stream)?.sealed ?? -1)) later(stream, seals, retryShort)
      else watch.retries.delete(stream)
      count(round, outcome)
      tell(context, host, stream, outcome)
    } catch (error) {
      signal?.throwIfAborted()
      later(stream, seals, backoffFor(error))
      round.errors.push(error)
      if (!isCode(error, 'corrupt')) round.unfinished.add(stream)
      if (problems++ < context.problemsMax) reportProblem(context, what, { host, stream }, error)
      else if (context.once.isNew(`problem ${what}`, messageOf(error))) untold++
    }
  }

  // Seals first: one is never seen before the segments that it seals.
  const seals = hints ? await spokenOf(context, host, watch, hints) : await listSeals(bucket, host, { signal })
  const names = hints ? [...seals.keys()] : await listStreamNames(bucket, host, { signal })
  const due = names.filter((stream) => {
    const length = seals.get(stream)?.at(-1)?.length
    return length === undefined ? !watch.open.has(stream) : length > (archived.get(stream)?.sealed ?? -1)
  })
  await forEachConcurrently(shuffled(due, clock), streamsAtOnce, (stream) =>
    one(stream, seals.get(stream)?.length ?? 0, async () => {
      const own = seals.get(stream) ?? []
      if (own.length === 0 && !(await isFinal(context, host, stream, watch, archived))) return undefined
      const { all } = await listSegments(bucket, host, stream, { signal })
      return listedStream(stream, [...all], { seals })
    }),
  )
  const nowMs = clock.monotonic()
  const isQuietDue =
    hints === undefined &&
    quietAfterMs !== undefined &&
    nowMs - (watch.quietAtMs ?? Number.NEGATIVE_INFINITY) >= quietEveryMs
  const streams = isQuietDue ? listStreams(bucket, host, { signal, aliases: false }) : []
  await forEachConcurrently<ListedStream>(streams, streamsAtOnce, async (listed) => {
    if (mayBeQuiet(listed, archived.get(listed.stream)))
      await one(listed.stream, listed.seals.length, async () => listed)
  })
  if (isQuietDue) watch.quietAtMs = nowMs
  if (untold > 0) tellUntold(context, host, untold)
  return { ...round, hasGrown: round.sent > 0 }
}

/** The seals of those streams that messages say may be complete now. */
async function spokenOf(
  { bucket, signal }: ArchiveContext,
  host: string,
  { retries }: ArchiveWatch,
  hints: HostHints,
): Promise<Map<string, ListedSeal[]>> {
  const seals = new Map<string, ListedSeal[]>()
  await forEachConcurrently(hints, streamsAtOnce, async ([stream, { isSealed, isBegun }]) => {
    if (isSealed || retries.has(stream)) seals.set(stream, await sealsOf(bucket, host, stream, signal))
    else if (isBegun) seals.set(stream, [])
  })
  return seals
}

/** A stream without a seal may be one itself: one small request, once. */
async function isFinal(
  { bucket, signal }: ArchiveContext,
  host: string,
  stream: string,
  watch: ArchiveWatch,
  archived: ReadonlyMap<string, Archived>,
): Promise<boolean> {
  const header = await readHeader(bucket, host, stream, { seals: [], signal })
  if (header?.final !== undefined && header.final.length > (archived.get(stream)?.sealed ?? -1)) return true
  watch.open.add(stream)
  return false
}

/** Told from the names alone: it has a beginning, and more bytes than are archived. */
function mayBeQuiet({ segments }: ListedStream, archived: Archived | undefined): boolean {
  const bytes = segments.all.reduce((sum, { length }) => sum + length, 0)
  return segments.startingAt(0).length > 0 && bytes > Math.max(archived?.sealed ?? -1, archived?.unsealed ?? -1)
}

/** Any number of compactors begin in different places, and meet rarely. */
function shuffled(streams: string[], clock: Pick<Clock, 'random'>): string[] {
  for (let at = streams.length - 1; at > 0; at--) {
    const other = Math.floor(clock.random() * (at + 1))
    const [a = '', b = ''] = [streams[at], streams[other]]
    streams[at] = b
    streams[other] = a
  }
  return streams
}
