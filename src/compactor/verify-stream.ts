import { isCode, LogcaskError, messageOf, messageWithHint } from '../base/errors.ts'
import type { Bucket } from '../bucket/bucket.ts'
import { type OpenGap, readOpenGaps } from '../bucket/stream-gaps.ts'
import { readHeader } from '../bucket/stream-header.ts'
import type { ListedStream } from '../bucket/stream-inventory.ts'
import { countSeals } from '../bucket/stream-seals.ts'
import { type Completeness, completeness, type SealFacts } from '../bucket/stream-state.ts'
import type { Origin } from '../format/origin.ts'
import { Comparer, type Comparison, type Counterpart, compareQuickly, type Held } from './verify-against.ts'
import { countNames, type Read, readWhole, stillMissing } from './verify-read.ts'
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
  /** The first of those keys. */
  tamperedKeys: readonly string[]
  /** Of all bytes, where they begin at 0 and were read. */
  sha256: string | undefined
  /** With each place that was named, and each object of it. */
  against: readonly Comparison[]
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
  /** Where the same bytes are to be. */
  against?: readonly Counterpart[] | undefined
  /** What was delivered before may have gone from the bucket, if an archive has it; milliseconds since 1970. */
  expiredBeforeMs?: number | undefined
  /** Sees the bytes as they are read, for a display. */
  onBytes?: ((bytes: number) => void) | undefined
}

/** Named one by one: enough to begin looking, and no more than a host can make us print. */
const tamperedKeysMax = 5

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
  const tampered = segments.all.filter((segment) => segment.versions > 1)
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
    tamperedKeys: tampered.slice(0, tamperedKeysMax).map(({ key }) => key),
    sha256: undefined,
    against: [],
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
  const { expiredBeforeMs = Number.NEGATIVE_INFINITY } = options
  const ages = [...listed.seals.map(({ storedAtMs }) => storedAtMs), ...facts.against.map(archivedAt)]
  const mayHaveExpired = ages.some((ms) => ms <= expiredBeforeMs)
  return { ...facts, verdict: judgeStream({ ...facts, mayHaveExpired }) }
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
  const places = await openAll(options.against ?? [], host, stream, header?.origin)
  let read: Read
  let against: Comparison[]
  try {
    const comparers = places.map(({ place, held }) => new Comparer(place.url, held))
    read = options.isQuick
      ? await countNames(bucket, listed, all, signal)
      : await readWhole(bucket, listed, all, comparers, options)
    const isRight = ({ length, sha256 }: SealFacts): boolean => {
      const seals = all.filter((seal) => seal.length === length)
      return seals.length === 0 || seals.some((seal) => seal.sha256 === sha256)
    }
    against = options.isQuick
      ? places.map(({ place, held }) => compareQuickly(place.url, held, read, isRight))
      : await Promise.all(comparers.map((comparer) => comparer.finish(read)))
  } finally {
    await Promise.all(places.map(({ held }) => held?.close()))
  }
  const counted = await countSeals(bucket, listed.seals, read.end, { signal })
  const seals = header?.final ? [...counted.seals, header.final] : counted.seals
  const state = completeness(read.end, seals)
  // Nothing was ever sent of it: nothing is to be there.
  const isNothing = read.end === 0 && !all.some(({ length }) => length === 0)
  const compared: Comparison[] = []
  for (const [at, one] of against.entries()) {
    const opened = places[at]
    const isArchive = opened?.place.isArchive === true
    const expected = isArchive ? lacksInArchive(opened, one, places, state, read) : one
    const shown = opened?.held === undefined && isNothing ? { ...expected, missingThere: undefined } : expected
    compared.push(await stillMissing(bucket, host, stream, shown, read, signal))
  }
  return {
    origin: header?.origin,
    bytes: read.end - read.start,
    segments: read.segments,
    completeness: state,
    ...compareSeals(all, read.hashes),
    sha256: read.sha256,
    against: compared,
    gaps: await readOpenGaps(bucket, listed.gaps, read.end, seals, { signal }),
    expiredBefore: read.start > 0 ? read.start : undefined,
    strays: segments.all.length - read.segments,
    sealProblem: counted.problem && messageWithHint(counted.problem),
    problem,
  }
}

function archivedAt({ archivedAtMs = Number.POSITIVE_INFINITY }: Comparison): number {
  return archivedAtMs
}

interface Opened {
  place: Counterpart
  held: Held | undefined
}

/** What each place has of a stream; one without anything where it has nothing. */
async function openAll(
  places: readonly Counterpart[],
  host: string,
  stream: string,
  origin: Origin | undefined,
): Promise<Opened[]> {
  const opened: Opened[] = []
  try {
    for (const place of places) {
      const found = await place.open(host, stream, origin)
      if (found.length === 0) opened.push({ place, held: undefined })
      for (const held of found) opened.push({ place, held })
    }
    return opened
  } catch (error) {
    await Promise.all(opened.map(({ held }) => held?.close()))
    throw error
  }
}

/** In an archive only what is sealed is missing; what lies there at a lesser length is a beginning of it. */
function lacksInArchive(
  { held, place }: Opened,
  one: Comparison,
  places: readonly Opened[],
  state: Completeness,
  { start, end }: Read,
): Comparison {
  const lengths = places.flatMap((other) => (other.place === place && other.held ? [other.held.length] : []))
  const longest = Math.max(-1, ...lengths)
  const isLongest = held === undefined || held.length === longest
  if (state.kind !== 'sealed' || longest >= end || !isLongest)
    return held === undefined ? { ...one, missingThere: undefined } : one
  return { ...one, missingThere: { start: Math.max(start, longest), end } }
}

/** Anybody may write one more seal: where one of a length is right, the others of it prove nothing. */
function compareSeals(
  seals: readonly SealFacts[],
  hashes: ReadonlyMap<number, string>,
): Pick<VerifiedStream, 'sealsEqual' | 'differsAt'> {
  const equal = new Set(seals.filter(({ length, sha256 }) => hashes.get(length) === sha256).map(({ length }) => length))
  return { sealsEqual: equal.size, differsAt: [...hashes.keys()].filter((length) => !equal.has(length)) }
}
