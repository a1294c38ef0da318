import { resolve } from 'node:path'
import type { AliasReason } from '../format/alias.ts'
import { beforeOf, chainStart } from '../format/chain.ts'
import { birthOfIdentity, parseStreamId, segmentKey } from '../format/keys.ts'
import type { Origin } from '../format/origin.ts'
import { decodeSegmentHeader } from '../format/segment.ts'
import { agreesWith } from './agreement.ts'
import { type Content, contentOf, sampleAt } from './content.ts'
import { type AgentContext, compressedHoldMs, copyHoldMs, sourceOf } from './context.ts'
import type { Courier } from './courier.ts'
import { compare } from './evidence.ts'
import { hashFile } from './generations.ts'
import { attach, type Delivery, type Life } from './life.ts'
import { inspectChain } from './recheck.ts'
import {
  type AdoptSource,
  type CompressedSource,
  type CopySource,
  type CopyVerdict,
  isNamedAsCopy,
  judgeAdopted,
  judgeCompressed,
  judgeCopy,
  originalName,
} from './rules.ts'

/** What a decoded rotation may take of the disk; a larger one is a file like any other. */
const decodedBytesMax = 8 * 1024 ** 3

/** A stream whose bytes this new file may hold, at one destination. */
interface Candidate {
  stream: string
  path: string
  machine: string | undefined
  life: Life | undefined
  endedAtMs: number | undefined
}

/**
 * Is a file that no stream is known for the copy, the compressed rotation or the restored original of one that is?
 * `attached`: it goes on in that stream. `own`: it is a file like any other. `wait`: not to be decided yet.
 */
export async function judgeNewFile(
  context: AgentContext,
  courier: Courier,
  life: Life,
  delivery: Delivery,
): Promise<'attached' | 'own' | 'wait'> {
  const content = contentOf(life, delivery)
  if (content === undefined) return 'wait'
  const original = originalName(life.path)
  const verdict =
    original === undefined
      ? await judgePlain(context, courier, life, content)
      : await judgePacked(context, courier, life, content, original)
  const { reason } = verdict
  if (verdict.kind === 'wait') {
    delivery.waitingFor = verdict.why
    return 'wait'
  }
  if (verdict.kind === 'own' || life.ended || delivery.stream !== undefined) return 'own'
  if (verdict.endsSource) {
    const source = [...context.book.current.values()].find(
      (one) => one.deliveries.get(courier.name)?.stream === verdict.stream,
    )
    if (source) context.end(source, `its copy ${life.path} was found`)
    // The end of the source is recorded first, then this is looked at again.
    context.lookAfter(life, 100)
    return 'wait'
  }
  const found = await inspectChain(context, courier, verdict.stream)
  if (life.ended || delivery.stream !== undefined) return 'own'
  life.copy ??= { reason, size: life.size }
  attach(delivery, verdict.stream, found.footprint)
  context.changed(life)
  context.report({ kind: 'began', life, delivery, how: reason })
  return 'attached'
}

type Judged = CopyVerdict & { reason: AliasReason }

async function judgePlain(context: AgentContext, courier: Courier, life: Life, content: Content): Promise<Judged> {
  const { isOneShot } = context.settings
  const candidates = await candidatesOf(context, courier, life, namesakes(context, life))
  const sources: CopySource[] = []
  for (const candidate of candidates) {
    if (!isNamedAsCopy(life.path, candidate.path, olddirOf(context, life, directoryOf(candidate.path)))) continue
    if (!isBornWithin(life, candidate)) continue
    const source = await copySource(context, courier, content, candidate)
    if (source) sources.push(source)
  }
  const copy = judgeCopy({
    size: content.size,
    isSettled: isOneShot || isHeld(context, life, content.size, copyHoldMs),
    isOneShot,
    sources,
  })
  if (copy.kind === 'wait' && content.size > 0) context.lookAfter(life, copyHoldMs / 5)
  if (copy.kind !== 'own' || sources.length > 0) return { ...copy, reason: 'copy' }
  return { ...judgeAdopted(await adoptSources(context, courier, life, content, candidates)), reason: 'adopted' }
}

