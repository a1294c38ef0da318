import { createHash } from 'node:crypto'
import { messageWithHint } from '../base/errors.ts'
import { type ChainEnd, chainStart, SegmentMap } from '../format/chain.ts'
import { streamPrefix } from '../format/keys.ts'
import type { Bucket } from './bucket.ts'
import { type OpenGap, readOpenGaps } from './stream-gaps.ts'
import { readHeader, sealsOf } from './stream-header.ts'
import { listGaps } from './stream-inventory.ts'
import { findChainEnd, type ListedSegment, listSegments, readChain } from './stream-listing.ts'
import { longestRun, type Run } from './stream-runs.ts'
import { countSeals } from './stream-seals.ts'
import { completeness, type SealFacts } from './stream-state.ts'

/** What was read of a stream, and what is known about it. */
export interface ContentRead {
  /** Bytes [start, end) of the stream were given. */
  start: number
  end: number
  /** Where the chain was left; one who follows goes on from here. */
  chainEnd: ChainEnd
  /** The content up to its end is a seal's; `false`: no seal says this content, and one says its length. */
  verified: boolean | undefined
  /** What is missing of what was asked for. */
  losses: readonly Loss[]
}

/** Bytes [start, end) of a stream. */
export interface ContentRange {
  start: number
  end: number
  /** A point of the chain at or before `start` that is known already: nothing before it is read. */
  from?: ChainEnd | undefined
}

export type Loss =
  /** The bytes before this offset are gone. */
  | { kind: 'expired'; before: number }
  /** A seal promises more. */
  | { kind: 'short'; missing: number }
  /** A seal that promises more cannot be read: why, with the remedy. */
  | { kind: 'unread-seal'; problem: string }
  | ({ kind: 'gap' } & OpenGap)

/**
 * The bytes of the half-open `range`, segment by segment, and at the end what is known of them. Checks each joint of the
 * chain from its beginning on: of the segments before the range only the last 4 KiB are read. Bytes from 0 up to a sealed
 * length are compared with the seal. With `range.from`, joints are checked from there on.
 */
export async function* readContent(
  bucket: Bucket,
  host: string,
  stream: string,
  range: ContentRange,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, ContentRead> {
  // The records come first: what they speak of is in the bucket by then.
  const header = await readHeader(bucket, host, stream, { signal })
  const listed = await sealsOf(bucket, host, stream, signal)
  const gaps = (await listGaps(bucket, host, { prefix: streamPrefix('gaps', host, stream), signal })).get(stream) ?? []
  const { all } = await listSegments(bucket, host, stream, { signal })
  const run = contentRun(new SegmentMap(all.filter(({ offset }) => offset < range.end)))
  const start =
    range.from ?? (await findChainEnd(bucket, run.segments, { start: run.start, until: range.start, signal }))

  const hash = start.offset === 0 ? createHash('sha256') : undefined
  let chainEnd = start
  const first = Math.max(range.start, start.offset)
  let end = first
  for await (const piece of readChain(bucket, run.segments, { start, signal })) {
    const { offset } = piece.segment
    const bytes = piece.bytes.subarray(Math.max(0, range.start - offset), Math.max(0, range.end - offset))
    hash?.update(piece.bytes)
    chainEnd = piece.end
    end = Math.min(range.end, piece.end.offset)
    yield bytes
  }

  const counted = await countSeals(bucket, listed, chainEnd.offset, { signal })
  const seals: readonly SealFacts[] = header?.final ? [...counted.seals, header.final] : counted.seals
  const state = completeness(chainEnd.offset, seals)
  const isWhole = range.end >= chainEnd.offset
  const losses: Loss[] = []
  if (run.start.offset > range.start) losses.push({ kind: 'expired', before: run.start.offset })
  if (state.kind === 'short' && range.end > chainEnd.offset) losses.push({ kind: 'short', missing: state.missing })
  if (counted.problem && range.end > chainEnd.offset) {
    losses.push({ kind: 'unread-seal', problem: messageWithHint(counted.problem) })
  }
  for (const gap of await readOpenGaps(bucket, gaps, chainEnd.offset, seals, { signal })) {
    if (gap.offset < range.end) losses.push({ kind: 'gap', ...gap })
  }
  const isCompared = hash !== undefined && isWhole && state.kind === 'sealed'
  const verified = isCompared ? state.sha256.includes(hash.copy().digest('hex')) : undefined
  return { start: first, end, chainEnd, verified, losses }
}

/** The chain, or where its beginning is gone, the longest run of what is left. */
export function contentRun(segments: SegmentMap<ListedSegment>): Pick<Run<ListedSegment>, 'start' | 'segments'> {
  if (segments.next(chainStart) !== undefined) return { start: chainStart, segments }
  return longestRun(segments) ?? { start: chainStart, segments }
}
