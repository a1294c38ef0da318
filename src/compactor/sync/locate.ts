import type { Bucket } from '../../bucket/bucket.ts'
import { findChainEnd, readSegment } from '../../bucket/stream-listing.ts'
import { advance, type ChainEnd } from '../../format/chain.ts'
import type { Content } from './sync-plan.ts'

/** A point within a stream's content. */
export interface Located {
  /** With what comes before it. */
  at: ChainEnd
  /** Where the segment begins that holds it, or `at` itself: to be walked on from. */
  from: ChainEnd
}

/**
 * The point at `offset`, by reading the end of each segment before it; where the content ends before, its end. Costs a
 * small request per segment.
 */
export async function locate(
  bucket: Bucket,
  content: Content,
  offset: number,
  signal: AbortSignal | undefined,
): Promise<Located> {
  const from = await findChainEnd(bucket, content.segments, { start: content.start, until: offset, signal })
  const holder = from.offset < offset ? content.segments.next(from) : undefined
  if (holder === undefined) return { at: from, from }
  const bytes = await readSegment(bucket, holder, { range: { start: 0, end: offset - from.offset }, signal })
  return { at: advance(from, bytes), from }
}
