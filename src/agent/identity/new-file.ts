import type { AliasReason } from '../../format/alias.ts'
import { birthOfIdentity, parseStreamId } from '../../format/keys.ts'
import { type AgentContext, copyHoldMs, doubt } from '../context.ts'
import type { Courier } from '../courier.ts'
import { openAwaited } from '../discovery/explore.ts'
import { attach, type Delivery, isHeld, type Life } from '../life.ts'
import { isAnswering } from '../rest.ts'
import { adoptSources, judgeAdopted } from './adopt.ts'
import { agreesWith } from './agreement.ts'
import { type Candidate, candidatesOf, isCopyOf, namesakes } from './candidates.ts'
import { type Content, contentOf, footprintNow, sampleAt } from './content.ts'
import { compare } from './evidence.ts'
import { inspectChain } from './inspect.ts'
import { judgePacked } from './packed.ts'
import { type CopySource, type CopyVerdict, judgeCopy, originalName } from './rules.ts'
import { isToBeOpened, unseenSource } from './unseen-source.ts'

/** A copy whose source ends first is looked at again so soon. */
const othersMs = 200

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
  const verdict = await judge(context, courier, life, content)
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
    context.lookAfter(life, othersMs)
    return 'wait'
  }
  const found = await inspectChain(context, courier, verdict.stream)
  if (life.ended || delivery.stream !== undefined) return 'own'
  const source = found.footprint.offset === 0 ? sourceOfStream(context, verdict.stream) : undefined
  const packed = reason === 'compressed' ? await footprintNow(content) : undefined
  if (life.ended || delivery.stream !== undefined) return 'own'
  life.copy ??= { reason, size: content.size, packed }
  // Another destination may have had all of it, and needed no origin.
  if (source) life.copy.origin ??= source.origin
  attach(delivery, verdict.stream, found.footprint)
  context.changed(life)
  context.report({ kind: 'began', life, delivery, how: reason })
  return 'attached'
}

function sourceOfStream({ book }: AgentContext, stream: string): Life | undefined {
  for (const life of book.all())
    for (const delivery of life.deliveries.values()) if (delivery.stream === stream) return life
  return undefined
}

async function judge(
  context: AgentContext,
  courier: Courier,
  life: Life,
  content: Content,
): Promise<CopyVerdict & { reason: AliasReason }> {
  const unseen = await unseenSource(context, courier, life)
  if (unseen) courier.waitFor(life, unseen)
  // After the first scan every life is woken.
  if (unseen || !context.book.isExplored)
    return { kind: 'wait', why: 'the files that it may be a copy of are looked at first', reason: 'copy' }
  const original = originalName(life.path)
  if (original !== undefined)
    return { ...(await judgePacked(context, courier, life, content, original)), reason: 'compressed' }
  return judgePlain(context, courier, life, content)
}

async function judgePlain(
  context: AgentContext,
  courier: Courier,
  life: Life,
  content: Content,
): Promise<CopyVerdict & { reason: AliasReason }> {
  const { isOneShot } = context.settings
  // An empty file that nobody can write to by name any more becomes no copy.
  if (content.size === 0 && life.isUnlinked) return { kind: 'own', reason: 'copy' }
  const candidates = await candidatesOf(context, courier, life, [...namesakes(context, life)])
  const sources: CopySource[] = []
  const named = candidates.filter((candidate) => isCopyOf(context, life, candidate))
  // Only what may be a copy is held: of any other file, what was seen is lost when it is cut.
  const isSettled = isOneShot || (named.length > 0 && isHeld(life, content.size, copyHoldMs, context.clock.monotonic()))
  const wereCut = named.map(cutWatch)
  for (const candidate of named) {
    const source = await copySource(context, courier, life, content, candidate, isSettled)
    if (source) sources.push(source)
  }
  const copy = judgeCopy({
    size: content.size,
    isSettled,
    isOneShot,
    sources,
  })
  // [lastlook] A slow store answers late: what became of the sources meanwhile is not in what was gathered of them.
  const isStale = copy.kind === 'own' && wereCut.some((wasCut) => wasCut())
  if ((copy.kind === 'wait' && content.size > 0) || isStale) context.lookAfter(life, copyHoldMs / 5)
  if (isStale) return { kind: 'wait', why: 'its source is being looked at', reason: 'copy' }
  if (copy.kind !== 'own' || sources.length > 0) return { ...copy, reason: 'copy' }
  return {
    ...judgeAdopted(
      await adoptSources(context, courier, life, content, candidates),
      context.settings.isToldToAdopt === true,
    ),
    reason: 'adopted',
  }
}

/** Tells later whether the source ended or became shorter since now. */
function cutWatch({ life }: Candidate): () => boolean {
  const size = life?.file?.stat().size
  if (life === undefined || life.ended || size === undefined) return () => false
  return () => life.ended !== undefined || (life.file !== undefined && life.file.stat().size < size)
}

