import type { Bucket } from '../../bucket/bucket.ts'
import { sealsOf } from '../../bucket/stream-header.ts'
import { type ListedStream, listedStream, listGaps } from '../../bucket/stream-inventory.ts'
import { listSegments } from '../../bucket/stream-listing.ts'
import { streamPrefix } from '../../format/keys.ts'

/**
 * What messages said of one stream, merged: a reason to look, and never more. Whoever can write to the queue can write
 * this, so that nothing is done by it but a listing (I9).
 */
export interface StreamHint {
  /** Behind the furthest segment that is said to be there; 0: none is. */
  segmentsEnd: number
  /** A segment at offset 0: it may be the seal as well. */
  isBegun: boolean
  isSealed: boolean
  hasGap: boolean
}

/** By stream, of one host. */
export type HostHints = ReadonlyMap<string, StreamHint>

/** What became of a look at a host. */
export interface Looked {
  /** Something came. */
  hasGrown: boolean
  /** Streams that could not be done, and are to be asked for again. */
  unfinished: ReadonlySet<string>
}

/** Looks at what messages spoke of; without hints as its own pace says. */
export type HostLook = (hints?: HostHints) => Promise<Looked>

export function mergeHints(one: StreamHint | undefined, other: StreamHint): StreamHint {
  if (one === undefined) return other
  return {
    segmentsEnd: Math.max(one.segmentsEnd, other.segmentsEnd),
    isBegun: one.isBegun || other.isBegun,
    isSealed: one.isSealed || other.isSealed,
    hasGap: one.hasGap || other.hasGap,
  }
}

/** A repetition: all that it speaks of is known to be there, up to `length`. */
export function isOldNews({ segmentsEnd, isSealed, hasGap }: StreamHint, length: number): boolean {
  return segmentsEnd <= length && !isSealed && !hasGap
}

/**
 * The stream from `length` on: one request for what grew, two for a seal, three for a gap. Undefined where nothing is
 * there (any more). Seals first: one is never seen before the segments that it seals.
 */
export async function listHinted(
  bucket: Bucket,
  host: string,
  stream: string,
  { isSealed, hasGap }: StreamHint,
  length: number,
  signal: AbortSignal | undefined,
): Promise<ListedStream | undefined> {
  const seals = isSealed || hasGap ? await sealsOf(bucket, host, stream, signal) : []
  const gapRoom = { prefix: streamPrefix('gaps', host, stream), signal }
  const gaps = hasGap ? await listGaps(bucket, host, gapRoom) : new Map<string, never[]>()
  const { all } = await listSegments(bucket, host, stream, { from: length, signal })
  if (all.length === 0 && seals.length === 0) return undefined
  return listedStream(stream, [...all], { seals: new Map([[stream, seals]]), gaps })
}
