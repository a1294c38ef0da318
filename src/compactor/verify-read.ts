import { createHash } from 'node:crypto'
import { sha256 as sha256Of } from '../base/hash.ts'
import type { Bucket } from '../bucket/bucket.ts'
import { contentRun } from '../bucket/stream-content.ts'
import type { ListedStream } from '../bucket/stream-inventory.ts'
import { findChainEnd, type ListedSegment, listSegments, readChain } from '../bucket/stream-listing.ts'
import { longestRun } from '../bucket/stream-runs.ts'
import type { SealFacts } from '../bucket/stream-state.ts'
import { surveyChain } from '../bucket/stream-survey.ts'
import type { ReadAhead } from '../bucket/stream-walk.ts'
import type { ChainEnd, SegmentMap } from '../format/chain.ts'
import type { Comparer, Comparison } from './verify-against.ts'

/** Several streams are read at once, each with its own: together they stay bounded. */
const readAhead: ReadAhead = { count: 3, bytes: 16 * 1024 * 1024 }

/** What a bucket was found to have of a stream. */
export interface Read {
  start: number
  end: number
  segments: number
  /** Behind all of it, where it was walked. */
  chainEnd?: ChainEnd
  /** SHA-256 of the content, by each length at which there is a seal. */
  hashes: ReadonlyMap<number, string>
  sha256?: string | undefined
}

/** Both sides grow: what is not here may have come since it was listed. */
export async function stillMissing(
  bucket: Bucket,
  host: string,
  stream: string,
  against: Comparison,
  { end, chainEnd }: Read,
  signal: AbortSignal | undefined,
): Promise<Comparison> {
  const { missingHere } = against
  if (missingHere === undefined || missingHere.start < end) return against
  const segments = await listSegments(bucket, host, stream, { from: end, signal })
  const now = chainEnd
    ? (await findChainEnd(bucket, segments, { start: chainEnd, signal })).offset
    : endByNames(segments, end)
  return { ...against, missingHere: now < missingHere.end ? { start: now, end: missingHere.end } : undefined }
}

export async function countNames(
  bucket: Bucket,
  { segments }: ListedStream,
  seals: readonly SealFacts[],
  signal: AbortSignal | undefined,
): Promise<Read> {
  const isVouched = (length: number): boolean => seals.some((seal) => seal.length === length)
  const chain = await surveyChain(bucket, segments, { isVouched, signal })
  const hashes = new Map<number, string>()
  const last = chain.at(-1)
  if (last !== undefined) return { start: 0, end: last.offset + last.length, segments: chain.length, hashes }
  const run = longestRun(segments)
  if (run === undefined) return { start: 0, end: 0, segments: 0, hashes }
  // Which of them are on the run is seen only by reading: here all count.
  return { start: run.start.offset, end: run.start.offset + run.bytes, segments: segments.all.length, hashes }
}

export async function readWhole(
  bucket: Bucket,
  { segments }: ListedStream,
  seals: readonly SealFacts[],
  comparers: readonly Comparer[],
  { signal, onBytes }: { signal?: AbortSignal | undefined; onBytes?: ((bytes: number) => void) | undefined },
): Promise<Read> {
  const run = contentRun(segments)
  const isWhole = run.start.offset === 0
  const marks = [...new Set(seals.map(({ length }) => length))].sort((a, b) => a - b)
  const hasher = createHash('sha256')
  const hashes = new Map<number, string>()
  if (isWhole && marks[0] === 0) hashes.set(0, sha256Of(new Uint8Array(0)))
  let end = run.start.offset
  let count = 0
  let at = marks.findIndex((mark) => mark > end)
  let chainEnd = run.start
  for await (const piece of readChain(bucket, run.segments, { start: run.start, ahead: readAhead, signal })) {
    let from = end
    for (; at >= 0 && (marks[at] ?? Number.POSITIVE_INFINITY) <= piece.end.offset; at++) {
      const mark = marks[at] ?? from
      hasher.update(cut(piece, from, mark))
      if (isWhole) hashes.set(mark, hasher.copy().digest('hex'))
      from = mark
    }
    hasher.update(cut(piece, from, piece.end.offset))
    for (const comparer of comparers) await comparer.hold(end, piece.bytes)
    end = piece.end.offset
    chainEnd = piece.end
    count++
    onBytes?.(piece.bytes.byteLength)
  }
  const sha256 = isWhole ? hasher.digest('hex') : undefined
  return { start: run.start.offset, end, chainEnd, segments: count, hashes, sha256 }
}

function cut(piece: { segment: ListedSegment; bytes: Uint8Array }, from: number, to: number): Uint8Array {
  return piece.bytes.subarray(from - piece.segment.offset, to - piece.segment.offset)
}

function endByNames(segments: SegmentMap<ListedSegment>, from: number): number {
  let end = from
  for (let [next] = segments.startingAt(end); next !== undefined; [next] = segments.startingAt(end)) end += next.length
  return end
}