async function copySource(
  context: AgentContext,
  courier: Courier,
  life: Life,
  content: Content,
  candidate: Candidate,
  isSettled: boolean,
): Promise<CopySource | undefined> {
  const catalogue = await courier.catalogue()
  const gaps = await courier.destination.request(
    (signal) => catalogue.gapRecords(courier.destination.bucket, candidate.stream, signal),
    context.signal,
  )
  // Without the state, a truncation that nobody saw was recorded as a stream that its file had left.
  const ends = gaps.filter((gap) => gap.reason === 'truncated' || gap.reason === 'diverged')
  const endedAtMs = Math.min(candidate.endedAtMs ?? Number.POSITIVE_INFINITY, ...ends.map((gap) => Date.parse(gap.at)))
  if (!isBornWithin(life, candidate.stream, endedAtMs)) return undefined
  const isTruncated = candidate.life?.ended?.reason === 'truncated' || ends.length > 0
  const now = await sourceNow(context, courier, candidate)
  const { fileSize, isShorter } = now
  // One-shot decides at once, and a source that stands as it was has left no copy: its bytes need no reading.
  if (context.settings.isOneShot && !isTruncated && !isShorter && !now.isUnsettled) return undefined
  const found = await agreesWith(context, courier, content, candidate)
  const agreement = found === 'unknown' ? (judgedElsewhere(context, courier, life, candidate) ?? found) : found
  if (agreement === 'wait')
    return { stream: candidate.stream, length: 0, fileSize, isTruncated: false, isShorter: false, isUnsettled: true }
  // While the two were compared it may have been cut, and have grown.
  const isUnsettled =
    now.isUnsettled || (agreement === 'unknown' && (await sourceNow(context, courier, candidate)).isUnsettled)
  // Of a file that is there, and is not what was read of it any more: this may be the copy of what it has become. (What two
  // files wait for that have no stream here yet would be each other.)
  const mayAgree = now.isUnsettled && fileSize !== undefined
  if ((agreement === undefined && !mayAgree) || (agreement === 'unknown' && isSettled && !isUnsettled)) return undefined
  const { stream } = candidate
  if (agreement === undefined || agreement === 'unknown')
    return { stream, length: 0, fileSize, isTruncated: false, isShorter: false, isUnsettled: true }
  return { stream, length: agreement.length, fileSize, isTruncated, isShorter, isUnsettled }
}

/**
 * What this destination lacks of the source, and its file does not tell any more, another may have: what the copy was judged
 * to be there, it is here as well, or joined they would have it twice. `wait`: one that answers is about to judge it; for so
 * long as the copy was held, and no longer (I5).
 */
function judgedElsewhere(
  { clock, couriers }: AgentContext,
  courier: Courier,
  { hold, deliveries }: Life,
  { life: source, stream }: Candidate,
): { length: number } | 'wait' | undefined {
  let isAwaited = false
  for (const [name, { stream: there, acked }] of source?.deliveries ?? []) {
    const other = couriers.get(name)
    const judged = deliveries.get(name)
    if (other === undefined || other === courier || judged === undefined) continue
    if (there !== stream || acked.offset === 0) continue
    if (judged.stream === stream) return { length: acked.offset }
    isAwaited ||= judged.stream === undefined && isAnswering(other)
  }
  const isHeldLonger = hold !== undefined && clock.monotonic() - hold.sinceMs < 2 * copyHoldMs
  return isAwaited && isHeldLonger ? 'wait' : undefined
}

/** [shortsrc, lastlook] Whether the source's file was truncated, seen or unseen, since it was last looked at. */
async function sourceNow(
  context: AgentContext,
  courier: Courier,
  candidate: Candidate,
): Promise<Pick<CopySource, 'fileSize' | 'isShorter' | 'isUnsettled'>> {
  const { life } = candidate
  const sent = life?.deliveries.get(courier.name)
  if (life === undefined || life.ended || sent === undefined)
    return { fileSize: undefined, isShorter: false, isUnsettled: false }
  if (life.file === undefined) {
    const isUnsettled = isToBeOpened(context, life)
    if (isUnsettled) openAwaited(context, life)
    return { fileSize: undefined, isShorter: false, isUnsettled }
  }
  // It is just being left for another stream: what becomes of it is recorded first.
  if (sent.stream !== candidate.stream)
    return { fileSize: undefined, isShorter: false, isUnsettled: sent.stream !== undefined || life.size > 0 }
  const { size, stamp } = life.file.stat()
  const isShort = size < sent.acked.offset
  const isAsSeen = life.isWatched && stamp === life.stamp
  const read = sent.confirmed.offset > sent.sent.offset ? sent.confirmed : sent.sent
  const isUnsettled =
    size < life.size ||
    (!isShort && !isAsSeen && compare(read, await sampleAt({ file: life.file, size }, read)) === 'different')
  if (isUnsettled) doubt(context, life)
  return { fileSize: size, isShorter: isShort && !isUnsettled, isUnsettled }
}

/** [srcbirth] A copy is born in the life of its source, before its end was recorded. */
function isBornWithin(life: Life, stream: string, endedAtMs: number): boolean {
  const born = birthOfIdentity(life.identity)
  const sourceBorn = birthOfIdentity(parseStreamId(stream)?.identity ?? '')
  if (born === undefined || sourceBorn === undefined) return true
  return born >= sourceBorn && Date.parse(`${born.slice(0, 23)}Z`) <= endedAtMs
}
