import { type AliasReason, decodeAlias } from '../../format/alias.ts'
import { aliasKey, streamId } from '../../format/keys.ts'
import { type AgentContext, type AgentEvent, doubt } from '../context.ts'
import type { Courier } from '../courier.ts'
import { completionOf } from '../ending/complete.ts'
import { recordGap } from '../ending/record-gap.ts'
import { attach, type Delivery, hasBirth, type Life, ownGenerations } from '../life.ts'
import { isReadOtherwise } from '../shipping/read-before.ts'
import { type Content, contentOf, footprintNow } from './content.ts'
import { decodedOf } from './decoded.ts'
import { nothingShipped } from './evidence.ts'
import { generationBeside, type KnownGeneration, knownGenerations } from './generations.ts'
import { isIgnored } from './ignored.ts'
import { compareDelivered, inspectChain, sharedLength } from './inspect.ts'
import { judgeNewFile } from './new-file.ts'
import { forkedFrom, leftBehind, resumable } from './rules.ts'
import { isForeign, originOfStream, recallName } from './stream-origin.ts'

/**
 * Finds out which stream this life's bytes belong to at this destination: one of its own that matches, one that an alias
 * names, one that it is the copy of, or a new one. True: the next step may follow; false: it has to wait.
 */
export async function attachDelivery(
  context: AgentContext,
  courier: Courier,
  life: Life,
  delivery: Delivery,
): Promise<boolean> {
  const content = contentOf(life, delivery)
  if (content === undefined) return false
  if (hasEndToRecord(context, life, delivery)) {
    delivery.waitingFor = 'the end of the life before is not recorded there yet'
    return false
  }
  const known = await knownGenerations(context, courier, life.identity, content)
  if (life.ended || delivery.stream !== undefined) return true
  if (wasCut(context, life, content)) return false
  const pick = resumable(known, life.firstGeneration)
  if (pick) {
    await recallName(context, courier, life, pick.stream)
    return life.ended !== undefined || delivery.stream !== undefined || resume(context, life, delivery, pick)
  }
  if (!life.isOwn && (await followAlias(context, courier, life, delivery, content))) return true
  if (!life.isOwn && mayBeOther(life, known)) {
    // [perdest] What it is at one destination does not decide what it is at another.
    const verdict = await judgeNewFile(context, courier, life, delivery)
    if (life.ended || delivery.stream !== undefined) return true
    if (verdict === 'wait') return false
    if (verdict === 'attached') return true
  }
  if (await isIgnored(context, courier, life, delivery, content)) return false
  if (life.ended || delivery.stream !== undefined) return true
  if (content.size === 0 && completionOf(context, life) === undefined) {
    delivery.waitingFor = 'empty'
    return false
  }
  await begin(context, courier, life, delivery, known, content)
  return true
}

/** Without birth times a new file may have an inode that another had: what is known under it is not this file's. */
function mayBeOther(life: Life, known: readonly KnownGeneration[]): boolean {
  return !hasBirth(life) || (life.firstGeneration === 0 && known.length === 0)
}

/** [endmark] The end of a truncated stream stands in the bucket before anything of the next generation goes there. */
function hasEndToRecord(context: AgentContext, life: Life, delivery: Delivery): boolean {
  for (const old of context.book.old) {
    if (old.identity !== life.identity || old.ended?.reason !== 'truncated') continue
    const before = old.deliveries.get(delivery.destination)
    if (before && !before.hasGap) return true
  }
  return false
}

function resume(context: AgentContext, life: Life, delivery: Delivery, pick: KnownGeneration): boolean {
  attach(delivery, pick.stream, pick.delivered.footprint)
  if (pick.comparison !== 'short') delivery.confirmed = delivery.acked
  delivery.sealed = pick.sealed
  delivery.landed = pick.delivered.segments.beginningsAfter(pick.length)
  began(context, life, delivery, 'resumed')
  return true
}

