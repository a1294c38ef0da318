import { completionOf } from './complete.ts'
import type { AgentContext } from './context.ts'
import { type Delivery, isOwnStream, type Life } from './life.ts'

/** Files that are open beyond the bound because their seal is due: enough to keep a store busy. */
export const sealingMax = 64

/** Nothing of this life is left to do anywhere: delivered and sealed, beyond us, or its end recorded. */
export function isSettled(life: Life): boolean {
  for (const delivery of life.deliveries.values()) {
    if (life.ended ? !delivery.hasGap : !(delivery.isBeyond || isSealed(life, delivery))) return false
  }
  return true
}

/** Shorter than its stream: a copy of it may be judged yet. */
export function isBeyond(life: Life): boolean {
  return [...life.deliveries.values()].some((delivery) => delivery.isBeyond)
}

/** The seal covers all that is delivered, and all that the file (or a decoded one, when it was judged) has. */
function isSealed(life: Life, { stream, sealed, acked }: Delivery): boolean {
  if (sealed === undefined || sealed.length !== acked.offset) return false
  const isDecoded = life.copy?.reason === 'compressed' && stream !== undefined && !isOwnStream(life, stream)
  return isDecoded || sealed.length >= Math.min(life.size, life.limit ?? life.size)
}

/**
 * Forgets lives that are over, and closes idle files where too many are open. The answer is what was forgotten: it goes
 * from the checkpoint, too.
 */
export function sweep(context: AgentContext, openFilesMax: number): Life[] {
  const forgotten: Life[] = []
  for (const life of context.book.all()) {
    const isOver = life.ended !== undefined || life.isUnlinked
    if (!isOver || !isSettled(life) || isAtWork(context, life)) continue
    if (life.isUnlinked && life.file && life.file.stat().size !== life.size) continue
    void closeFile(life)
    context.book.forget(life)
    forgotten.push(life)
  }
  closeIdle(context, openFilesMax)
  return forgotten
}

/** Closes idle files, all of which is acked, the quietest first, until no more than `most` are open or none is left. */
export function closeIdle(context: AgentContext, most: number): void {
  const open = [...context.book.current.values()].filter((life) => life.file !== undefined)
  const surplus = open.length - most
  if (surplus <= 0) return
  let sealing = 0
  const isToBeSealed = (life: Life): boolean =>
    !isSettled(life) && completionOf(context, life) !== undefined && sealing++ < sealingMax
  const idle = open
    .filter((life) => !life.isUnlinked && isAcked(life) && !isAtWork(context, life) && !isToBeSealed(life))
    .sort((a, b) => a.grewAtMs - b.grewAtMs)
  for (const life of idle.slice(0, surplus)) void closeFile(life)
}

export function isAtWork({ couriers }: Pick<AgentContext, 'couriers'>, life: Life): boolean {
  return [...couriers.values()].some((courier) => courier.isAtWork(life))
}

function isAcked(life: Life): boolean {
  return [...life.deliveries.values()].every(
    (delivery) => (delivery.stream !== undefined || life.size === 0) && delivery.acked.offset === life.size,
  )
}

/** Opened again, by E2 and E3, when its name shows that it was touched. */
export async function closeFile(life: Life): Promise<void> {
  const { file, decoded } = life
  life.file = undefined
  life.decoded = undefined
  life.isWatched = false
  await file?.close()
  await decoded?.close()
}

/** Everything that was seen, and may be sent, is acked by every destination that answers. */
export function isDrained({ book, couriers }: Pick<AgentContext, 'book' | 'couriers'>): boolean {
  if (book.waiting.size > 0) return false
  for (const life of book.all()) {
    // Found, and not looked at yet: nobody knows how much it holds.
    if (!life.ended && life.file !== undefined && !life.isWatched) return false
    const end = life.withheld?.size === life.size ? life.withheld.from : life.size
    for (const [name, delivery] of life.deliveries) {
      const isUp = couriers.get(name)?.destination.health.state === 'ok'
      if (isUp && (life.ended ? !delivery.hasGap : delivery.acked.offset < end)) return false
    }
  }
  return true
}
