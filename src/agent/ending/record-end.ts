import { streamId } from '../../format/keys.ts'
import type { AgentContext } from '../context.ts'
import type { Courier } from '../courier.ts'
import { keepUnsentMs } from '../discovery/keep-seen.ts'
import { compareSeen, inspectChain } from '../identity/inspect.ts'
import { recallName } from '../identity/stream-origin.ts'
import { attach, type Delivery, type Life } from '../life.ts'
import { recordGap, recordLoss } from './record-gap.ts'

/** The end of a life that no file will complete: a gap where the destination's chain ends. */
export async function recordEnd(
  context: AgentContext,
  courier: Courier,
  life: Life,
  delivery: Delivery,
): Promise<boolean> {
  const { ended } = life
  if (ended === undefined || delivery.hasGap) return false
  if (delivery.stream !== undefined && !delivery.isChecked) {
    // What the chain holds beyond what an older checkpoint knew is not lost.
    const { footprint } = await inspectChain(context, courier, delivery.stream)
    if (footprint.offset > delivery.acked.offset) attach(delivery, delivery.stream, footprint)
  }
  if (delivery.stream === undefined) {
    const stream = await streamOfUnsent(context, courier, life, delivery)
    if (stream !== undefined) {
      const found = await inspectChain(context, courier, stream)
      attach(delivery, stream, found.footprint)
      await recallName(context, courier, life, stream)
    }
  }
  // Nothing of it was ever seen, or its seal covers all that was: nothing is lost.
  const isWhole =
    ended.reason !== 'truncated' &&
    delivery.sealed !== undefined &&
    delivery.sealed.length >= Math.max(delivery.acked.offset, life.size)
  if (delivery.stream !== undefined && !isWhole)
    await recordLoss(context, courier, life, delivery, delivery.stream, ended.reason)
  delivery.hasGap = true
  if (life.seen) life.keptUntilMs = context.clock.monotonic() + keepUnsentMs
  context.changed(life)
  // The next generation may begin there now.
  const next = context.book.current.get(life.identity)
  if (next) context.look(next)
  return false
}

/**
 * The stream of a life that ended before anything of it went to this destination: the one that it has elsewhere, or the
 * last generation here that nothing says was left, which was its own before the state was lost; with that one ended, or
 * another file's by its bytes (an inode that was used again), the next, of which nothing was sent. Undefined: nothing was
 * ever seen of it.
 */
async function streamOfUnsent(
  context: AgentContext,
  courier: Courier,
  life: Life,
  delivery: Delivery,
): Promise<string | undefined> {
  const { identity, firstGeneration } = life
  const elsewhere = [...life.deliveries.values()].find((other) => other.stream !== undefined)?.stream
  if (elsewhere !== undefined || life.size === 0) return elsewhere
  const catalogue = await courier.catalogue()
  const last = catalogue.generations(identity).at(-1) ?? -1
  const isOpen = last >= 0 && catalogue.gaps(streamId(identity, last)).length === 0
  const isOwn = isOpen && !(await leaveOther(context, courier, life, delivery, streamId(identity, last)))
  return streamId(identity, Math.max(firstGeneration, isOwn ? last : last + 1))
}

/** Whether the stream begins otherwise than what was seen of this life: then it is left, which a seal says as well. */
async function leaveOther(
  context: AgentContext,
  courier: Courier,
  life: Life,
  delivery: Delivery,
  stream: string,
): Promise<boolean> {
  if (life.seen === undefined) return false
  const found = await inspectChain(context, courier, stream)
  if ((await compareSeen(context, courier, life.seen, found)) !== 'different') return false
  const length = found.footprint.offset
  const isSealed = (await courier.catalogue()).seals(stream).some((seal) => seal.length === length)
  if (!isSealed) await recordGap(context, courier, life, delivery, stream, length, 'diverged')
  return true
}
