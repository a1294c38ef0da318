import { createHash } from 'node:crypto'
import { isCode, LogcaskError, messageOf, messageWithHint } from '../base/errors.ts'
import { sha256 } from '../base/hash.ts'
import type { Bucket } from '../bucket/bucket.ts'
import { contentRun } from '../bucket/stream-content.ts'
import { type OpenGap, readOpenGaps } from '../bucket/stream-gaps.ts'
import { readHeader } from '../bucket/stream-header.ts'
import type { ListedStream } from '../bucket/stream-inventory.ts'
import { type ListedSegment, readChain } from '../bucket/stream-listing.ts'
import { longestRun } from '../bucket/stream-runs.ts'
import { countSeals } from '../bucket/stream-seals.ts'
import { type Completeness, completeness, type SealFacts } from '../bucket/stream-state.ts'
import { surveyChain } from '../bucket/stream-survey.ts'
import type { ReadAhead } from '../bucket/stream-walk.ts'
import type { Origin } from '../format/origin.ts'
import { judgeStream, type StreamVerdict } from './verify-verdict.ts'

/** One stream, as its bucket has it. */
export interface VerifiedStream {
  host: string
  stream: string
  /** Undefined where nothing that can be read names it. */
  origin: Origin | undefined
  /** Bytes of its content that were read, or counted from the names. */
  bytes: number
  segments: number
  completeness: Completeness
  /** Seals whose SHA-256 the content of their length has. */
  sealsEqual: number
  /** Lengths at which there is a seal, and none that says what the content is. */
  differsAt: readonly number[]
  gaps: readonly OpenGap[]
  /** Where its first byte is, when those before are gone. */
  expiredBefore: number | undefined
  /** Segments that are on no chain. */
  strays: number
  /** The most versions that one of its keys has, where that is more than one. */
  tampered: number | undefined
  /** A seal that promises more than there is, and cannot be read: why. */
  sealProblem: string | undefined
  /** Why it could not be read, or is no agent's. */
  problem: LogcaskError | undefined
  verdict: StreamVerdict
}

export interface VerifyStreamOptions {
  /** The names and the last joint only, and no content. */
  isQuick: boolean
  signal?: AbortSignal | undefined
  /** Sees the bytes as they are read, for a display. */
  onBytes?: ((bytes: number) => void) | undefined
}

/** Several streams are read at once, each with its own: together they stay bounded. */
const readAhead: ReadAhead = { count: 3, bytes: 16 * 1024 * 1024 }

/**
 * Reads a stream's chain and holds each seal against the content of its length, also where the stream went on since.
 * Never rejects for what is wrong with this stream, or cannot be read of it: that is its verdict.
 */
export async function verifyStream(
  bucket: Bucket,
  host: string,
  listed: ListedStream,
  options: VerifyStreamOptions,
): Promise<VerifiedStream> {
  const { stream, segments } = listed
  const versions = segments.all.reduce((most, segment) => Math.max(most, segment.versions), 1)
  const facts: Omit<VerifiedStream, 'verdict'> = {
    host,
    stream,
    origin: undefined,
    bytes: 0,
    segments: 0,
    completeness: { kind: 'unsealed' },
    sealsEqual: 0,
    differsAt: [],
    gaps: [],
    expiredBefore: undefined,
    strays: 0,
    tampered: versions > 1 ? versions : undefined,
    sealProblem: undefined,
    problem: undefined,
  }
  try {
    Object.assign(facts, await factsOf(bucket, host, listed, options))
  } catch (error) {
    options.signal?.throwIfAborted()
    facts.problem = isCode(error, 'unavailable', 'refused', 'corrupt')
      ? error
      : new LogcaskError('internal', messageOf(error), { cause: error })
  }
  return { ...facts, verdict: judgeStream(facts) }
}

async function factsOf(
  bucket: Bucket,
  host: string,
  listed: ListedStream,
  options: VerifyStreamOptions,
): Promise<Partial<VerifiedStream>> {
  const { stream, segments } = listed
  const { signal } = options
  // A header that no agent wrote does not hide what became of the content.
  let problem: LogcaskError | undefined
  const header = await readHeader(bucket, host, stream, { seals: listed.seals, signal }).catch((error) => {
    if (!isCode(error, 'corrupt')) throw error
    problem = error
    return undefined
  })
  const all: readonly SealFacts[] = header?.final ? [...listed.seals, header.final] : listed.seals
  const read = options.isQuick
    ? await countNames(bucket, listed, all, signal)
    : await readWhole(bucket, listed, all, options)
  const counted = await countSeals(bucket, listed.seals, read.end, { signal })
  const seals = header?.final ? [...counted.seals, header.final] : counted.seals
  return {
    origin: header?.origin,
    bytes: read.end - read.start,
    segments: read.segments,
    completeness: completeness(read.end, seals),
    ...compareSeals(all, read.hashes),
    gaps: await readOpenGaps(bucket, listed.gaps, read.end, seals, { signal }),
    expiredBefore: read.start > 0 ? read.start : undefined,
    strays: segments.all.length - read.segments,
    sealProblem: counted.problem && messageWithHint(counted.problem),
    problem,
  }
}

interface Read {
  start: number
  end: number
  segments: number
  /** SHA-256 of the content, by each length at which there is a seal. */
  hashes: ReadonlyMap<number, string>
}

async function countNames(
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

async function readWhole(
  bucket: Bucket,
  { segments }: ListedStream,
  seals: readonly SealFacts[],
  { signal, onBytes }: VerifyStreamOptions,
): Promise<Read> {
  const run = contentRun(segments)
  const isWhole = run.start.offset === 0
  const marks = [...new Set(seals.map(({ length }) => length))].sort((a, b) => a - b)
  const hasher = createHash('sha256')
  const hashes = new Map<number, string>()
  if (isWhole && marks[0] === 0) hashes.set(0, sha256(new Uint8Array(0)))
  let end = run.start.offset
  let count = 0
  let at = marks.findIndex((mark) => mark > end)
  for await (const piece of readChain(bucket, run.segments, { start: run.start, ahead: readAhead, signal })) {
    let from = end
    for (; at >= 0 && (marks[at] ?? Number.POSITIVE_INFINITY) <= piece.end.offset; at++) {
      const mark = marks[at] ?? from
      hasher.update(cut(piece, from, mark))
      if (isWhole) hashes.set(mark, hasher.copy().digest('hex'))
      from = mark
    }
    hasher.update(cut(piece, from, piece.end.offset))
    end = piece.end.offset
    count++
    onBytes?.(piece.bytes.byteLength)
  }
  return { start: run.start.offset, end, segments: count, hashes }
}

function cut(piece: { segment: ListedSegment; bytes: Uint8Array }, from: number, to: number): Uint8Array {
  return piece.bytes.subarray(from - piece.segment.offset, to - piece.segment.offset)
}

/** Anybody may write one more seal: where one of a length is right, the others of it prove nothing. */
function compareSeals(
  seals: readonly SealFacts[],
  hashes: ReadonlyMap<number, string>,
): Pick<VerifiedStream, 'sealsEqual' | 'differsAt'> {
  const equal = new Set(seals.filter(({ length, sha256 }) => hashes.get(length) === sha256).map(({ length }) => length))
  return { sealsEqual: equal.size, differsAt: [...hashes.keys()].filter((length) => !equal.has(length)) }
}
