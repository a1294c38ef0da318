import type { AgentContext } from '../context.ts'
import type { Hint } from '../files/watch.ts'
import { meetSuccessor, reopen } from './explore.ts'

/** An event told of a name: what it may stand for is looked at. What events do not tell, rounds and scans do. */
export function takeHint(context: AgentContext, { path, appeared }: Hint): void {
  const { book } = context
  let isKnown = false
  for (const life of [...book.at(path)]) {
    isKnown = true
    if (life.file === undefined) reopen(context, life)
    else context.look(life)
    // Replaced under its name: to the watcher that is a change like any other.
    meetSuccessor(context, path, life).catch(() => context.scan())
  }
  // A change of a file that is not ours is nothing; a name that came or went may be a rotation.
  if (!appeared && (isKnown || (book.isExplored && !book.leftOut.has(path)))) return
  context.scan()
}