async function followAlias(
  context: AgentContext,
  courier: Courier,
  life: Life,
  delivery: Delivery,
  content: Content,
): Promise<boolean> {
  const catalogue = await courier.catalogue()
  for (const stream of catalogue.aliases(life.identity)) {
    const found = await inspectChain(context, courier, stream)
    const reason = await aliasReason(context, courier, life, stream)
    const decoded = reason === 'compressed' ? await decodedOf(context, life) : undefined
    const held = decoded ? { file: decoded, size: decoded.stat().size } : content
    if (life.ended || delivery.stream !== undefined) return true
    if (isForeign(context.settings, await originOfStream(context, courier, stream))) continue
    const comparison =
      found.footprint.offset === 0 ? 'different' : await compareDelivered(context, courier, held, found)
    // A beginning is no proof where the inode may have been another file's: what both begin with, many do.
    if (comparison === 'short' && !hasBirth(life)) continue
    if (comparison === 'different') {
      context.report({
        kind: 'problem',
        code: 'alias-ignored',
        place: life.path,
        message: `an alias says that it holds ${stream}, but its bytes do not: ignored`,
      })
      continue
    }
    const sealed = catalogue.seals(stream).find((seal) => seal.length === found.footprint.offset)
    // [growfork] It grew after it was judged: no alias speaks of those bytes.
    if (reason === 'copy' && sealed && content.size > sealed.length) continue
    const packed = decoded && (await footprintNow(content))
    if (life.ended || delivery.stream !== undefined) return true
    attach(delivery, stream, found.footprint)
    delivery.hasAlias = true
    delivery.sealed = sealed
    life.copy ??= { reason, size: content.size, packed }
    began(context, life, delivery, reason)
    return true
  }
  return false
}

/** Why the alias was made; one that cannot be understood is taken for a copy's, whose bytes are compared as they are. */
async function aliasReason(context: AgentContext, courier: Courier, life: Life, stream: string): Promise<AliasReason> {
  const key = aliasKey(context.settings.host, life.identity, stream)
  const { bucket } = courier.destination
  const got = await courier.destination.request((signal) => bucket.get(key, { signal }), context.signal)
  try {
    return got ? decodeAlias(got.body, key).reason : 'copy'
  } catch {
    return 'copy'
  }
}

/** It was cut while it was compared: what it was compared as is gone, and the next look ends the life. */
function wasCut(context: AgentContext, life: Life, { file, size }: Content): boolean {
  if (file.stat().size >= size) return false
  doubt(context, life)
  return true
}

/** A stream of its own: the next free generation, claimed by the PUT of its offset 0. */
async function begin(
  context: AgentContext,
  courier: Courier,
  life: Life,
  delivery: Delivery,
  known: KnownGeneration[],
  content: Content,
): Promise<void> {
  const from = forkedFrom(known)
  const left = leftBehind(known)
  if (from) {
    const shared = await sharedLength(context, courier, content, from.delivered)
    const isOver = await isReadOtherwise(life, delivery)
    if (life.ended || delivery.stream !== undefined || wasCut(context, life, content)) return
    if (isOver) return context.end(life, 'its bytes are not what was read before')
    if (left) await recordGap(context, courier, life, delivery, left.stream, left.length, 'diverged')
    if (life.ended || delivery.stream !== undefined) return
    delivery.forkOf = { stream: from.stream, shared }
    context.report({
      kind: 'forked',
      life,
      delivery,
      from: from.stream,
      why: 'the file differs from what was delivered under its identity',
    })
  }
  const generation = generationBeside(ownGenerations(life), known, life.firstGeneration)
  const stream = streamId(life.identity, generation)
  const forkOf = [...life.deliveries.values()].find((one) => one.stream === stream)?.forkOf
  // What it left elsewhere may yet come here; where it is here, what the two share is seen.
  const former = known.find((one) => one.stream === forkOf?.stream)
  const shared = former && (await sharedLength(context, courier, content, former.delivered))
  if (life.ended || delivery.stream !== undefined || wasCut(context, life, content)) return
  delivery.forkOf ??= forkOf && { ...forkOf, shared: shared ?? forkOf.shared }
  attach(delivery, stream, nothingShipped)
  began(context, life, delivery, 'new')
}

function began(
  context: AgentContext,
  life: Life,
  delivery: Delivery,
  how: Extract<AgentEvent, { kind: 'began' }>['how'],
): void {
  delivery.waitingFor = undefined
  context.changed(life)
  context.report({ kind: 'began', life, delivery, how })
}
