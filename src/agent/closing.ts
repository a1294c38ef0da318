import type { Courier } from './courier.ts'
import type { Looks } from './discovery/looks.ts'
import { closeFile } from './discovery/sweep.ts'
import type { Life } from './life.ts'
import type { LifeBook } from './life-book.ts'
import { isSettled } from './rest.ts'
import type { Spool } from './spool/spool.ts'
import type { Checkpoint } from './state/checkpoint.ts'
import type { Saver } from './state/saver.ts'

interface Closing {
  book: LifeBook
  couriers: ReadonlyMap<string, Courier>
  looks: Looks
  saver: Saver
  checkpoint: Checkpoint
  spool: Spool | undefined
  saveFailed: (error: unknown) => void
}

/** The end of a run: everything under way has stopped, what only descriptors hold is in the spool, the state is saved. */
export async function closeAll({
  book,
  couriers,
  looks,
  saver,
  checkpoint,
  spool,
  saveFailed,
}: Closing): Promise<void> {
  await looks.close()
  await book.inOrder(async () => {})
  for (const courier of couriers.values()) await courier.settled()
  await spool?.keepLast(book.all())
  await saver.save().catch(saveFailed)
  for (const life of book.all()) await spool?.forgot(life)
  await checkpoint.close()
  for (const life of book.all()) await closeFile(life)
}

/** One-shot: every file that it is about is delivered everywhere, sealed, or its end recorded. */
export function isAllSettled({ book, couriers }: Pick<Closing, 'book' | 'couriers'>): boolean {
  for (const courier of couriers.values()) if (!courier.isIdle) return false
  return [...book.all()].every((life: Life) => !life.isMet || isSettled(life))
}
