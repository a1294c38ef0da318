import { windowBytes } from '../../format/limits.ts'
import type { AgentContext } from '../context.ts'
import { type Content, sampleAt, solidSize } from '../identity/content.ts'
import { compare, footprintOf } from '../identity/evidence.ts'
import { originalName } from '../identity/rules.ts'
import type { Life } from '../life.ts'

/**
 * A life that ended before any destination had any of it is remembered for so long after its end was recorded: its copy is
 * held while it grows, and judged then.
 */
export const keepUnsentMs = 10 * 60_000

/**
 * While no destination has taken anything (all of them down, or not asked yet), what the file shows at its ends is kept:
 * should it be cut now, nothing else tells its copy. A one-shot run has no such time.
 */
export async function keepSeen(context: AgentContext, life: Life): Promise<void> {
  const { file, size } = life
  if (context.settings.isOneShot || file === undefined || size === 0 || life.seen?.offset === size) return
  // Its maker rewrites it whole.
  if (originalName(life.path) !== undefined) return
  if ([...life.deliveries.values()].some((delivery) => delivery.stream !== undefined)) {
    life.seen = undefined
    return
  }
  // NULs at the end may be no bytes yet: what takes their place is no other life.
  const solid = await solidSize({ file, size }, 0)
  const { head, window } = await sampleAt({ file, size: solid }, { offset: solid })
  // Cut while it was read: the next look ends it, and what was seen before is what it had.
  if (life.file !== file || file.stat().size < size || window.byteLength < Math.min(windowBytes, solid)) return
  life.seen = solid === 0 ? undefined : footprintOf(solid, head, window)
}

/** The file is not what was kept: E3, where no destination was sent anything that could tell. */
export async function isSeenOtherwise({ seen }: Life, content: Content): Promise<boolean> {
  return seen !== undefined && compare(seen, await sampleAt(content, seen)) === 'different'
}
