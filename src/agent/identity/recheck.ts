import type { AgentContext } from '../context.ts'
import type { Courier } from '../courier.ts'
import { type Delivery, isOwnStream, type Life } from '../life.ts'
import { listAsShipped } from '../shipping/as-shipped.ts'
import { type Delivered, findBeyond } from '../shipping/delivered.ts'
import { isReadOtherwise } from '../shipping/read-before.ts'
import { type Content, contentOf, sampleAt } from './content.ts'
import { decodedOf } from './decoded.ts'
import { compare, deliveredWindow } from './evidence.ts'
import { fork } from './fork.ts'
import { compareDelivered, inspectChain } from './inspect.ts'

/**
 * What the destination has beyond (or no longer has of) what we believe: after a start, before a refill, once a day.
 * Always true: the next step may follow.
 */
export async function recheck(
  context: AgentContext,
  courier: Courier,
  life: Life,
  delivery: Delivery,
): Promise<boolean> {
  const stream = delivery.stream
  if (stream === undefined) return false
  if (life.copy?.reason === 'compressed' && !isOwnStream(life, stream)) {
    // What was delivered and sealed is decoded again only for the whole check.
    if (life.decoded === undefined && !delivery.isWholeCheck) {
      delivery.isChecked = true
      return true
    }
    await decodedOf(context, life)
  }
  const content = contentOf(life, delivery)
  if (content === undefined) return false
  if (!delivery.isWholeCheck && (await recheckBeyond(context, courier, delivery, stream, content))) return true
  const found =
    (await listAsShipped(context, courier, life, delivery, stream)) ?? (await inspectChain(context, courier, stream))
  if (delivery.stream !== stream || life.ended) return true
  const comparison = await compareDelivered(context, courier, content, found)
  if (delivery.stream !== stream || life.ended) return true
  delivery.isWholeCheck = false
  if (comparison === 'different') {
    if (await isReadOtherwise(life, delivery)) {
      context.end(life, 'its bytes are not what was read before')
      return false
    }
    // Ours up to what was acked, another's beyond: this file's bytes go on in a stream of their own.
    await fork(context, courier, life, delivery, 'the listed chain differs from the file')
    return true
  }
  if (comparison === 'short' && isOwnStream(life, stream) && (await isEndedThere(context, courier, stream))) {
    await fork(context, courier, life, delivery, 'it had ended before')
    return true
  }
  // A bucket that was turned back has lost its records, too.
  if (found.footprint.offset < delivery.acked.offset) (await courier.knownCatalogue)?.forgetRecords(stream)
  settleAt(context, life, delivery, found)
  return true
}

/** [endmark] A stream whose truncation is recorded is not resumed, also by a checkpoint that is older than that. */
async function isEndedThere(context: AgentContext, courier: Courier, stream: string): Promise<boolean> {
  const catalogue = await courier.catalogue()
  const { bucket } = courier.destination
  const gaps = await courier.destination.request(
    (signal) => catalogue.gapRecords(bucket, stream, signal),
    context.signal,
  )
  return gaps.some((gap) => gap.reason === 'truncated')
}

/** The quick way: our window at the acked offset still stands in the file, and one listing shows what lies beyond. */
async function recheckBeyond(
  context: AgentContext,
  courier: Courier,
  delivery: Delivery,
  stream: string,
  content: Content,
): Promise<boolean> {
  const { acked } = delivery
  const sample = await sampleAt(content, acked)
  if (!['same', 'edited'].includes(compare(acked, sample))) return false
  const start = { offset: acked.offset, window: deliveredWindow(acked, new Uint8Array(sample.window)) }
  const { bucket } = courier.destination
  const beyond = await courier.destination.request(
    (signal) => findBeyond(bucket, context.settings.host, stream, start, signal),
    context.signal,
  )
  if (delivery.stream !== stream || delivery.acked !== acked) return true
  if (beyond.chain.length > 0) return false
  delivery.landed = beyond.segments.beginningsAfter(acked.offset)
  delivery.isChecked = true
  return true
}

function settleAt(context: AgentContext, life: Life, delivery: Delivery, found: Delivered): void {
  const isAsBefore =
    found.footprint.offset === delivery.acked.offset && found.footprint.window === delivery.acked.window
  if (!isAsBefore) {
    delivery.acked = delivery.sent = found.footprint
    delivery.rollup = found.footprint.offset === 0 ? '' : undefined
    if (delivery.sealed && delivery.sealed.length > found.footprint.offset) {
      delivery.sealed = undefined
      delivery.hasAlias = false
    }
  }
  delivery.landed = found.segments.beginningsAfter(found.footprint.offset)
  delivery.isChecked = true
  context.changed(life)
}
