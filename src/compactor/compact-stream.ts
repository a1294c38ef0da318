import { LogcaskError } from '../base/errors.ts'
import type { Bucket } from '../bucket/bucket.ts'
import type { SegmentMemory } from '../bucket/segment-memory.ts'
import { type GapReasons, type OpenGap, readOpenGaps } from '../bucket/stream-gaps.ts'
import { headerOf, readHeader, readSeal } from '../bucket/stream-header.ts'
import type { ListedStream } from '../bucket/stream-inventory.ts'
import { readChain } from '../bucket/stream-listing.ts'
import { countSeals, type SealProblems } from '../bucket/stream-seals.ts'
import { walkInStages } from '../bucket/stream-stages.ts'
import type { ReadAhead } from '../bucket/stream-walk.ts'
import { type ChainEnd, chainStart } from '../format/chain.ts'
import type { Origin } from '../format/origin.ts'
import type { DirectorySink, SinkFile } from './directory-sink.ts'
import { isEmptySeal, judgeSeals, planStream, type SealVerdict, sealsOf } from './plan.ts'
import type { Quota, StreamAccount } from './quota.ts'
import type { StreamRecord } from './stream-record.ts'

export interface StreamContext {
  bucket: Bucket
  /** Shared by all streams that are worked on. */
  memory?: SegmentMemory | undefined
  sink: DirectorySink
  host: string
  /** What is not accepted is not published; what was before stays, and grows. Default: everything is. */
  accepts?: ((origin: Origin) => boolean) | undefined
  /** What a host may take: a stream that is not published yet, and bytes beyond, are refused where it is over it. */
  quota?: Quota | undefined
  /** Sees the bytes as they are written, for a display. */
  onBytes?: ((bytes: number) => void) | undefined
  /** Kept from one look at this host to the next. */
  gapReasons?: GapReasons
  sealProblems?: SealProblems
  signal?: AbortSignal | undefined
}

export interface StreamOutcome {
  /** Undefined where there is nothing to publish (yet). */
  record: StreamRecord | undefined
  /** Bytes that were published now. */
  grewBytes: number
  isNew: boolean
  /** Its content was hashed now, for the first time at this length. */
  isHashed: boolean
  verdict: SealVerdict
  /** Why a seal that promises more than there is cannot be read: it counts for nothing. */
  sealProblem: LogcaskError | undefined
  gaps: readonly OpenGap[]
  /** Segments that are on no chain, where all were listed. */
  strays: number
}

/** Synced and recorded at the latest after so much: what a crash makes us read again. */
const commitBytes = 64 * 1024 * 1024
/** Several streams are read at once, each with its own: together they stay bounded. */
const readAhead: ReadAhead = { count: 3, bytes: 16 * 1024 * 1024 }

/**
 * Brings the published file of one stream as far as its chain goes, and holds it against its seals. What was published
 * before is never withheld or changed by what is there now (I8, I9). Rejects with what stood in the way; what was
 * appended until then counts.
 */
export async function compactStream(context: StreamContext, listed: ListedStream): Promise<StreamOutcome> {
  const { bucket, sink, host, signal } = context
  const { gapReasons: reasons = new Map(), sealProblems: problems = new Map() } = context
  let grewBytes = 0
  const onBytes = (bytes: number): void => {
    grewBytes += bytes
    context.onBytes?.(bytes)
  }
  const { stream } = listed
  const before = await sink.recall(host, stream)
  let record = before
  // Of one that is too long to be listed whole, only its chain tells whether it goes on.
  let plan = listed.cutAt === undefined ? planStream(listed, record) : { kind: 'grow' as const }
  if (plan.kind === 'no-beginning') {
    throw (await countSeals(bucket, listed.seals, 0, { problems, signal })).problem ?? noBeginning(host, listed)
  }
  if (plan.kind === 'grow' && before === undefined) {
    await context.quota?.admit(host, stream)
    try {
      if (await isAccepted(context, listed)) record = await growOnAccount({ ...context, onBytes }, listed, undefined)
    } finally {
      if ((await sink.recall(host, stream)) === undefined) await context.quota?.giveBack(host, stream)
    }
    if (record === undefined) return unpublished
    plan = planStream(listed, record)
  } else if (plan.kind === 'grow') {
    record = await growOnAccount({ ...context, onBytes }, listed, before)
    plan = record ? planStream(listed, record) : { kind: 'rest' }
  }
  if (record && plan.kind === 'check') record = await sink.hash(host, stream, record)
  const length = record?.length ?? 0
  const counted = await countSeals(bucket, listed.seals, length, { problems, signal })
  const seals = record ? sealsOf(counted.seals, record) : counted.seals
  return {
    record,
    grewBytes,
    isNew: before === undefined && record !== undefined,
    isHashed: record?.content?.length === record?.length && before?.content?.length !== record?.length,
    strays: Math.max(0, (listed.cutAt ?? listed.segments.all.length) - (record?.segments ?? 0)),
    verdict: record ? judgeSeals(record, counted.seals) : { kind: 'open' },
    sealProblem: counted.problem,
    gaps: await readOpenGaps(bucket, listed.gaps, length, seals, { reasons, signal }),
  }
}

