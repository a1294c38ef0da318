import { isCode, messageWithHint } from '../base/errors.ts'
import { textForPeople } from '../base/path-bytes.ts'
import type { GapReason } from '../format/gap.ts'
import type { Bucket } from './bucket.ts'
import { readGap } from './stream-header.ts'
import type { ListedGap } from './stream-inventory.ts'
import { isClosed, type SealFacts } from './stream-state.ts'

/** A gap that is a loss, or may be one. `unknown`: its record cannot be read, or was not. */
export interface OpenGap {
  offset: number
  end: number | 'open'
  reason: Exclude<GapReason, 'diverged'> | 'unknown'
  /** Why its record cannot be read, with the remedy: a later version may say that nothing is lost at all. */
  problem?: string
}

/** A stream that an agent wrote has one or two; a host that writes thousands does not make us read them. */
const gapsReadMax = 8

/** Why bytes are missing, by the key of the gap: records never change, so that who looks often reads each once. */
export type GapReasons = Map<string, ReadReason>

interface ReadReason {
  reason: GapReason | 'unknown'
  problem?: string
}

/** The gaps of a stream that are not closed and no mere fork. Costs a small request for each that the names leave open. */
export async function readOpenGaps(
  bucket: Bucket,
  gaps: readonly ListedGap[],
  chainLength: number,
  seals: readonly SealFacts[],
  options: { reasons?: GapReasons; signal?: AbortSignal | undefined } = {},
): Promise<OpenGap[]> {
  const { reasons = new Map(), signal } = options
  const open: OpenGap[] = []
  for (const [at, gap] of gaps.filter((gap) => !isClosed(gap, chainLength, seals)).entries()) {
    const isRead = at < gapsReadMax
    const read = reasons.get(gap.key) ?? (isRead ? await reasonOf(bucket, gap, signal) : unread)
    if (isRead) reasons.set(gap.key, read)
    const { reason, problem } = read
    if (reason === 'diverged') continue
    open.push({ offset: gap.offset, end: gap.end, reason, ...(problem === undefined ? {} : { problem }) })
  }
  // What was seen of a loss has a record beside that of the loss itself: it counts once the latter is closed.
  const isPart = ({ offset, end }: OpenGap): boolean =>
    end !== 'open' && open.some((other) => other.end === 'open' && other.offset <= offset)
  return open.filter((gap) => !isPart(gap))
}

const unread: ReadReason = { reason: 'unknown' }

async function reasonOf(bucket: Bucket, gap: ListedGap, signal: AbortSignal | undefined): Promise<ReadReason> {
  try {
    return { reason: (await readGap(bucket, gap, signal)).reason }
  } catch (error) {
    if (isCode(error, 'corrupt')) return { reason: 'unknown', problem: messageWithHint(error) }
    throw error
  }
}

/** `512 B truncated unread`, for a table or a message; `formatBytes` as the command line writes quantities. */
export function describeGap(gap: OpenGap, formatBytes: (bytes: number) => string): string {
  const why = gap.reason === 'unknown' ? (gap.problem === undefined ? 'lost' : 'maybe lost') : `${gap.reason} unread`
  const what = gap.end === 'open' ? `${why} from ${gap.offset} on` : `${formatBytes(gap.end - gap.offset)} ${why}`
  return gap.problem === undefined ? what : `${what} (${textForPeople(gap.problem)})`
}
