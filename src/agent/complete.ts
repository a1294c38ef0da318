import { type AgentContext, sourceOf } from './context.ts'
import type { Life } from './life.ts'
import { type CompletionFacts, completion, patienceMs } from './plan.ts'
import { isNamedAsRotation } from './rules.ts'

/** Why no more is expected of this life's file, or undefined (plan.ts has the rule). */
export function completionOf(context: AgentContext, life: Life): ReturnType<typeof completion> {
  return completion(factsOf(context, life))
}

/** Milliseconds until an idle file will be complete; undefined where idleness does not make it so, or has. */
export function untilComplete(context: AgentContext, life: Life): number | undefined {
  const facts = factsOf(context, life)
  if (!facts.isUnlinked && !facts.isRotated) return undefined
  const waitMs = patienceMs(facts) - facts.idleMs
  return waitMs > 0 ? waitMs + 1 : undefined
}

function factsOf(context: AgentContext, life: Life): CompletionFacts {
  return {
    isOneShot: context.settings.isOneShot,
    isUnlinked: life.isUnlinked,
    isRotated: isRotated(context, life),
    idleMs: context.clock.monotonic() - life.grewAtMs,
    sealAfterMs: sourceOf(context, life)?.sealAfterMs ?? 0,
    sealsBefore: life.seals,
  }
}

/** Under another name than at first sight, or named after a file that is there: `syslog.1` beside `syslog`. */
export function isRotated(context: AgentContext, life: Life): boolean {
  if (life.isAway || life.path !== life.origin.path) return true
  const olddir = sourceOf(context, life)?.olddir
  const directory = life.path.slice(0, Math.max(1, life.path.lastIndexOf('/')))
  for (const other of context.book.namesakes(life.path, [directory])) {
    // A file that was closed because too many are open is there as well.
    const isThere = !other.ended && !other.isUnlinked && !other.isAway && (other.file !== undefined || other.isMet)
    if (other !== life && isThere && isNamedAsRotation(life.path, other.path, olddir)) return true
  }
  return false
}
