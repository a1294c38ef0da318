import { LogcaskError } from '../base/errors.ts'
import { advance, advanceByTail, type ChainEnd, chainStart, SegmentMap, type SegmentRef } from '../format/chain.ts'
import { fromOffset, parseKey, streamPrefix } from '../format/keys.ts'
import { windowBytes } from '../format/limits.ts'
import type { Bucket, GetResult } from './bucket.ts'

/** A segment that a listing showed, with what is needed to read it. */
export interface ListedSegment extends SegmentRef {
  key: string
  storedAtMs: number
  versions: number
  version?: string | undefined
}

/**
 * The segments of a stream, as a complete listing shows them; with `from` only those at or beyond that offset.
 * Names that are no segments' are passed over: they are strays, and `verify` counts them.
 */
export async function listSegments(
  bucket: Bucket,
  host: string,
  stream: string,
  options: { from?: number; signal?: AbortSignal | undefined } = {},
): Promise<SegmentMap<ListedSegment>> {
  const prefix = streamPrefix('segments', host, stream)
  const segments: ListedSegment[] = []
  const startAfter = options.from ? fromOffset('segments', host, stream, options.from) : undefined
  for await (const entry of bucket.list(prefix, { startAfter, signal: options.signal })) {
    if (entry.kind !== 'object') continue
    const key = parseKey(entry.key)
    if (key?.kind !== 'segment') continue
    const { size, storedAtMs, versions, version } = entry
    segments.push({
      key: entry.key,
      offset: key.offset,
      before: key.before,
      length: size,
      storedAtMs,
      versions,
      version,
    })
  }
  return new SegmentMap(segments)
}

/**
 * The chain's end, found from `start` on by reading only the tail of each segment: what an agent needs to go on.
 * `visit` sees each segment on the way, with the end behind it.
 */
export async function findChainEnd(
  bucket: Bucket,
  segments: SegmentMap<ListedSegment>,
  options: {
    start?: ChainEnd
    signal?: AbortSignal | undefined
    visit?: (segment: ListedSegment, end: ChainEnd) => void
  } = {},
): Promise<ChainEnd> {
  let end = options.start ?? chainStart
  for (let segment = segments.next(end); segment !== undefined; segment = segments.next(end)) {
    const from = Math.max(0, segment.length - windowBytes)
    const tail = await readSegment(bucket, segment, {
      range: { start: from, end: segment.length },
      signal: options.signal,
    })
    end = advanceByTail(end, segment.length, tail)
    options.visit?.(segment, end)
  }
  return end
}

/** The chain's content from `start` on, segment by segment, each with the end behind it. */
export async function* readChain(
  bucket: Bucket,
  segments: SegmentMap<ListedSegment>,
  options: { start?: ChainEnd; signal?: AbortSignal | undefined } = {},
): AsyncGenerator<{ segment: ListedSegment; bytes: Uint8Array; end: ChainEnd }> {
  let end = options.start ?? chainStart
  for (let segment = segments.next(end); segment !== undefined; segment = segments.next(end)) {
    const bytes = await readSegment(bucket, segment, { signal: options.signal })
    end = advance(end, bytes)
    yield { segment, bytes, end }
  }
}

/** A segment's bytes, or a range of them; rejects with `unavailable` where they are not all there as the listing said. */
export async function readSegment(
  bucket: Bucket,
  segment: ListedSegment,
  options: { range?: { start: number; end: number }; signal?: AbortSignal | undefined } = {},
): Promise<Uint8Array> {
  const { range, signal } = options
  const got: GetResult | undefined = await bucket.get(segment.key, { range, version: segment.version, signal })
  const wanted = range ? range.end - range.start : segment.length
  if (got === undefined || got.body.byteLength !== wanted) {
    throw new LogcaskError(
      'unavailable',
      `${segment.key}: was listed with ${segment.length} bytes, ${got === undefined ? 'is gone' : `gave ${got.body.byteLength} of ${wanted}`}`,
      {
        hint: 'it may have expired meanwhile: list again',
      },
    )
  }
  return got.body
}
