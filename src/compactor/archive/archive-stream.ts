import { LogcaskError } from '../../base/errors.ts'
import type { Bucket } from '../../bucket/bucket.ts'
import { readHeader } from '../../bucket/stream-header.ts'
import type { ListedStream } from '../../bucket/stream-inventory.ts'
import { readChain } from '../../bucket/stream-listing.ts'
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
  onBytes?: ((bytes: number) => void) | undefined
  signal?: AbortSignal | undefined
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
  const isVouched = (length: number): boolean => listed.seals.some((seal) => seal.length === length)
  const chain = await surveyChain(bucket, listed.segments, { isVouched, signal })
  const last = chain.at(-1)
  const seals: SealFacts[] = header?.final ? [...listed.seals, header.final] : [...listed.seals]
  if (header === undefined || (last === undefined && !seals.some(isEmptySeal))) throw noBeginning(host, listed)
  const facts = { length: last === undefined ? 0 : last.offset + last.length, storedAtMs: last?.storedAtMs, archived }
  const plan = planArchive({ ...facts, seals }, work.quietBeforeMs)
  const outcome: ArchiveOutcome = { object: undefined, plan: plan.kind, lie: undefined, missing: undefined }
  const create = (length: number, sealed: readonly string[]): Promise<ArchivedObject> =>
    work.admit(length, () => createObject(work, listed, header.origin, length, sealed))
  try {
    if (plan.kind === 'wait') return { ...outcome, missing: plan.missing }
    if (plan.kind === 'sealed') return { ...outcome, object: await create(facts.length, plan.sha256) }
    if (plan.kind === 'quiet') return { ...outcome, object: await create(facts.length, []) }
    return outcome
  } catch (error) {
    const isLie = error instanceof SealLies && plan.kind === 'sealed'
    if (isLie) outcome.lie = { length: facts.length, sealed: plan.sha256, actual: error.actual }
    else if (!(error instanceof ChainEndsEarly)) throw error
    else outcome.missing = facts.length - error.length
    // What was delivered goes into the archive in time, whatever somebody has written beside it (I9).
    const length = error instanceof ChainEndsEarly ? error.length : facts.length
    const honest = planArchive({ ...facts, length, seals: [] }, work.quietBeforeMs)
    return honest.kind === 'quiet' ? { ...outcome, object: await create(length, []) } : outcome
  }
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
