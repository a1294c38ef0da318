import type { SegmentMap } from '../format/chain.ts'
import type { Bucket } from './bucket.ts'
import type { ListedSegment } from './stream-listing.ts'
import { longestRun } from './stream-runs.ts'
import { surveyChain } from './stream-survey.ts'

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
 */
export async function deliveredRange(
  bucket: Bucket,
  segments: SegmentMap<ListedSegment>,
  times: Times,
  signal?: AbortSignal,
): Promise<{ start: number; end: number } | undefined> {
  if (!hasDelivered(segments, times)) return undefined
  const chain = await surveyChain(bucket, segments, { signal })
  const left = chain.length > 0 ? chain : leftOf(segments)
  const within = left.filter(({ storedAtMs }) => isWithin(storedAtMs, times))
  const [first, last] = [within[0], within.at(-1)]
  if (first === undefined || last === undefined) return undefined
  const isToTheEnd = last === left.at(-1) && times.toMs === Number.POSITIVE_INFINITY
  return { start: first.offset, end: isToTheEnd ? Number.POSITIVE_INFINITY : last.offset + last.length }
}

/** Where the beginning has expired: what is left, by its names. */
function leftOf(segments: SegmentMap<ListedSegment>): ListedSegment[] {
  const from = longestRun(segments)?.start.offset ?? Number.POSITIVE_INFINITY
  return segments.all.filter(({ offset }) => offset >= from).toSorted((a, b) => a.offset - b.offset)
}
