import { createHash } from 'node:crypto'
import { LogcaskError } from '../../base/errors.ts'
import type { Bucket } from '../../bucket/bucket.ts'
import type { SegmentMemory } from '../../bucket/segment-memory.ts'
import { readHeader } from '../../bucket/stream-header.ts'
import type { ListedStream } from '../../bucket/stream-inventory.ts'
import { findChainEnd, type ListedSegment, readChain } from '../../bucket/stream-listing.ts'
import type { SealFacts } from '../../bucket/stream-state.ts'
import { surveyChain } from '../../bucket/stream-survey.ts'
import type { ReadAhead } from '../../bucket/stream-walk.ts'
import type { Origin } from '../../format/origin.ts'
import { isEmptySeal } from '../plan.ts'
import type { Archived, ArchiveSink } from './archive-sink.ts'
import { ChainEndsEarly, packStream, SealLies } from './pack-stream.ts'
import { type ArchivePlan, planArchive } from './plan-archive.ts'

export interface StreamWork {
  bucket: Bucket
  /** Shared by all streams that are worked on. */
  memory?: SegmentMemory | undefined
  sink: ArchiveSink
  host: string
  spoolDirectory: string
  /** Gives a place to work on that many bytes. */
  admit: <T>(bytes: number, work: () => Promise<T>) => Promise<T>
  /** Streams that got nothing since then are quiet; milliseconds since 1970. */
  quietBeforeMs: number
  /** What was found out about the stream before: its content is not read again for that. */
  known?: KnownContent | undefined
  /** It may be read to find out more: not for each seal that somebody adds. */
  mayJudge?: boolean | undefined
  /** Which streams are archived, by where they came from. Default: all. */
  accepts?: ((origin: Origin) => boolean) | undefined
  onBytes?: ((bytes: number) => void) | undefined
  signal?: AbortSignal | undefined
}

/** What reading a stream has shown, and its names do not. */
export interface KnownContent {
  /** The SHA-256 of its content by length, where seals speak of it and were not right. It never changes (I8). */
  hashes: ReadonlyMap<number, string>
  /** Strays look like its continuation: only the end of each segment tells where it ends. */
  hasStrays: boolean
}

export const nothingKnown: KnownContent = { hashes: new Map(), hasStrays: false }

export interface ArchivedObject {
  key: string
  length: number
  /** Undefined where it was there, and says so itself. */
  sha256: string | undefined
  isSealed: boolean
  how: 'sent' | 'there'
}

export interface ArchiveOutcome {
  /** What is in the archive now, if anything was to be brought there. */
  object: ArchivedObject | undefined
  /** Where nothing was: why. */
  plan: ArchivePlan['kind'] | 'not-accepted'
  /** No seal of the chain's length says its content: it is not archived as sealed. */
  lie: { length: number; sealed: readonly string[]; actual: string } | undefined
  /** A seal promises so many bytes more than there are. */
  missing: number | undefined
  /** The longest length that a seal names, true or not; -1 without any. */
  promised: number
  /** To be given to the next look. */
  known: KnownContent
}

const notAccepted: ArchiveOutcome = {
  ...{ object: undefined, plan: 'not-accepted', lie: undefined, missing: undefined },
  ...{ promised: -1, known: nothingKnown },
}

const readAhead: ReadAhead = { count: 3, bytes: 16 * 1024 * 1024 }

/**
 * Brings a stream into the archive, if it is complete there as a seal says, or quiet. What is stored was read along the
 * chain, and is what the seal says to the last byte. Rejects with what stood in the way: nothing was stored of it.
 */
export async function archiveStream(
  work: StreamWork,
  listed: ListedStream,
  archived: Archived | undefined,
): Promise<ArchiveOutcome> {
  const { bucket, host, signal } = work
  const header = await readHeader(bucket, host, listed.stream, { seals: listed.seals, signal })
  if (header !== undefined && work.accepts?.(header.origin) === false) return notAccepted
  const chain = await chainOf(work, listed)
  const last = chain.at(-1)
  const seals: SealFacts[] = header?.final ? [...listed.seals, header.final] : [...listed.seals]
  if (header === undefined || (last === undefined && !seals.some(isEmptySeal))) throw noBeginning(host, listed)
  const facts = { length: last === undefined ? 0 : last.offset + last.length, storedAtMs: last?.storedAtMs, archived }
  const plan = planArchive({ ...facts, seals }, work.quietBeforeMs)
  const promised = seals.reduce((most, { length }) => Math.max(most, length), -1)
  let { known = nothingKnown } = work
  let lie: ArchiveOutcome['lie']
  const outcome = { object: undefined, plan: plan.kind, missing: undefined, promised }
  const create = (length: number, sealed: readonly string[]): Promise<ArchivedObject> =>
    work.admit(length, () => createObject(work, listed, header.origin, length, sealed))
  if (plan.kind === 'done') return { ...outcome, lie, known }
  try {
    if (plan.kind === 'sealed') {
      const object = await create(facts.length, stillPossible(plan.sha256, facts.length, known))
      return { ...outcome, lie, known, object }
    }
  } catch (error) {
    if (error instanceof ChainEndsEarly)
      return withoutStrays(work, listed, archived, facts.length - error.length, error)
    if (!(error instanceof SealLies)) throw error
    lie = { length: facts.length, sealed: plan.kind === 'sealed' ? plan.sha256 : [], actual: error.actual }
    known = { ...known, hashes: new Map([...known.hashes, [facts.length, error.actual]]) }
  }
  // Whatever is written behind a true seal, or beside it, what it sealed is archived (I9).
  known = await judgeSeals({ ...work, known }, listed, seals, facts.length, archived)
  const best = seals
    .filter(({ length, sha256 }) => length > (archived?.sealed ?? -1) && known.hashes.get(length) === sha256)
    .reduce((most, { length }) => Math.max(most, length), -1)
  const found = { ...outcome, lie, known, missing: plan.kind === 'wait' ? plan.missing : undefined }
  if (best >= 0) return { ...found, object: await create(best, [known.hashes.get(best) ?? '']) }
  const honest = planArchive({ ...facts, seals: [] }, work.quietBeforeMs)
  if (honest.kind !== 'quiet') return found
  try {
    return { ...found, object: await create(facts.length, []) }
  } catch (error) {
    if (!(error instanceof ChainEndsEarly)) throw error
    return withoutStrays(work, listed, archived, facts.length - error.length, error)
  }
}