const unpublished: StreamOutcome = {
  record: undefined,
  grewBytes: 0,
  isNew: false,
  isHashed: false,
  verdict: { kind: 'open' },
  sealProblem: undefined,
  gaps: [],
  strays: 0,
}

/** Asked of the origin alone, before any content is read. */
async function isAccepted({ bucket, host, accepts, signal }: StreamContext, listed: ListedStream): Promise<boolean> {
  if (accepts === undefined) return true
  const header = await readHeader(bucket, host, listed.stream, { seals: listed.seals, signal })
  return header === undefined || accepts(header.origin)
}

/** What is published has other bytes than the chain. */
class Differs extends Error {
  readonly from: number
  readonly to: number

  constructor(from: number, to: number) {
    super(`other bytes between ${from} and ${to}`)
    this.from = from
    this.to = to
  }
}

/** What is not recorded in the end is not counted for its host. */
async function growOnAccount(
  context: StreamContext,
  listed: ListedStream,
  record: StreamRecord | undefined,
): Promise<StreamRecord | undefined> {
  const { quota, sink, host } = context
  const account = await quota?.account(host, listed.stream, record?.length)
  try {
    return await grow({ ...context, account }, listed, record)
  } finally {
    if (account) await account.settle((await sink.recall(host, listed.stream))?.length)
  }
}

async function grow(
  context: StreamContext & { account: StreamAccount | undefined },
  listed: ListedStream,
  record: StreamRecord | undefined,
): Promise<StreamRecord | undefined> {
  const { bucket, memory, sink, host, account, signal } = context
  const { stream, segments } = listed
  let file: SinkFile | undefined
  let final: StreamRecord['final']
  let latest = record
  const isSealedAt = (length: number): boolean => listed.seals.some((seal) => seal.length === length)
  try {
    file = record && (await sink.open(host, stream, undefined))
    const start = file?.start ?? chainStart
    account?.resume(start.offset)
    const follow = async (some: typeof segments, from: ChainEnd): Promise<ChainEnd> => {
      let reached = from
      for await (const piece of readChain(bucket, some, { start: from, ahead: readAhead, memory, signal })) {
        const { segment, bytes, metadata, end } = piece
        if (segment.offset === 0) {
          const header = headerOf(metadata, segment.key, segment.length)
          final = header.final
          file ??= await sink.open(host, stream, header.origin)
        }
        if (file === undefined) break
        account?.take(bytes.byteLength)
        if (!(await file.append(bytes, end))) throw new Differs(segment.offset, end.offset)
        context.onBytes?.(bytes.byteLength)
        if (file.pendingBytes >= commitBytes) latest = await file.commit(final)
        reached = end
      }
      return reached
    }
    if (listed.cutAt === undefined) await follow(segments, start)
    else await walkInStages(bucket, host, stream, start, follow, { signal })
    if (file === undefined) {
      // No segment: the file was empty, and its seal alone says so.
      const seal = listed.seals.find(isEmptySeal)
      if (seal === undefined && latest === undefined && listed.cutAt !== undefined) throw noBeginning(host, listed)
      if (seal === undefined) return latest
      file = await sink.open(host, stream, (await readSeal(bucket, seal, signal)).origin)
      return await file.commit(undefined, isSealedAt)
    }
    return file.pendingBytes > 0 ? await file.commit(final, isSealedAt) : latest
  } catch (error) {
    if (error instanceof Differs && file !== undefined) {
      await file.setAside(`it differs from the chain between ${error.from} and ${error.to}`)
      file = undefined
      return await grow(context, listed, undefined)
    }
    // What was appended before is whole, and may be kept; the error that ended it is the one to tell.
    if (file !== undefined && file.pendingBytes > 0) await file.commit(final).catch(() => {})
    throw error
  } finally {
    await file?.close()
  }
}

function noBeginning(host: string, listed: ListedStream): LogcaskError {
  const first = listed.segments.all[0]
  const what = first ? `its first segment begins at ${first.offset}` : 'only its seal is there'
  return new LogcaskError('corrupt', `${host} ${listed.stream}: has no beginning, ${what}`, {
    hint: 'it has expired, or never came: look with logcask ls; nothing of it was published here before',
  })
}
