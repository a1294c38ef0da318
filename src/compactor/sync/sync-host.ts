import { forEachConcurrently } from '../../base/concurrency.ts'
import { isCode, LogcaskError, messageOf } from '../../base/errors.ts'
import { type HostRecords, listRecords } from '../../bucket/stream-inventory.ts'
import { listSegments } from '../../bucket/stream-listing.ts'
import { parseStreamId } from '../../format/keys.ts'
import { falseSeals } from './check-seals.ts'
import { copyDigests } from './copy-digests.ts'
import { copyRecords } from './copy-records.ts'
import { copySegments, type JoinKind } from './copy-segments.ts'
import type { SyncContext } from './create-in-target.ts'
import { pairStream, pairStreams, type StreamPair } from './pair-streams.ts'
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
  const missingOf = (stream: string): MissingRecord[] => missingRecords(host, stream, records, known)
  const seen = new Set<string>()
  const endings = endingsOf(records, (stream) => missingOf(stream).some(({ kind }) => kind === 'gap'))
  /** Of streams with an ending that the target lacks: brought once, whoever comes to it first. */
  const ended = new Map<string, Promise<SyncedStream>>()
  const bring = async (pair: StreamPair): Promise<SyncedStream> => {
    const elders = (endings.get(identityOf(pair.stream)) ?? []).filter((one) => isElder(one, pair.stream))
    for (const elder of elders) {
      const { kind, problems } = await bringEnded(elder)
      // Its ending may be there next time. What no agent wrote never will be: it holds back nothing.
      if (kind === 'failed' && !isCode(problems[0], 'corrupt'))
        return { host, stream: pair.stream, kind: 'failed', ...nothing, problems: [waitsFor(host, pair.stream, elder)] }
    }
    return syncStream(context, host, pair, missingOf(pair.stream))
  }
  const bringEnded = (stream: string, pair?: StreamPair): Promise<SyncedStream> => {
    const begun = ended.get(stream)
    if (begun !== undefined) return begun
    const work = caught(context, host, stream, async () => {
      const found = pair ?? (await pairStream(source, target, host, stream, signal))
      if (found.source.all.length > 0) return bring(found)
      return syncRecords(context, host, stream, missingOf(stream))
    })
    ended.set(stream, work)
    // Whoever waits for it hears of it.
    work.catch(() => {})
    return work
  }
  const isEnded = (stream: string): boolean => endings.get(identityOf(stream))?.includes(stream) === true
  await forEachConcurrently(pairStreams(source, target, host, { signal, onStray }), streamsAtOnce, async (pair) => {
    seen.add(pair.stream)
    onStream(await (isEnded(pair.stream) ? bringEnded(pair.stream, pair) : bring(pair)))
  })
  const others = streamsOf(records).filter((stream) => !seen.has(stream))
  await forEachConcurrently(others, streamsAtOnce, async (stream) => {
    const missing = missingOf(stream)
    if (missing.length === 0) return
    onStream(await (isEnded(stream) ? bringEnded(stream) : syncRecords(context, host, stream, missing)))
  })
  return { digests: await copyDigests(context, host) }
}

/**
 * By identity, from the first generation on: the streams of which a gap is to be brought. It is in a destination before
 * anything of the next generation is: this is how an agent that has lost its state knows that a life has ended there.
 */
function endingsOf({ gaps }: HostRecords, isLacking: (stream: string) => boolean): Map<string, string[]> {
  const streams = [...gaps.keys()].filter(isLacking).sort((a, b) => generationOf(a) - generationOf(b))
  return Map.groupBy(streams, identityOf)
}

function identityOf(stream: string): string {
  return parseStreamId(stream)?.identity ?? stream
}

function generationOf(stream: string): number {
  return parseStreamId(stream)?.generation ?? 0
}

function isElder(one: string, stream: string): boolean {
  return generationOf(one) < generationOf(stream)
}

function waitsFor(host: string, stream: string, elder: string): LogcaskError {
  return new LogcaskError(
    'unavailable',
    `${host} ${stream}: waits for the end of ${elder}, which could not be brought`,
    {
      hint: 'what stood in its way is told beside this; run the same again',
    },
  )
}

function streamsOf({ seals, gaps, aliases }: HostRecords): string[] {
  return [...new Set([...seals.keys(), ...gaps.keys(), ...aliases.keys()])].sort()
}

const none = { keys: new Set<string>(), problems: [] }
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
    // What was brought just now, from its first byte on, is the source's.
    const wrong = bytes < length && !context.isDryRun ? await falseSeals(context, host, stream, missing, length) : none
    const sound = missing.filter(({ key }) => !wrong.keys.has(key))
    const { records, heldBack, problems } = await copyRecords(context, host, sound, has)
    return { ...copied, records, heldBack: heldBack + wrong.keys.size, problems: [...wrong.problems, ...problems] }
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
