import type { AgentContext } from '../context.ts'
import type { Courier } from '../courier.ts'
import type { Life } from '../life.ts'
import {
  isAnswering,
  isAtRest,
  isDeliveredAt,
  isDone,
  isSettled,
  isSettledAt,
  isShorterThan,
  isToBeSealed,
  isWanted,
} from '../rest.ts'

/** Files that are open beyond the bound because their seal is due: enough to keep a store busy. */
export const sealingMax = 64

/**
 * Forgets lives that are over, and closes idle files where too many are open. The answer is what was forgotten: it goes
 * from the checkpoint, too.
 */
export function sweep(context: AgentContext, openFilesMax: number): Life[] {
  const forgotten: Life[] = []
  for (const life of context.book.all()) {
    const isOver = life.ended !== undefined || life.isUnlinked
    if (!isOver || !isSettled(life) || isAtWork(context, life)) continue
    if (isKept(context, life)) continue
    if (life.isUnlinked && life.file && life.file.stat().size !== life.size) continue
    void closeFile(life)
    context.book.forget(life)
    forgotten.push(life)
  }
  closeIdle(context, openFilesMax)
  return forgotten
}

/**
 * Closes idle files until no more than `most` are open or none is left: first those that are done, the quietest first, then
 * those of which only destinations lack something that take nothing now (I5). These are set aside until they do; a file
 * without a name could not be opened again, and stays.
 */
export function closeIdle(context: AgentContext, most: number): void {
  const open = [...context.book.current.values()].filter(
    ({ file }) => file !== undefined && file.keptFrom === undefined,
  )
  let surplus = open.length - most
  if (surplus <= 0) return
  let sealing = 0
  // A one-shot run looks at no file again, be it for its seal or to judge a copy of it.
  const { isOneShot } = context.settings
  const atOnce = isOneShot ? open.length : sealingMax
  const idle = open
    .filter(
      (life) => !life.isUnlinked && !isKept(context, life) && isAtRest(context, life) && !(isOneShot && isShort(life)),
    )
    .filter((life) => !(isToBeSealed(context, life) && sealing++ < atOnce))
    .map((life) => ({ life, isDone: isDone(context, life) }))
    .sort((a, b) => Number(b.isDone) - Number(a.isDone) || a.life.grewAtMs - b.life.grewAtMs)
  for (const { life, isDone } of idle) {
    if (surplus === 0) return
    // What came since it was looked at is looked at first.
    if (life.file?.stat().stamp !== life.stamp) continue
    surplus--
    if (!isDone && !isWanted(context, life)) context.book.aside.add(life)
    void closeFile(life)
  }
}

function isKept({ clock }: AgentContext, { keptUntilMs }: Life): boolean {
  return keptUntilMs !== undefined && clock.monotonic() < keptUntilMs
}

function isShort(life: Life): boolean {
  return [...life.deliveries.values()].some((delivery) => isShorterThan(life, delivery))
}

export function isAtWork({ couriers }: Pick<AgentContext, 'couriers'>, life: Life): boolean {
  return [...couriers.values()].some((courier) => courier.isAtWork(life))
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

/** Everything that was seen, and may be sent, is acked by every destination that is awaited: by default, those that answer. */
export function isDrained(
  { book, couriers }: Pick<AgentContext, 'book' | 'couriers'>,
  isAwaited: (courier: Courier) => boolean = isAnswering,
): boolean {
  if (book.waiting.size > 0) return false
  for (const life of book.all()) {
    // Found, and not looked at yet: nobody knows how much it holds.
    if (!life.ended && life.file !== undefined && !life.isWatched) return false
    for (const [name, delivery] of life.deliveries) {
      const courier = couriers.get(name)
      const isDone = life.isSealAwaited ? isSettledAt(life, delivery) : isDeliveredAt(life, delivery)
      const isLeft = life.ended ? !delivery.hasGap : !isDone
      if (isLeft && courier && isAwaited(courier)) return false
    }
  }
  return true
}
