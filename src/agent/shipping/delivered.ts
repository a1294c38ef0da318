import { createHash } from 'node:crypto'
import { sha256 } from '../../base/hash.ts'
import type { Bucket } from '../../bucket/bucket.ts'
import { findChainEnd, type ListedSegment, listSegments, readChain, readSegment } from '../../bucket/stream-listing.ts'
import { type ChainEnd, chainStart, type SegmentMap } from '../../format/chain.ts'
import { windowBytes } from '../../format/limits.ts'
import { type Footprint, footprintOf } from '../identity/evidence.ts'

/** What a destination has of a stream: its chain, as the agent reads it back. */
export interface Delivered {
  stream: string
  footprint: Footprint
  /** The up to 4 KiB before the chain's end. */
  window: Uint8Array
  /** The chain's segments, in order, from where the walk began. */
  chain: readonly ListedSegment[]
  /** Everything that was listed, for refills that must meet what lies beyond the end. */
  segments: SegmentMap<ListedSegment>
}

/** Walks the whole chain by names and tails. Rejects where any answer is incomplete. */
export async function findDelivered(
  bucket: Bucket,
  host: string,
  stream: string,
  signal: AbortSignal,
): Promise<Delivered> {
  const segments = await listSegments(bucket, host, stream, { signal })
  const chain: ListedSegment[] = []
  const end = await findChainEnd(bucket, segments, { signal, visit: (segment) => chain.push(segment) })
  const head = await readDelivered(bucket, chain, 0, Math.min(windowBytes, end.offset), signal)
  return { stream, footprint: footprintOf(end.offset, head, end.window), window: end.window, chain, segments }
}

/** What lies beyond `acked`, whose bytes and window are known: one listing from there on. */
export async function findBeyond(
  bucket: Bucket,
  host: string,
  stream: string,
  acked: ChainEnd,
  signal: AbortSignal,
): Promise<{ end: ChainEnd; chain: readonly ListedSegment[]; segments: SegmentMap<ListedSegment> }> {
  const segments = await listSegments(bucket, host, stream, { from: acked.offset, signal })
  const chain: ListedSegment[] = []
  const end = await findChainEnd(bucket, segments, { start: acked, signal, visit: (segment) => chain.push(segment) })
  return { end, chain, segments }
}

/** The half-open range of a chain's content. `chain` begins at offset 0 or at a segment before `start`. */
export async function readDelivered(
  bucket: Bucket,
  chain: readonly ListedSegment[],
  start: number,
  end: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const out = new Uint8Array(Math.max(0, end - start))
  for (const segment of chain) {
    const from = Math.max(start, segment.offset)
    const to = Math.min(end, segment.offset + segment.length)
    if (from >= to) continue
    out.set(
      await readSegment(bucket, segment, { range: { start: from - segment.offset, end: to - segment.offset }, signal }),
      from - start,
    )
  }
  return out
}

/** SHA-256 of a stream's content up to the chain's end, read back whole, and the rollup of its segments. */
export async function hashDelivered(
  bucket: Bucket,
  segments: SegmentMap<ListedSegment>,
  signal: AbortSignal,
): Promise<{ length: number; sha256: string; rollup: string }> {
  const content = createHash('sha256')
  let rollup = ''
  let length = 0
  for await (const { bytes, end } of readChain(bucket, segments, { start: chainStart, signal })) {
    content.update(bytes)
    rollup = extendRollup(rollup, sha256(bytes))
    length = end.offset
  }
  return { length, sha256: content.digest('hex'), rollup }
}

/** One hash that vouches for a chain's segments: SHA-256 over the one so far and the next segment's own (hex, '' at the start). */
export function extendRollup(rollup: string, segmentSha256: string): string {
  return sha256(Buffer.from(rollup + segmentSha256, 'hex'))
}