async function copySource(
  context: AgentContext,
  courier: Courier,
  content: Content,
  candidate: Candidate,
): Promise<CopySource | undefined> {
  const catalogue = await courier.catalogue()
  const gaps = await courier.destination.request(
    (signal) => catalogue.gapRecords(courier.destination.bucket, candidate.stream, signal),
    context.signal,
  )
  const isTruncated = candidate.life?.ended?.reason === 'truncated' || gaps.some((gap) => gap.reason === 'truncated')
  const { isShorter, isUnsettled } = await sourceNow(context, courier, candidate)
  // One-shot decides at once, and a source that stands as it was has left no copy: its bytes need no reading.
  if (context.settings.isOneShot && !isTruncated && !isShorter && !isUnsettled) return undefined
  const agreement = await agreesWith(context, courier, content, candidate)
  if (agreement === undefined) return undefined
  const isSealed = catalogue.seals(candidate.stream).length > 0
  return { stream: candidate.stream, length: agreement.length, isSealed, isTruncated, isShorter, isUnsettled }
}

/** [shortsrc, lastlook] Whether the source's file was truncated, seen or unseen, since it was last looked at. */
async function sourceNow(
  context: AgentContext,
  courier: Courier,
  candidate: Candidate,
): Promise<{ isShorter: boolean; isUnsettled: boolean }> {
  const { life } = candidate
  const sent = life?.deliveries.get(courier.name)
  if (life?.file === undefined || life.ended || sent?.stream !== candidate.stream)
    return { isShorter: false, isUnsettled: false }
  const { size } = life.file.stat()
  const isShort = size < sent.acked.offset
  const isUnsettled =
    size < life.size ||
    (!isShort && compare(sent.sent, await sampleAt({ file: life.file, size }, sent.sent)) === 'different')
  if (isUnsettled) context.look(life)
  return { isShorter: isShort && !life.isUnlinked && !isUnsettled, isUnsettled }
}

async function judgePacked(
  context: AgentContext,
  courier: Courier,
  life: Life,
  content: Content,
  original: string,
): Promise<Judged> {
  const { isOneShot } = context.settings
  const isSettled = isOneShot || isHeld(context, life, content.size, compressedHoldMs)
  const hasOriginal = [...context.book.at(original)].some(
    (one) => !one.ended && !one.isUnlinked && one.file !== undefined,
  )
  life.decoded ??= hasOriginal ? undefined : await decoded(context, content)
  const packed = life.decoded
  const facts = { isComplete: packed !== undefined, decodedSize: packed?.stat().size ?? 0, hasOriginal, isSettled }
  const sources: CompressedSource[] = []
  if (packed) {
    const unpacked = { file: packed, size: packed.stat().size }
    const digest = await hashFile(unpacked)
    for (const candidate of await candidatesOf(context, courier, life, context.book.all(), {
      length: unpacked.size,
      sha256: digest,
    })) {
      const source = await compressedSource(context, courier, unpacked, digest, candidate, original)
      if (source) sources.push(source)
    }
  }
  const verdict = judgeCompressed({ ...facts, sources })
  if (verdict.kind === 'wait') context.lookAfter(life, compressedHoldMs / 30)
  else if (verdict.kind === 'own') {
    await packed?.close()
    life.decoded = undefined
  }
  return { ...verdict, reason: 'compressed' }
}

async function decoded(context: AgentContext, content: Content): Promise<Life['decoded']> {
  const result = await context.files.decode(content.file, decodedBytesMax)
  return result === 'too-large' ? undefined : result
}

async function compressedSource(
  context: AgentContext,
  courier: Courier,
  unpacked: Content,
  digest: string,
  candidate: Candidate,
  original: string,
): Promise<CompressedSource | undefined> {
  const catalogue = await courier.catalogue()
  const seals = catalogue.seals(candidate.stream)
  const isDelivered = seals.some((seal) => seal.length === unpacked.size && seal.sha256 === digest)
  const agreement = isDelivered ? { length: unpacked.size } : await agreesWith(context, courier, unpacked, candidate)
  if (agreement === undefined || agreement.length > unpacked.size) return undefined
  const source = candidate.life
  return {
    stream: candidate.stream,
    length: agreement.length,
    isMissing: source === undefined || source.ended !== undefined || source.isUnlinked || source.file === undefined,
    isSealed: seals.length > 0,
    isNamed: candidate.path === original,
    isDelivered,
  }
}

async function adoptSources(
  context: AgentContext,
  courier: Courier,
  life: Life,
  content: Content,
  candidates: readonly Candidate[],
): Promise<AdoptSource[]> {
  const sources: AdoptSource[] = []
  for (const candidate of candidates) {
    const isMissing = candidate.life === undefined || candidate.life.ended?.reason === 'gone'
    if (!isMissing || candidate.path !== life.path || candidate.machine !== context.settings.machine) continue
    const agreement = await agreesWith(context, courier, content, candidate)
    if (agreement === undefined || agreement.length > content.size) continue
    sources.push({
      stream: candidate.stream,
      length: agreement.length,
      samePath: true,
      sameMachine: candidate.machine !== undefined,
      isMissing,
    })
  }
  return sources
}

