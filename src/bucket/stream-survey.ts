import { beforeOf, chainStart, type SegmentMap } from '../format/chain.ts'
import { windowBytes } from '../format/limits.ts'
import type { Bucket } from './bucket.ts'
import { type ListedSegment, readSegment } from './stream-listing.ts'

/**
 * The chain of a stream for a table: told from the names as far as they tell it, at the cost of one small request for a
 * stream, not one for each of its segments. Where several segments begin at one offset, and at the last joint of all
 * (a stray lies mostly there), the bytes before it are read. A lone stray further up, with others that continue it,
 * would be counted: readers that print or publish bytes check every joint.
 *
 * `isVouched` may say that a length needs no look at its last joint, because a seal names it.
 */
export async function surveyChain(
  bucket: Bucket,
  segments: SegmentMap<ListedSegment>,
  options: { isVouched?: (length: number) => boolean; signal?: AbortSignal | undefined } = {},
): Promise<ListedSegment[]> {
  const { isVouched = () => false, signal } = options
  const chain: ListedSegment[] = []
  // The first one continues nothing: its name alone puts it on the chain.
  let checked = 1
  for (let next = segments.next(chainStart); next !== undefined; ) {
    chain.push(next)
    const end = next.offset + next.length
    const rivals = segments.startingAt(end)
    next = rivals[0]
    if (rivals.length < 2) continue
    next = segments.next({ offset: end, window: await readWindow(bucket, chain, signal) })
    if (next !== undefined) checked = chain.length + 1
  }
  for (let last = chain.at(-1); last !== undefined && chain.length > checked; last = chain.at(-1)) {
    if (isVouched(last.offset + last.length)) break
    const window = await readWindow(bucket, chain.slice(0, -1), signal)
    if (beforeOf({ offset: last.offset, window }) === last.before) break
    chain.pop()
  }
  return chain
}

/** The up to 4 KiB of stream before the end of `chain`. */
export async function readWindow(
  bucket: Bucket,
  chain: readonly ListedSegment[],
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let missing = windowBytes
  for (let at = chain.length - 1; at >= 0 && missing > 0; at--) {
    const segment = chain[at]
    if (segment === undefined) break
    const range = { start: Math.max(0, segment.length - missing), end: segment.length }
    parts.unshift(await readSegment(bucket, segment, { range, signal }))
    missing -= range.end - range.start
  }
  return Buffer.concat(parts)
}
