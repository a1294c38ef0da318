import { LogcaskError } from '../../base/errors.ts'
import type { Bucket } from '../../bucket/bucket.ts'
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
  sink: ArchiveSink
  host: string
  spoolDirectory: string
  /** Gives a place to work on that many bytes. */
  admit: <T>(bytes: number, work: () => Promise<T>) => Promise<T>
  /** Streams that got nothing since then are quiet; milliseconds since 1970. */
  quietBeforeMs: number
  /** What was found out about the stream before: its content is not read again for that. */
  known?: KnownContent | undefined
  onBytes?: ((bytes: number) => void) | undefined
  signal?: AbortSignal | undefined
}

/** What reading a stream has shown, and its names do not. */
export interface KnownContent {
  /** The SHA-256 of its first `length` bytes, which a seal had promised to be another. It never changes (I8). */
  content?: { length: number; sha256: string } | undefined
  /** Strays look like its continuation: only the end of each segment tells where it ends. */
  hasStrays?: boolean | undefined
}

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
  plan: ArchivePlan['kind']
  /** No seal of the chain's length says its content: it is not archived as sealed. */
  lie: { length: number; sealed: readonly string[]; actual: string } | undefined
  /** A seal promises so many bytes more than there are. */
  missing: number | undefined
  /** The longest length that a seal names, true or not; -1 without any. */
  promised: number
  /** To be given to the next look. */
  known: KnownContent | undefined
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
  const chain = await chainOf(work, listed)
  const last = chain.at(-1)
  const seals: SealFacts[] = header?.final ? [...listed.seals, header.final] : [...listed.seals]
  if (header === undefined || (last === undefined && !seals.some(isEmptySeal))) throw noBeginning(host, listed)
  const facts = { length: last === undefined ? 0 : last.offset + last.length, storedAtMs: last?.storedAtMs, archived }
  const plan = planArchive({ ...facts, seals }, work.quietBeforeMs)
  const promised = seals.reduce((most, { length }) => Math.max(most, length), -1)
  const outcome = {
    object: undefined,
    plan: plan.kind,
    lie: undefined,
    missing: undefined,
    promised,
    known: work.known,
  }
  const create = (sealed: readonly string[]): Promise<ArchivedObject> =>
    work.admit(facts.length, () => createObject(work, listed, header.origin, facts.length, sealed))
  /** What was delivered goes into the archive in time, whatever somebody has written beside it (I9). */
  const withoutSeals = async (): Promise<ArchivedObject | undefined> => {
    const honest = planArchive({ ...facts, seals: [] }, work.quietBeforeMs)
    return honest.kind === 'quiet' ? create([]) : undefined
  }
  if (plan.kind === 'wait') return { ...outcome, missing: plan.missing }
  if (plan.kind === 'done') return outcome
  try {
    if (plan.kind === 'quiet') return { ...outcome, object: await create([]) }
    const sealed = stillPossible(plan.sha256, facts.length, work.known)
    return { ...outcome, object: await create(sealed) }
  } catch (error) {
    if (error instanceof SealLies && plan.kind === 'sealed') {
      const { actual } = error
      const known = { ...work.known, content: { length: facts.length, sha256: actual } }
      const lie = { length: facts.length, sealed: plan.sha256, actual }
      return { ...outcome, lie, known, object: await withoutSeals() }
    }
    if (!(error instanceof ChainEndsEarly) || work.known?.hasStrays === true) throw error
    const exact = await archiveStream({ ...work, known: { ...work.known, hasStrays: true } }, listed, archived)
    return { ...exact, missing: exact.missing ?? facts.length - error.length }
  }
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
function stillPossible(sealed: readonly string[], length: number, known: KnownContent | undefined): readonly string[] {
  const content = known?.content
  if (content?.length !== length) return sealed
  if (sealed.includes(content.sha256)) return [content.sha256]
  throw new SealLies(content.sha256)
}

async function createObject(
  { bucket, sink, host, spoolDirectory, onBytes, signal }: StreamWork,
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
    for await (const { segment, bytes } of readChain(bucket, segments, { ahead: readAhead, signal })) {
      if (segment.offset >= length) return
      onBytes?.(bytes.byteLength)
      yield bytes
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
