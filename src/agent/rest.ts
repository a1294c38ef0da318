import type { AgentContext } from './context.ts'
import type { Courier } from './courier.ts'
import { completionOf } from './ending/complete.ts'
import { contentOf } from './identity/content.ts'
import { type Delivery, isOwnStream, type Life } from './life.ts'

/** What is left to do for a file, at one destination and at all of them. */

/** It takes what it is given. Any other may be down for days, and what it lacks waits without a descriptor if need be (I5). */
export function isAnswering(courier: Courier): boolean {
  return courier.destination.health.state === 'ok'
}

/** Nothing of this life is left to do anywhere: delivered and sealed, beyond us, or its end recorded. */
export function isSettled(life: Life): boolean {
  for (const delivery of life.deliveries.values()) if (!isSettledAt(life, delivery)) return false
  return true
}

/** Shorter than its stream: a copy of it may be judged yet. */
export function isBeyond(life: Life): boolean {
  return [...life.deliveries.values()].some((delivery) => delivery.isBeyond)
}

/** The file is shorter than what its own stream holds there: cut by copytruncate, by a power cut, or turned back. */
export function isShorterThan(life: Life, { stream, acked }: Delivery): boolean {
  return stream !== undefined && isOwnStream(life, stream) && acked.offset > life.size
}

/** Of this file, as it was last looked at, no destination that answers lacks a byte, and none is at work on it. */
export function isAtRest(context: AgentContext, life: Life): boolean {
  for (const courier of context.couriers.values()) {
    const delivery = courier.delivery(life)
    if (delivery === undefined || !isAnswering(courier)) continue
    if (courier.isAtWork(life) || !isAckedAt(life, delivery)) return false
  }
  return true
}

/** A destination that answers lacks its seal, which is due. */
export function isToBeSealed(context: AgentContext, life: Life): boolean {
  if (completionOf(context, life) === undefined) return false
  return answering(context, life).some((delivery) => !isSettledAt(life, delivery))
}

/** A destination that answers lacks bytes of it, or its seal. */
export function isWanted(context: AgentContext, life: Life): boolean {
  return answering(context, life).some((delivery) => !isAckedAt(life, delivery)) || isToBeSealed(context, life)
}

/** No destination, whether it answers or not, lacks anything of it for now. */
export function isDone(context: AgentContext, life: Life): boolean {
  if (isSettled(life)) return true
  return completionOf(context, life) === undefined && isAcked(life)
}

/** A closed file that nobody touched is left alone, until it is to be sealed or checked. */
export function mayStayClosed(context: AgentContext, life: Life): boolean {
  if (!life.isMet) return false
  const begun = [...life.deliveries.values()].filter((delivery) => delivery.stream !== undefined)
  if (life.size === 0 && begun.length === 0) return true
  if (begun.some((delivery) => !delivery.isChecked)) return false
  return isSettled(life) || context.book.aside.has(life) || completionOf(context, life) === undefined
}

/** All that the file has, and that may be sent, is on the chain of every destination. */
export function isAcked(life: Life): boolean {
  return [...life.deliveries.values()].every((delivery) => isAckedAt(life, delivery))
}

function answering({ couriers }: AgentContext, life: Life): Delivery[] {
  return [...couriers.values()].filter(isAnswering).flatMap((courier) => courier.delivery(life) ?? [])
}

export function isSettledAt(life: Life, delivery: Delivery): boolean {
  return life.ended ? delivery.hasGap : delivery.isBeyond || isSealed(life, delivery)
}

/** The seal covers all that is delivered, and all that the file (or a decoded one, when it was judged) has. */
function isSealed(life: Life, { stream, sealed, acked }: Delivery): boolean {
  if (sealed === undefined || sealed.length !== acked.offset) return false
  return isDecoded(life, stream) || sealed.length >= Math.min(life.size, life.limit ?? life.size)
}

/** Nothing of the file, as it was last looked at, may be sent there now. */
export function isDeliveredAt(life: Life, delivery: Delivery): boolean {
  const { stream, acked, isBeyond } = delivery
  // An ignored copy has no stream, and is beyond us.
  return stream === undefined ? life.size === 0 || isBeyond : acked.offset >= sendable(life, delivery, stream)
}

/** Nothing of it will be sent there either, for as long as it stands as it is. */
function isAckedAt(life: Life, delivery: Delivery): boolean {
  const { stream, acked, sealed } = delivery
  if (!isDeliveredAt(life, delivery)) return false
  if (stream === undefined) return true
  if (isDecoded(life, stream)) return acked.offset === sealed?.length
  return !(life.withheld?.size === life.size && life.withheld.isForNow)
}

/** Where the stream ends once all is there that may be sent. */
function sendable(life: Life, delivery: Delivery, stream: string): number {
  // It is decoded (again) only where something is left to do.
  if (isDecoded(life, stream)) return contentOf(life, delivery)?.size ?? delivery.acked.offset
  // [growfork] Of a judged copy, what it had then; the stream that it ends may be longer.
  if (life.copy && isJudgedCopy(life, stream)) return life.copy.size
  const end = life.withheld?.size === life.size ? life.withheld.from : life.size
  return Math.min(end, life.limit ?? end)
}

function isJudgedCopy(life: Life, stream: string): boolean {
  return life.copy?.reason === 'copy' && !isOwnStream(life, stream)
}

function isDecoded(life: Life, stream: string | undefined): boolean {
  return life.copy?.reason === 'compressed' && stream !== undefined && !isOwnStream(life, stream)
}
