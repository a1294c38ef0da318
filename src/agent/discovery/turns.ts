import type { AgentContext } from '../context.ts'
import type { Life } from '../life.ts'
import { isBeyond, isSettled, isWanted } from '../rest.ts'
import { closeFile, closeIdle, isAtWork } from './sweep.ts'

/** Descriptors are bounded (I7): files that they do not reach for wait in the book, and take turns. */

/** Turns come in bursts, as acks do: one pass over ten thousand lives serves them all. */
const turnMs = 50

/** How many more files may be opened now. */
export function roomFor({ book, openFilesMax }: AgentContext): number {
  let open = 0
  // What the spool keeps is open only while it is read.
  for (const life of book.all()) if (life.file !== undefined && life.file.keptFrom === undefined) open++
  return openFilesMax - open
}

/** Those that waited come first, so that busy files at the front never keep the others out. */
export function inTurn(found: ReadonlyMap<string, string>, waited: ReadonlySet<Life>): Iterable<[string, string]> {
  if (waited.size === 0) return found
  const paths = new Set([...waited].map(({ path }) => path))
  return [...found].sort(([a], [b]) => Number(paths.has(b)) - Number(paths.has(a)))
}

/** Settled for good: a one-shot run looks at no file twice. */
export function closeSettled(context: AgentContext, life: Life): void {
  if (context.settings.isOneShot && isSettled(life) && !isBeyond(life) && !isAtWork(context, life)) void closeFile(life)
}

/** What was set aside, and a destination takes again, waits for its turn like any other. */
function recall(context: AgentContext): void {
  const { aside, waiting } = context.book
  for (const life of aside) {
    if (!isWanted(context, life)) continue
    aside.delete(life)
    life.stamp = ''
    waiting.add(life)
  }
}

/** Where files wait, idle ones soon make room, and `open` is given those whose turn it is. */
export function askTurn(context: AgentContext, open: (waited: readonly Life[]) => Promise<void>): void {
  const { book, clock, signal, openFilesMax } = context
  if ((book.waiting.size === 0 && book.aside.size === 0) || book.isTurnDue) return
  book.isTurnDue = true
  const turn = async (): Promise<void> => {
    await clock.sleep(turnMs, signal)
    book.isTurnDue = false
    recall(context)
    if (book.waiting.size === 0) return
    closeIdle(context, Math.max(0, openFilesMax - book.waiting.size))
    const room = roomFor(context)
    if (room > 0) await open([...book.waiting].slice(0, room))
  }
  // Stopped meanwhile: who waits is found by the next run.
  book.inOrder(turn).catch(() => {})
}
