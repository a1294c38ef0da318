import { contentRun } from '../../bucket/stream-content.ts'
import type { HostRecords } from '../../bucket/stream-inventory.ts'
import type { ListedSegment } from '../../bucket/stream-listing.ts'
import { longestRun, type Run } from '../../bucket/stream-runs.ts'
import { advance, type ChainEnd, type SegmentMap } from '../../format/chain.ts'
import { aliasKey } from '../../format/keys.ts'
import { windowBytes } from '../../format/limits.ts'

/** What to copy, decided from plain data. Nothing here reads or writes. */

/** Segments to walk, as the bucket that has them counts its content. */
export type Content = Pick<Run<ListedSegment>, 'start' | 'segments'>

/** The target has every segment of the source under the same name, with the same length. Bytes are for `verify`. */
export function hasAllNames(source: SegmentMap<ListedSegment>, target: SegmentMap<ListedSegment>): boolean {
  const lengths = new Map(target.all.map(({ key, length }) => [key, length]))
  return source.all.every(({ key, length }) => lengths.get(key) === length)
}

/**
 * Where the target's content is, so that it goes on behind it; undefined where all of it has expired there, and the
 * source's would at once. `expiredAtMs`: what was stored before it has; undefined: nothing expires there, and what is
 * missing is brought again.
 */
export function targetContent(
  source: SegmentMap<ListedSegment>,
  target: SegmentMap<ListedSegment>,
  expiredAtMs: number | undefined,
): Content | undefined {
  const whole: Content = { start: { offset: 0, window: new Uint8Array(0) }, segments: target }
  if (expiredAtMs === undefined || target.next(whole.start) !== undefined) return whole
  const isExpired = ({ storedAtMs }: ListedSegment): boolean => storedAtMs <= expiredAtMs
  const [first] = target.all
  if (first === undefined) return source.all.every(isExpired) ? undefined : whole
  return isExpired(first) ? longestRun(target) : whole
}

export function sourceContent(source: SegmentMap<ListedSegment>): Content {
  return contentRun(source)
}

/** Two points at one offset belong to one history: what both know of the 4 KiB before it is the same, and not nothing. */
export function doAgree(a: ChainEnd, b: ChainEnd): boolean {
  const common = Math.min(a.window.byteLength, b.window.byteLength)
  if (common === 0) return a.offset === 0
  const tail = ({ window }: ChainEnd): Uint8Array => window.subarray(window.byteLength - common)
  return Buffer.compare(tail(a), tail(b)) === 0
}

/** Of two that agree, the one that knows more. */
export function fuller(a: ChainEnd, b: ChainEnd): ChainEnd {
  return a.window.byteLength >= b.window.byteLength ? a : b
}

/** Whether a key can be made of it: after an expiry, less may be known than a key vouches for. */
export function isWindowKnown({ offset, window }: ChainEnd): boolean {
  return window.byteLength >= Math.min(offset, windowBytes)
}

/**
 * How many of `bytes`, which follow `end`, are the next segment: up to where the target has one already that continues
 * them, so that they meet.
 */
export function cutToMeet(target: SegmentMap<ListedSegment>, end: ChainEnd, bytes: Uint8Array): number {
  for (const at of target.beginningsAfter(end.offset)) {
    const length = at - end.offset
    if (length >= bytes.byteLength) break
    if (target.next(advance(end, bytes.subarray(0, length))) !== undefined) return length
  }
  return bytes.byteLength
}

/** A record of a stream that the target lacks. */
export interface MissingRecord {
  kind: 'seal' | 'gap' | 'alias'
  key: string
  /** Bytes that the target must have, or it would say too much: an agent takes what is sealed, or an alias, as delivered. */
  needs: number
}

/** By stream: what the source says of its streams and the target does not. `lengthOf`: what an alias of it speaks for. */
export function missingRecords(
  host: string,
  stream: string,
  source: HostRecords,
  target: HostRecords,
): MissingRecord[] {
  const keysOf = (records: readonly { key: string }[] | undefined): Set<string> =>
    new Set(records?.map(({ key }) => key))
  const seals = keysOf(target.seals.get(stream))
  const gaps = keysOf(target.gaps.get(stream))
  const aliases = new Set(target.aliases.get(stream))
  return [
    ...(source.gaps.get(stream) ?? [])
      .filter(({ key }) => !gaps.has(key))
      .map(({ key }) => ({ kind: 'gap' as const, key, needs: 0 })),
    ...(source.seals.get(stream) ?? [])
      .filter(({ key }) => !seals.has(key))
      .map(({ key, length }) => ({ kind: 'seal' as const, key, needs: length })),
    ...(source.aliases.get(stream) ?? [])
      .filter((identity) => !aliases.has(identity))
      .map((identity) => ({
        kind: 'alias' as const,
        key: aliasKey(host, identity, stream),
        needs: Number.POSITIVE_INFINITY,
      })),
  ]
}
