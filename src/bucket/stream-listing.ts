import { LogcaskError } from '../base/errors.ts'
import { type ChainEnd, chainStart, SegmentMap, type SegmentRef } from '../format/chain.ts'
import { fromOffset, parseKey, streamPrefix } from '../format/keys.ts'
import { windowBytes } from '../format/limits.ts'
import type { Metadata } from '../format/segment.ts'
import type { Bucket, GetResult, ObjectEntry } from './bucket.ts'
import type { SegmentMemory } from './segment-memory.ts'
import { type ReadAhead, walkChain } from './stream-walk.ts'

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
    if (key?.kind === 'segment') segments.push(listedSegment(entry, key))
  }
  return new SegmentMap(segments)
}

export function listedSegment(entry: ObjectEntry, key: { offset: number; before: string }): ListedSegment {
  const { size, storedAtMs, versions, version } = entry
  return { key: entry.key, offset: key.offset, before: key.before, length: size, storedAtMs, versions, version }
}

/** Whole segments: enough under way that a store's latency does not count, and a bound on memory whatever their size. */
export const readAheadWhole: ReadAhead = { count: 4, bytes: 32 * 1024 * 1024 }
/** Tails are small whatever the segments' sizes: as many requests as a store takes from one client without complaint. */
const readAheadTails: ReadAhead = { count: 16, bytes: Number.POSITIVE_INFINITY }

/**
 * The chain's end, found from `start` on by reading only the tail of each segment: what an agent needs to go on.
 * `visit` sees each segment on the way, with the end behind it. With `until`, the walk stops before the segment that
 * holds that offset.
 */
export async function findChainEnd(
  bucket: Bucket,
  segments: Pick<SegmentMap<ListedSegment>, 'next' | 'startingAt'>,
  options: {
    start?: ChainEnd
    until?: number | undefined
    signal?: AbortSignal | undefined
    visit?: (segment: ListedSegment, end: ChainEnd) => void
  } = {},
): Promise<ChainEnd> {
  const { start = chainStart, until = Number.POSITIVE_INFINITY, signal } = options
  const readTail = async (segment: ListedSegment, signal: AbortSignal): Promise<{ body: Uint8Array }> => {
    const range = { start: Math.max(0, segment.length - windowBytes), end: segment.length }
    return fetchSegment(bucket, segment, { range, signal })
  }
  let end = start
  const isBefore = (segment: ListedSegment | undefined): boolean =>
    segment !== undefined && segment.offset + segment.length <= until
  if (!isBefore(segments.next(end))) return end
  for await (const step of walkChain(segments, start, readTail, { ahead: readAheadTails, signal })) {
    end = step.end
    options.visit?.(step.segment, end)
    if (!isBefore(segments.next(end))) break
  }
  return end
}

/**
 * The chain's content from `start` on, segment by segment, each with the end behind it. With `memory`, `bytes` are the
 * caller's only until the next step.
 */
export async function* readChain(
  bucket: Bucket,
  segments: Pick<SegmentMap<ListedSegment>, 'next' | 'startingAt'>,
  options: {
    start?: ChainEnd
    ahead?: ReadAhead
    memory?: SegmentMemory | undefined
    signal?: AbortSignal | undefined
  } = {},
): AsyncGenerator<{ segment: ListedSegment; bytes: Uint8Array; metadata: Metadata; end: ChainEnd }> {
  const { start = chainStart, ahead = readAheadWhole, memory, signal } = options
  const giveBack = ({ into }: { into?: Uint8Array | undefined }): void => {
    if (into !== undefined) memory?.give(into)
  }
  const read = async (
    segment: ListedSegment,
    signal: AbortSignal,
  ): Promise<GetResult & { into?: Uint8Array | undefined }> => {
    const into = await memory?.take(segment.length, signal)
    try {
      return { ...(await fetchSegment(bucket, segment, { into, signal })), into }
    } catch (error) {
      giveBack({ into })
      throw error
    }
  }
  const room = memory && (() => memory.room)
  for await (const step of walkChain(segments, start, read, { ahead, room, discard: giveBack, signal })) {
    const { segment, reading, end } = step
    try {
      yield { segment, bytes: reading.body, metadata: reading.metadata, end }
    } finally {
      giveBack(reading)
    }
  }
}

/** A segment's bytes, or a range of them; rejects with `unavailable` where they are not all there as the listing said. */
export async function readSegment(
  bucket: Bucket,
  segment: ListedSegment,
  options: { range?: { start: number; end: number }; signal?: AbortSignal | undefined } = {},
): Promise<Uint8Array> {
  return (await fetchSegment(bucket, segment, options)).body
}

/** The cause of an error that no repetition of the read mends: what was listed is no longer there, or is another. */
const listedOnly = Symbol('listed, and not there')

/** Whoever asked has to list again: the same read would fail for ever. */
export function isOutdated(error: unknown): boolean {
  return error instanceof LogcaskError && error.cause === listedOnly
}

async function fetchSegment(
  bucket: Bucket,
  segment: ListedSegment,
  options: {
    range?: { start: number; end: number }
    into?: Uint8Array | undefined
    signal?: AbortSignal | undefined
  },
): Promise<GetResult> {
  const { range, into, signal } = options
  const got = await bucket.get(segment.key, { range, version: segment.version, into, signal })
  const wanted = range ? range.end - range.start : segment.length
  if (got === undefined || got.body.byteLength !== wanted) {
    throw new LogcaskError(
      'unavailable',
      `${segment.key}: was listed with ${segment.length} bytes, ${got === undefined ? 'is gone' : `gave ${got.body.byteLength} of ${wanted}`}`,
      {
        hint: 'it may have expired meanwhile: list again',
        cause: listedOnly,
      },
    )
  }
  return got
}
