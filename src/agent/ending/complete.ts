import { type AgentContext, compressedHoldMs, sourceOf } from '../context.ts'
import { isPacked } from '../files/decode.ts'
import type { OpenFile } from '../files/files.ts'
import { directoryOf, namesakes, olddirOf } from '../identity/candidates.ts'
import { isNamedAsRotation, originalName } from '../identity/rules.ts'
import type { Life } from '../life.ts'
import { type CompletionFacts, completion, patienceMs } from '../shipping/plan.ts'

/** Why no more is expected of this life's file, or undefined (plan.ts has the rule). */
export function completionOf(context: AgentContext, life: Life): ReturnType<typeof completion> {
  // Its end is not there, and is recorded as lost.
  return life.cutFrom === undefined ? completion(factsOf(context, life)) : undefined
}

/** Milliseconds until an idle file will be complete; undefined where idleness does not make it so, or has. */
export function untilComplete(context: AgentContext, life: Life): number | undefined {
  const facts = factsOf(context, life)
  if (!facts.isUnlinked && !facts.isRotated) return undefined
  const waitMs = patienceMs(facts) - facts.idleMs
  return waitMs > 0 ? waitMs + 1 : undefined
}

/**
 * NULs at the end of a compressed file are its trailer's, not blocks that are yet to be written, once it has stood still
 * for as long as it takes to judge it. sudo's I/O logs are compressed under any name, and never renamed.
 */
export async function trailerOf(
  context: AgentContext,
  life: Life,
  file: OpenFile,
): Promise<'none' | 'awaited' | 'whole'> {
  if (originalName(life.path) === undefined && !(await isPacked(file))) return 'none'
  const restMs = compressedHoldMs - (context.clock.monotonic() - life.grewAtMs)
  if (restMs <= 0) return 'whole'
  context.lookAfter(life, restMs + 1)
  return 'awaited'
}

function factsOf(context: AgentContext, life: Life): CompletionFacts {
  return {
    isOneShot: context.settings.isOneShot,
    isUnlinked: life.isUnlinked,
    hasNoWriter: life.hasNoWriter ?? false,
    isRotated: isRotated(context, life),
    idleMs: context.clock.monotonic() - life.grewAtMs,
    sealAfterMs: sourceOf(context, life)?.sealAfterMs ?? 0,
    sealsBefore: life.seals,
  }
}

/** A program's or rsync's way: `.x.log.new` is written first, and becomes `x.log`, which lives. */
function wasPrepared(first: string, path: string): boolean {
  return [first, first.replace(/\/\.([^/]*)$/, '/$1')].some((name) => isNamedAsRotation(name, path))
}

/** Under another name than at first sight, or named after a file that is there: `syslog.1` beside `syslog`. */
export function isRotated(context: AgentContext, life: Life): boolean {
  if (life.isAway || (life.path !== life.origin.path && !wasPrepared(life.origin.path, life.path))) return true
  if (life.copy && life.copy.reason !== 'adopted') return true
  for (const other of namesakes(context, life)) {
    const olddir = olddirOf(context, life, directoryOf(other.path))
    // A file that was closed because too many are open is there as well.
    const isThere = !other.ended && !other.isUnlinked && !other.isAway && (other.file !== undefined || other.isMet)
    if (other !== life && isThere && isNamedAsRotation(life.path, other.path, olddir)) return true
  }
  return false
}