/** The names have promised more than the chain has: once more, by the end of each segment. */
async function withoutStrays(
  work: StreamWork,
  listed: ListedStream,
  archived: Archived | undefined,
  missing: number,
  error: ChainEndsEarly,
): Promise<ArchiveOutcome> {
  const { known = nothingKnown } = work
  if (known.hasStrays) throw error
  const exact = await archiveStream({ ...work, known: { ...known, hasStrays: true } }, listed, archived)
  return { ...exact, missing: exact.missing ?? missing }
}

/**
 * What the content is at each length within the chain that a seal names and that is not archived: one reading for all of
 * them, and none where nothing new is to be found out.
 */
async function judgeSeals(
  { bucket, memory, known = nothingKnown, mayJudge = true, signal }: StreamWork,
  { segments }: ListedStream,
  seals: readonly SealFacts[],
  end: number,
  archived: Archived | undefined,
): Promise<KnownContent> {
  const isOpen = (length: number): boolean => length <= end && length > (archived?.sealed ?? -1)
  const lengths = [...new Set(seals.map(({ length }) => length).filter(isOpen))].sort((a, b) => a - b)
  const last = lengths.at(-1)
  if (!mayJudge || last === undefined || lengths.every((length) => known.hashes.has(length))) return known
  const hashes = new Map<number, string>()
  const hash = createHash('sha256')
  let at = 0
  if (lengths[0] === 0) hashes.set(lengths[at++] ?? 0, hash.copy().digest('hex'))
  for await (const { segment, bytes } of readChain(bucket, segments, { ahead: readAhead, memory, signal })) {
    let from = 0
    for (let mark = lengths[at]; mark !== undefined && mark <= segment.offset + bytes.byteLength; mark = lengths[at]) {
      hash.update(bytes.subarray(from, mark - segment.offset))
      hashes.set(mark, hash.copy().digest('hex'))
      from = mark - segment.offset
      at++
    }
    hash.update(bytes.subarray(from))
    if (at >= lengths.length) break
  }
  return { ...known, hashes }
}

/** Told from the names; where these have led astray before, from the end of each segment. */
async function chainOf({ bucket, known, signal }: StreamWork, listed: ListedStream): Promise<ListedSegment[]> {
  if (known?.hasStrays !== true) {
    const isVouched = (length: number): boolean => listed.seals.some((seal) => seal.length === length)
    return surveyChain(bucket, listed.segments, { isVouched, signal })
  }
  const chain: ListedSegment[] = []
  await findChainEnd(bucket, listed.segments, { signal, visit: (segment) => void chain.push(segment) })
  return chain
}

/** Of the SHA-256 that seals of this length say, those that the content may have. Throws where there is none: nothing is read for that again. */
function stillPossible(sealed: readonly string[], length: number, { hashes }: KnownContent): readonly string[] {
  const actual = hashes.get(length)
  if (actual === undefined) return sealed
  if (sealed.includes(actual)) return [actual]
  throw new SealLies(actual)
}

async function createObject(
  { bucket, memory, sink, host, spoolDirectory, onBytes, signal }: StreamWork,
  { stream, segments }: ListedStream,
  origin: Origin,
  length: number,
  sealed: readonly string[],
): Promise<ArchivedObject> {
  const { encoding } = sink
  const isSealed = sealed.length > 0
  const key = sink.nameOf(host, stream, { origin, encoding, length, sha256: '', isSealed })
  if (await sink.isThere(key, length, sealed, signal)) return { key, length, sha256: undefined, isSealed, how: 'there' }
  const content = async function* (): AsyncGenerator<Uint8Array> {
    // Where the chain is shorter than its names promised, `length` ends it.
    for await (const { segment, bytes } of readChain(bucket, segments, { ahead: readAhead, memory, signal })) {
      if (segment.offset >= length) return
      const own = bytes.subarray(0, length - segment.offset)
      onBytes?.(own.byteLength)
      yield own
    }
  }
  const packed = await packStream(content, { length, sealed, encoding }, spoolDirectory)
  try {
    const { sha256 } = packed
    const how = await sink.deliver(key, packed, { origin, encoding, length, sha256, isSealed }, signal)
    return { key, length, sha256, isSealed, how }
  } finally {
    await packed.close()
  }
}

function noBeginning(host: string, { stream, segments }: ListedStream): LogcaskError {
  const first = segments.all[0]
  const what = first ? `its first segment begins at ${first.offset}` : 'only its seal is there'
  return new LogcaskError('corrupt', `${host} ${stream}: has no beginning, ${what}: it cannot be archived`, {
    hint: 'it has expired, or never came: look with logcask ls; archive sooner than segments expire',
  })
}