/**
 * Streams that a new file may belong to, by what costs nothing: those of `lives`, and streams of the destination whose
 * file is not here: unsealed ones, and for a compressed file those with its decoded seal.
 */
async function candidatesOf(
  context: AgentContext,
  courier: Courier,
  life: Life,
  lives: Iterable<Life>,
  decodedAs?: { length: number; sha256: string },
): Promise<Candidate[]> {
  const candidates = new Map<string, Candidate>()
  for (const other of lives) {
    const stream =
      other.deliveries.get(courier.name)?.stream ??
      [...other.deliveries.values()].find((one) => one.stream !== undefined)?.stream
    if (other === life || stream === undefined || parseStreamId(stream)?.identity !== other.identity) continue
    candidates.set(stream, {
      stream,
      path: other.path,
      machine: other.origin.machine,
      life: other,
      endedAtMs: other.ended?.atMs,
    })
  }
  const catalogue = await courier.catalogue()
  const orphans = [...catalogue.unsealedStreams()].filter((stream) =>
    isOrphan(context, life, stream, catalogue.gaps(stream).length > 0),
  )
  for (const stream of [...(decodedAs ? catalogue.streamsSealedAs(decodedAs) : []), ...orphans]) {
    const identity = parseStreamId(stream)?.identity
    if (candidates.has(stream) || identity === undefined) continue
    const origin = await originOfStream(context, courier, stream)
    if (origin)
      candidates.set(stream, {
        stream,
        path: origin.path,
        machine: origin.machine,
        life: context.book.current.get(identity),
        endedAtMs: undefined,
      })
  }
  return [...candidates.values()]
}

/** Its file is not here, or goes on in another generation. */
function isOrphan(context: AgentContext, life: Life, stream: string, hasGap: boolean): boolean {
  const identity = parseStreamId(stream)?.identity ?? ''
  if (identity === life.identity) return false
  return (
    !context.book.current.has(identity) || (hasGap && ![...context.book.old].some((old) => old.identity === identity))
  )
}

/** Lives whose copy, by its name, this file could be, and those that had its own name. */
function* namesakes(context: AgentContext, life: Life): Iterable<Life> {
  const directory = directoryOf(life.path)
  const olddir = sourceOf(context, life)?.olddir
  yield* context.book.at(life.path)
  yield* context.book.namesakes(
    life.path,
    olddir === undefined ? [directory] : [directory, ...sourceDirectories(context, directory, olddir)],
  )
}

/** Directories whose `olddir` is `directory`. */
function sourceDirectories(context: AgentContext, directory: string, olddir: string): string[] {
  const directories = new Set([...context.book.all()].map((one) => directoryOf(one.path)))
  return [...directories].filter((one) => one !== directory && resolve(one, olddir) === directory)
}

async function originOfStream(context: AgentContext, courier: Courier, stream: string): Promise<Origin | undefined> {
  const { bucket } = courier.destination
  const key = segmentKey(context.settings.host, stream, 0, beforeOf(chainStart))
  const info = await courier.destination.request((signal) => bucket.head(key, { signal }), context.signal)
  try {
    return info && decodeSegmentHeader(info.metadata, key).origin
  } catch {
    // Not an agent's: a stray, and no candidate.
    return undefined
  }
}

/** [srcbirth] A copy is born in the life of its source, before its end was seen. */
function isBornWithin(life: Life, candidate: Candidate): boolean {
  const born = birthOfIdentity(life.identity)
  const sourceBorn = birthOfIdentity(parseStreamId(candidate.stream)?.identity ?? '')
  if (born === undefined || sourceBorn === undefined) return true
  if (born < sourceBorn) return false
  return candidate.endedAtMs === undefined || Date.parse(`${born.slice(0, 23)}Z`) <= candidate.endedAtMs
}

/** The size has stood for `holdMs`. */
function isHeld(context: AgentContext, life: Life, size: number, holdMs: number): boolean {
  const now = context.clock.monotonic()
  if (life.hold?.size !== size) life.hold = { size, sinceMs: now }
  return now - life.hold.sinceMs >= holdMs
}

function olddirOf(context: AgentContext, life: Life, sourceDirectory: string): string | undefined {
  const olddir = sourceOf(context, life)?.olddir
  return olddir === undefined ? undefined : resolve(sourceDirectory, olddir)
}

function directoryOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')))
}
