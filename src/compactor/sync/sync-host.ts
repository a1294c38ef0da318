import { forEachConcurrently } from '../../base/concurrency.ts'
import { isCode, LogcaskError, messageOf } from '../../base/errors.ts'
import { type HostRecords, listRecords } from '../../bucket/stream-inventory.ts'
import { listSegments } from '../../bucket/stream-listing.ts'
import { copyDigests } from './copy-digests.ts'
import { copyRecords } from './copy-records.ts'
import { copySegments, type JoinKind } from './copy-segments.ts'
import type { SyncContext } from './create-in-target.ts'
import { pairStreams, type StreamPair } from './pair-streams.ts'
import { hasAllNames, type MissingRecord, missingRecords } from './sync-plan.ts'

/** What became of one stream. */
export interface SyncedStream {
  host: string
  stream: string
  /** `same`: by the names; no byte was looked at. */
  kind: JoinKind | 'same' | 'failed'
  /** Brought now; with a dry run: to be brought. */
  bytes: number
  segments: number
  records: number
  /** Records that say more than the target has. */
  heldBack: number
  /** Where the target's content ends, where that was looked at. */
  length?: number
  problems: readonly LogcaskError[]
}

export interface SyncedHost {
  digests: number
}

/** Streams that are copied at once: what each holds of segments counts against the memory. */
const streamsAtOnce = 4

/**
 * Brings what `source` has of a host and `target` lacks. The error of a stream is its own; rejects only where a listing
 * was not complete, or nothing may be written to the target at all.
 */
export async function syncHost(
  context: SyncContext,
  host: string,
  onStream: (synced: SyncedStream) => void,
  onStray?: (key: string) => void,
): Promise<SyncedHost> {
  const { source, target, signal } = context
  // The source's records come first: what they speak of is listed after them, and copied before them.
  const records = await listRecords(source, host, { signal, onStray })
  const known = await listRecords(target, host, { signal })
  const seen = new Set<string>()
  await forEachConcurrently(pairStreams(source, target, host, { signal, onStray }), streamsAtOnce, async (pair) => {
    seen.add(pair.stream)
    onStream(await syncStream(context, host, pair, missingRecords(host, pair.stream, records, known)))
  })
  const others = streamsOf(records).filter((stream) => !seen.has(stream))
  await forEachConcurrently(others, streamsAtOnce, async (stream) => {
    const missing = missingRecords(host, stream, records, known)
    if (missing.length > 0) onStream(await syncRecords(context, host, stream, missing))
  })
  return { digests: await copyDigests(context, host) }
}

function streamsOf({ seals, gaps, aliases }: HostRecords): string[] {
  return [...new Set([...seals.keys(), ...gaps.keys(), ...aliases.keys()])].sort()
}

const nothing = { bytes: 0, segments: 0, records: 0, heldBack: 0, problems: [] }

async function syncStream(
  context: SyncContext,
  host: string,
  pair: StreamPair,
  missing: readonly MissingRecord[],
): Promise<SyncedStream> {
  const { stream } = pair
  if (missing.length === 0 && hasAllNames(pair.source, pair.target)) return { host, stream, kind: 'same', ...nothing }
  return caught(context, host, stream, async () => {
    const { kind, length, sourceLength, segments, bytes } = await copySegments(context, host, pair)
    const copied = { host, stream, kind, length, segments, bytes }
    if (kind !== 'joined') return { ...copied, records: 0, heldBack: missing.length, problems: [] }
    const has = { length, isAll: length >= sourceLength }
    return { ...copied, ...(await copyRecords(context, host, missing, has)) }
  })
}

/** Of a stream without a segment in the source: an empty file, a life of which nothing was sent, or one that has expired. */
async function syncRecords(
  context: SyncContext,
  host: string,
  stream: string,
  missing: readonly MissingRecord[],
): Promise<SyncedStream> {
  return caught(context, host, stream, async () => {
    const { all } = await listSegments(context.target, host, stream, { signal: context.signal })
    const plain = { host, stream, kind: 'joined' as const, segments: 0, bytes: 0 }
    // What the target has under this name may be another history: nothing tells.
    if (all.length > 0) return { ...plain, records: 0, heldBack: missing.length, problems: [] }
    const isEmpty = missing.some(({ kind, needs }) => kind === 'seal' && needs === 0)
    return { ...plain, ...(await copyRecords(context, host, missing, { length: 0, isAll: isEmpty })) }
  })
}

async function caught(
  context: SyncContext,
  host: string,
  stream: string,
  work: () => Promise<SyncedStream>,
): Promise<SyncedStream> {
  try {
    return await work()
  } catch (error) {
    context.signal.throwIfAborted()
    const problem = isCode(error, 'unavailable', 'refused', 'corrupt', 'invalid')
      ? error
      : new LogcaskError('internal', messageOf(error), { cause: error })
    return { host, stream, kind: 'failed', ...nothing, problems: [problem] }
  }
}
