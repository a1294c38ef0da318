import type { Bucket } from '../../bucket/bucket.ts'
import { sealsOf } from '../../bucket/stream-header.ts'
import { type ListedStream, listedStream, listGaps } from '../../bucket/stream-inventory.ts'
import { listSegments } from '../../bucket/stream-listing.ts'
import { beforeOf, chainStart, type SegmentRef } from '../../format/chain.ts'
import { segmentKey, streamPrefix } from '../../format/keys.ts'
import type { StreamRecord } from '../stream-record.ts'

/**
 * What messages said of one stream, merged: a reason to look, and never more. Whoever can write to the queue can write
 * this, so that nothing is done by it but a listing (I9).
 */
export interface StreamHint {
  /** Behind the furthest segment that is said to be there; 0: none is. */
  segmentsEnd: number
  /** Those whose length is said, too; not all, where many came at once. */
  segments: readonly SegmentRef[]
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

/** Beyond it one listing is less work. */
const segmentsMax = 64

export function mergeHints(one: StreamHint | undefined, other: StreamHint): StreamHint {
  if (one === undefined) return other
  return {
    segmentsEnd: Math.max(one.segmentsEnd, other.segmentsEnd),
    segments: [...one.segments, ...other.segments].slice(0, segmentsMax),
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
 * The stream from behind what is published on, as far as messages spoke of it: no request where they name the segment that
 * continues the chain (a listing costs as much as storing it; whether it is there is seen when it is read, and a key says
 * what it continues). Undefined where only the bucket can tell.
 */
export function listSpokenOf(
  { capabilities }: Bucket,
  host: string,
  stream: string,
  { isSealed, hasGap, segments }: StreamHint,
  record: Published | undefined,
): ListedStream | undefined {
  const length = record?.length ?? 0
  const before = record?.window.slice(0, 16) ?? beforeOf(chainStart)
  const isNext = (segment: SegmentRef): boolean => segment.offset === length && segment.before === before
  // Which of several versions counts, only a listing tells.
  if (isSealed || hasGap || capabilities.versions || !segments.some(isNext)) return undefined
  const spokenOf = segments.filter(({ offset }) => offset >= length)
  return listedStream(
    stream,
    spokenOf.map((one) => ({ ...one, key: segmentKey(host, stream, one.offset, one.before), ...asListed })),
    {},
  )
}

/**
 * The stream from behind what is published on, by one request, two for a seal, three for a gap. Undefined where nothing
 * is there (any more). Seals first: one is never seen before the segments that it seals.
 */
export async function listHinted(
  bucket: Bucket,
  host: string,
  stream: string,
  { isSealed, hasGap }: StreamHint,
  record: Published | undefined,
  signal: AbortSignal | undefined,
): Promise<ListedStream | undefined> {
  const seals = isSealed || hasGap ? await sealsOf(bucket, host, stream, signal) : []
  const gapRoom = { prefix: streamPrefix('gaps', host, stream), signal }
  const gaps = hasGap ? await listGaps(bucket, host, gapRoom) : new Map<string, never[]>()
  const { all } = await listSegments(bucket, host, stream, { from: record?.length ?? 0, signal })
  if (all.length === 0 && seals.length === 0) return undefined
  return listedStream(stream, [...all], { seals: new Map([[stream, seals]]), gaps })
}

type Published = Pick<StreamRecord, 'length' | 'window'>

/** Nobody asks when a segment was stored that is being published. */
const asListed = { storedAtMs: 0, versions: 1 }
