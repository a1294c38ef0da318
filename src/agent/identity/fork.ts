import { parseStreamId, streamId } from '../../format/keys.ts'
import type { AgentContext } from '../context.ts'
import type { Courier } from '../courier.ts'
import { recordGap } from '../ending/record-gap.ts'
import { attach, type Delivery, isOwnStream, type Life } from '../life.ts'
import { contentOf } from './content.ts'
import { nothingShipped } from './evidence.ts'
import { knownGenerations, refreshGenerations } from './generations.ts'
import { inspectChain, sharedLength } from './inspect.ts'
import { nextGeneration, resumable } from './rules.ts'

/**
 * Leaves a stream at one destination because its chain is not this file's history there. The chain is first held against
 * the file as it is now (it may be the stream of the life that is there now); then a gap says that the stream was left,
 * and the file goes on in the generation that matches it, or in a new one, from 0.
 */
export async function fork(
  context: AgentContext,
  courier: Courier,
  life: Life,
  delivery: Delivery,
  why: string,
): Promise<void> {
  const from = delivery.stream
  if (from === undefined) return
  await refreshGenerations(context, courier, life.identity)
  const content = contentOf(life, delivery)
  if (life.ended || content === undefined) {
    // Its bytes are gone: what was not delivered before is said by the end's own gap.
    delivery.sent = delivery.acked
    return
  }
  const isOwn = isOwnStream(life, from)
  const left = (isOwn ? parseStreamId(from)?.generation : undefined) ?? life.firstGeneration
  delivery.stream = undefined
  const known = await knownGenerations(context, courier, life.identity, content)
  const pick = resumable(known, Math.max(life.firstGeneration, left))
  const current = contentOf(life, delivery)
  if (life.ended || current === undefined) {
    delivery.stream = from
    return
  }
  if (pick) {
    attach(delivery, pick.stream, pick.delivered.footprint)
    delivery.sealed = pick.sealed
    delivery.landed = pick.delivered.segments.beginningsAfter(pick.length)
  } else {
    const old = known.find((one) => one.stream === from)?.delivered ?? (await inspectChain(context, courier, from))
    const shared = await sharedLength(context, courier, current, old)
    await recordGap(context, courier, life, delivery, from, old.footprint.offset, 'diverged')
    const atLeast = isOwn ? left + 1 : life.firstGeneration
    attach(delivery, streamId(life.identity, nextGeneration(known, atLeast)), nothingShipped)
    // Somebody was faster in a generation that was a fork itself: it shares more with what that one was to leave.
    if (shared >= (delivery.forkOf?.shared ?? 0)) delivery.forkOf = { stream: from, shared }
    delivery.sealed = undefined
    delivery.landed = undefined
    context.report({ kind: 'forked', life, delivery, from, why })
  }
  delivery.hasAlias = false
  delivery.confirmed = nothingShipped
  context.changed(life)
}
