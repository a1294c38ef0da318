import { isCode } from '../base/errors.ts'
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
}

/** A stream that an agent wrote has one or two; a host that writes thousands does not make us read them. */
const gapsReadMax = 8

/** Why bytes are missing, by the key of the gap: records never change, so that who looks often reads each once. */
export type GapReasons = Map<string, GapReason | 'unknown'>

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
    const reason = reasons.get(gap.key) ?? (isRead ? await reasonOf(bucket, gap, signal) : 'unknown')
    if (isRead) reasons.set(gap.key, reason)
    if (reason !== 'diverged') open.push({ offset: gap.offset, end: gap.end, reason })
  }
  return open
}

async function reasonOf(
  bucket: Bucket,
  gap: ListedGap,
  signal: AbortSignal | undefined,
): Promise<GapReason | 'unknown'> {
  try {
    return (await readGap(bucket, gap, signal)).reason
  } catch (error) {
    if (isCode(error, 'corrupt')) return 'unknown'
    throw error
  }
}

/** `512 B truncated unread`, for a table or a message; `formatBytes` as the command line writes quantities. */
export function describeGap(gap: OpenGap, formatBytes: (bytes: number) => string): string {
  const why = gap.reason === 'unknown' ? 'lost' : `${gap.reason} unread`
  return gap.end === 'open' ? `${why} from ${gap.offset} on` : `${formatBytes(gap.end - gap.offset)} ${why}`
}
