import { createHash } from 'node:crypto'
import { sha256 } from '../../base/hash.ts'
import { listNames } from '../../bucket/bucket.ts'
import { listSegments } from '../../bucket/stream-listing.ts'
import { hostPrefix, parseStreamId, streamId } from '../../format/keys.ts'
import { windowBytes } from '../../format/limits.ts'
import type { AgentContext } from '../context.ts'
import type { Courier } from '../courier.ts'
import { readRange } from '../files/files.ts'
import { walkWithFile } from '../shipping/as-shipped.ts'
import type { Delivered } from '../shipping/delivered.ts'
import type { SealRef } from './catalogue.ts'
import type { Content } from './content.ts'
import { compareDelivered, inspectChain } from './inspect.ts'
import { type Generation, isTaken, nextGeneration } from './rules.ts'
import { isForeign, originOfStream } from './stream-origin.ts'

/** A generation of an identity at a destination, held against the file. */
export interface KnownGeneration extends Generation {
  stream: string
  delivered: Delivered
  /** The seal of this length that is there. */
  sealed?: SealRef | undefined
}

/** Every generation that the destination is known to have. */
export async function knownGenerations(
  context: AgentContext,
  courier: Courier,
  identity: string,
  content: Content,
): Promise<KnownGeneration[]> {
  const catalogue = await courier.catalogue()
  const known: KnownGeneration[] = []
  for (const generation of catalogue.generations(identity)) {
    const stream = streamId(identity, generation)
    const gaps = await courier.destination.request(
      (signal) => catalogue.gapRecords(courier.destination.bucket, stream, signal),
      context.signal,
    )
    const seals = catalogue.seals(stream)
    const bySeal = await deliveredBySeal(context, courier, stream, content, seals)
    const delivered = bySeal?.delivered ?? (await inspectChain(context, courier, stream))
    const length = delivered.footprint.offset
    const isForeign = await isForeignStream(context, courier, stream, length)
    const bytes = bySeal ? 'same' : await compareDelivered(context, courier, content, delivered)
    known.push({
      generation,
      stream,
      delivered,
      length,
      isForeign,
      bytes,
      comparison: isForeign ? 'different' : bytes,
      isEnded: gaps.some((gap) => gap.reason === 'truncated'),
      hasGap: gaps.length > 0,
      hasSeal: seals.length > 0,
      sealed: bySeal?.sealed ?? seals.find((seal) => seal.length === length),
    })
  }
  return known
}

/**
 * The same in every destination where it is free: `elsewhere` are the life's own generations at others, and here nothing is
 * in them and nothing ended. Else the next. (A bucket that was emptied knows of no end, and one that was away may know of
 * another machine's later ones; joined with another bucket, it must not have the life twice.)
 */
export function generationBeside(
  elsewhere: readonly number[],
  known: readonly Generation[],
  firstGeneration: number,
): number {
  const taken = new Set(known.filter(isTaken).map(({ generation }) => generation))
  const free = elsewhere.filter((generation) => generation >= firstGeneration && !taken.has(generation))
  return free.length > 0 ? Math.min(...free) : nextGeneration(known, firstGeneration)
}

/** Another machine's stream is never continued, whatever its bytes. */
async function isForeignStream(
  context: AgentContext,
  courier: Courier,
  stream: string,
  length: number,
): Promise<boolean> {
  if (length === 0 || context.settings.machine === undefined) return false
  return isForeign(context.settings, await originOfStream(context, courier, stream))
}

/** What another agent (or we, before the state was lost) began meanwhile. */
export async function refreshGenerations(context: AgentContext, courier: Courier, identity: string): Promise<void> {
  const catalogue = await courier.catalogue()
  const { bucket } = courier.destination
  const room = hostPrefix('segments', context.settings.host)
  const rests = await courier.destination.request(
    (signal) => listNames(bucket, `${room}${identity}`, { signal }),
    context.signal,
  )
  for (const rest of rests)
    if (parseStreamId(identity + rest)?.identity === identity) catalogue.addStream(identity + rest)
}

/**
 * The quick way where the state was lost: a seal (or a `final` segment) with the file's own length and hash says that its
 * bytes are the stream's, so the file itself gives the windows to walk by, and one listing shows that all is there.
 */
async function deliveredBySeal(
  context: AgentContext,
  courier: Courier,
  stream: string,
  content: Content,
  seals: readonly SealRef[],
): Promise<{ delivered: Delivered; sealed: SealRef } | undefined> {
  const candidates = seals.filter((seal) => seal.length === content.size)
  if (seals.length > 0 && candidates.length === 0) return undefined
  const { bucket } = courier.destination
  const request = <T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    courier.destination.request(ask, context.signal)
  const segments = await request((signal) => listSegments(bucket, context.settings.host, stream, { signal }))
  const [only] = segments.all
  if (candidates.length === 0) {
    if (segments.all.length !== 1 || only === undefined || only.offset !== 0 || only.length !== content.size)
      return undefined
    const final = (await request((signal) => bucket.head(only.key, { version: only.version, signal })))?.metadata.final
    if (final !== undefined) candidates.push({ length: content.size, sha256: final })
  }
  const digest = candidates.length === 0 ? undefined : await hashFile(content)
  const sealed = candidates.find((seal) => seal.sha256 === digest)
  const delivered = sealed && (await walkWithFile(stream, content, segments))
  return sealed && delivered && { delivered, sealed }
}

/** SHA-256 of a file's first `size` bytes, a stretch at a time. */
export async function hashFile(content: Content): Promise<string> {
  if (content.size <= windowBytes) return sha256(await readRange(content.file, 0, content.size))
  const hash = createHash('sha256')
  for (let at = 0; at < content.size; ) {
    const bytes = await readRange(content.file, at, Math.min(content.size, at + (1 << 20)))
    if (bytes.byteLength === 0) break
    hash.update(bytes)
    at += bytes.byteLength
  }
  return hash.digest('hex')
}
