import { LogcaskError } from '../../base/errors.ts'
import { headerOf } from '../../bucket/stream-header.ts'
import { findChainEnd, type ListedSegment, listSegments, readChain } from '../../bucket/stream-listing.ts'
import type { ReadAhead } from '../../bucket/stream-walk.ts'
import { advance, beforeOf, type ChainEnd, type SegmentMap } from '../../format/chain.ts'
import { segmentKey } from '../../format/keys.ts'
import type { Metadata } from '../../format/segment.ts'
import { createInTarget, type SyncContext } from './create-in-target.ts'
import { locate } from './locate.ts'
import type { StreamPair } from './pair-streams.ts'
import { type Content, cutToMeet, doAgree, fuller, isWindowKnown, sourceContent, targetContent } from './sync-plan.ts'

/**
 * - `joined`   the target has all that the source has, and where both have bytes they agree;
 * - `expired`  the target had it, and lets it go: nothing was brought;
 * - `apart`    bytes are missing between where the target ends and what the source has: nothing can be joined;
 * - `diverged` the two are different histories: left alone.
 */
export type JoinKind = 'joined' | 'expired' | 'apart' | 'diverged'

export interface Joined {
  kind: JoinKind
  /** Where the target's content ends now (with a dry run: would end). */
  length: number
  /** Where the source's does, as far as it was walked. */
  sourceLength: number
  segments: number
  bytes: number
}

/** Several streams are read at once, each with its own: together they stay bounded. */
const readAhead: ReadAhead = { count: 2, bytes: 8 * 1024 * 1024 }

/**
 * Brings the target's content of one stream as far as the source's goes. Each segment is created where the target's chain
 * ends, and by its key: whoever writes there at the same time, it is on the chain or `exists`, and never a stray.
 */
export async function copySegments(context: SyncContext, host: string, pair: StreamPair): Promise<Joined> {
  const { target, clock, retentionMs, signal } = context
  const { stream } = pair
  const expiredAtMs = retentionMs === undefined ? undefined : clock.now() - retentionMs
  const found = targetContent(pair.source, pair.target, expiredAtMs)
  const theirs = sourceContent(pair.source)
  const sum = { segments: 0, bytes: 0 }
  if (found === undefined) return { kind: 'expired', length: 0, sourceLength: 0, ...sum }
  let content: Content = found
  let listed = pair.target
  let end = await findChainEnd(target, content.segments, { start: content.start, signal })
  for (;;) {
    const point = await findJoint(context, pair.source, content, end)
    if (point.kind !== 'joint') return { ...point, length: end.offset, ...sum }
    end = fuller(end, point.at)
    if (!isWindowKnown(end)) return { kind: 'apart', length: end.offset, sourceLength: point.at.offset, ...sum }
    if (context.isDryRun) {
      const ahead = countAhead(theirs, point.from)
      const bytes = ahead.end - end.offset
      return { kind: 'joined', length: ahead.end, sourceLength: ahead.end, segments: ahead.segments, bytes }
    }
    const copied = await copyFrom(context, host, stream, { theirs, from: point.from, end, listed })
    sum.segments += copied.segments
    sum.bytes += copied.bytes
    if (!copied.isMet) return { kind: 'joined', length: copied.end.offset, sourceLength: copied.end.offset, ...sum }
    // Somebody else's is there: it is looked at like all the rest, and it goes on behind it.
    listed = await listSegments(target, host, stream, { signal })
    if (listed.next(copied.end) === undefined) throw occupied(host, stream, copied.end)
    content = { start: copied.end, segments: listed }
    end = await findChainEnd(target, listed, { start: copied.end, signal })
  }
}

type Joint =
  | { kind: 'joint'; at: ChainEnd; from: ChainEnd }
  | { kind: 'joined' | 'apart' | 'diverged'; sourceLength: number }

/** Where the source goes on behind the target's `end`, if both are one history there. */
async function findJoint(
  { source, target, signal }: SyncContext,
  segments: SegmentMap<ListedSegment>,
  content: Content,
  end: ChainEnd,
): Promise<Joint> {
  // A key names the history that it continues: nothing before it has to be read.
  if (isWindowKnown(end) && segments.next(end) !== undefined) return { kind: 'joint', at: end, from: end }
  const theirs = sourceContent(segments)
  if (theirs.start.offset > end.offset) return { kind: 'apart', sourceLength: theirs.start.offset }
  const there = await locate(source, theirs, end.offset, signal)
  const sourceLength = there.at.offset
  if (sourceLength < end.offset) {
    // It is behind: nothing to bring, but are they one?
    if (sourceLength < content.start.offset) return { kind: 'joined', sourceLength }
    const ours = await locate(target, content, sourceLength, signal)
    return { kind: doAgree(there.at, ours.at) ? 'joined' : 'diverged', sourceLength }
  }
  if (!doAgree(there.at, end)) return { kind: 'diverged', sourceLength }
  const isEnd = there.from.offset === end.offset && theirs.segments.next(there.from) === undefined
  return isEnd ? { kind: 'joined', sourceLength } : { kind: 'joint', ...there }
}

/** Sends what follows `end`, until the source has no more, or (`isMet`) the target has something there already. */
async function copyFrom(
  context: SyncContext,
  host: string,
  stream: string,
  way: { theirs: Content; from: ChainEnd; end: ChainEnd; listed: SegmentMap<ListedSegment> },
): Promise<{ end: ChainEnd; isMet: boolean; segments: number; bytes: number }> {
  const { source, signal } = context
  const { listed } = way
  let { end } = way
  const sum = { segments: 0, bytes: 0 }
  for await (const read of readChain(source, way.theirs.segments, { start: way.from, ahead: readAhead, signal })) {
    let bytes = read.bytes.subarray(Math.max(0, end.offset - read.segment.offset))
    while (bytes.byteLength > 0) {
      if (listed.next(end) !== undefined) return { end, isMet: true, ...sum }
      const part = bytes.subarray(0, cutToMeet(listed, end, bytes))
      const isWhole = part.byteLength === read.segment.length
      const metadata = end.offset === 0 ? beginningOf(read.segment, read.metadata, isWhole) : undefined
      const key = segmentKey(host, stream, end.offset, beforeOf(end))
      if ((await createInTarget(context, host, key, part, metadata)) === 'exists') return { end, isMet: true, ...sum }
      end = advance(end, part)
      bytes = bytes.subarray(part.byteLength)
      sum.segments++
      sum.bytes += part.byteLength
      context.onBytes?.(part.byteLength)
    }
  }
  return { end, isMet: false, ...sum }
}

/** As it is; of a part of it nobody may say that it is the whole stream. Rejects `corrupt` for one that no agent wrote. */
function beginningOf(segment: ListedSegment, metadata: Metadata, isWhole: boolean): Metadata {
  headerOf(metadata, segment.key, segment.length)
  const { final, ...rest } = metadata
  return isWhole ? metadata : rest
}

/** What the names promise. */
function countAhead({ segments }: Content, from: ChainEnd): { end: number; segments: number } {
  let end = from.offset
  let count = 0
  for (let [next] = segments.startingAt(end); next !== undefined; [next] = segments.startingAt(end)) {
    end += next.length
    count++
  }
  return { end, segments: count }
}

function occupied(host: string, stream: string, { offset }: ChainEnd): LogcaskError {
  return new LogcaskError(
    'corrupt',
    `${host} ${stream}: at offset ${offset} the target has an object that is no segment`,
    {
      hint: 'no agent wrote it, or it is gone again: look with logcask verify; nothing is ever put in its place',
    },
  )
}
