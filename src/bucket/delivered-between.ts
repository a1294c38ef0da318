import { beforeOf, type ChainEnd, type SegmentMap } from '../format/chain.ts'
import type { Bucket } from './bucket.ts'
import type { ContentRange } from './stream-content.ts'
import type { ListedSegment } from './stream-listing.ts'
import { longestRun } from './stream-runs.ts'
import { readWindow, surveyChain } from './stream-survey.ts'

/** The half-open time [fromMs, toMs), milliseconds since 1970, on the store's clock; infinities where it has no end. */
export interface Times {
  fromMs: number
  toMs: number
}

export function isWithin(ms: number, { fromMs, toMs }: Times): boolean {
  return ms >= fromMs && ms < toMs
}

/** Whether any segment was stored in that time. Strays count: this costs no request. */
export function hasDelivered(segments: SegmentMap<ListedSegment>, times: Times): boolean {
  return segments.all.some(({ storedAtMs }) => isWithin(storedAtMs, times))
}

/**
 * The bytes that were delivered in that time, from the beginning of the first segment that the store took then to the end
 * of the last one; undefined where there is none. What lies between them counts, whenever it came: a segment that was
 * filled in later is in the middle of others. Up to now is without an end, so that what is stored meanwhile is in it.
 *
 * The way to the first of them is told from the names (stream-survey.ts), and its own joint from the 4 KiB before it: the
 * last ten minutes of a long stream cost a few requests, not one for each of its segments.
 */
export async function deliveredRange(
  bucket: Bucket,
  segments: SegmentMap<ListedSegment>,
  times: Times,
  signal?: AbortSignal,
): Promise<ContentRange | undefined> {
  if (!hasDelivered(segments, times)) return undefined
  const chain = await surveyChain(bucket, segments, { signal })
  const left = chain.length > 0 ? chain : leftOf(segments)
  const at = left.findIndex(({ storedAtMs }) => isWithin(storedAtMs, times))
  const first = left[at]
  const last = left.findLast(({ storedAtMs }) => isWithin(storedAtMs, times))
  if (first === undefined || last === undefined) return undefined
  const isToTheEnd = last === left.at(-1) && times.toMs === Number.POSITIVE_INFINITY
  const end = isToTheEnd ? Number.POSITIVE_INFINITY : last.offset + last.length
  const from = chain.length > 0 && at > 0 ? await joint(bucket, chain.slice(0, at), first, signal) : undefined
  return { start: first.offset, end, from }
}

/** The chain's point before `first`; undefined where the names told wrong, and each joint has to be looked at. */
async function joint(
  bucket: Bucket,
  before: readonly ListedSegment[],
  first: ListedSegment,
  signal: AbortSignal | undefined,
): Promise<ChainEnd | undefined> {
  const end = { offset: first.offset, window: await readWindow(bucket, before, signal) }
  return beforeOf(end) === first.before ? end : undefined
}

/** Where the beginning has expired: what is left, by its names. */
function leftOf(segments: SegmentMap<ListedSegment>): ListedSegment[] {
  const from = longestRun(segments)?.start.offset ?? Number.POSITIVE_INFINITY
  return segments.all.filter(({ offset }) => offset >= from).toSorted((a, b) => a.offset - b.offset)
}
