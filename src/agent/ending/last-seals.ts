import type { AgentContext } from '../context.ts'
import type { Writers } from '../files/writers.ts'
import { isSettled } from '../rest.ts'
import { untilComplete } from './complete.ts'

/**
 * Before a stop: a deleted file whose descriptor is given back can never be read again, and without its seal its end is a
 * gap, though all of it may be delivered. Where no process can write to it any more, it is complete now; else its seal is
 * worth waiting for if it falls due within `withinMs`. Both are awaited by `isDrained` from here on.
 */
export async function awaitSeals(
  context: AgentContext,
  withinMs: number,
  findWriters: () => Promise<Writers>,
): Promise<void> {
  const left = [...context.book.current.values()].filter((life) => life.isUnlinked && life.file && !isSettled(life))
  if (left.length === 0) return
  const writers = await findWriters()
  for (const life of left) {
    if (life.file === undefined) continue
    const { device, inode } = life.file.stat()
    const isKnown = writers.isComplete && device !== undefined && inode !== undefined
    life.hasNoWriter = isKnown && !writers.has({ dev: device, ino: inode })
    const waitMs = untilComplete(context, life) ?? 0
    life.isSealAwaited = life.hasNoWriter || waitMs < withinMs
    context.look(life)
  }
}
