import { type AgentContext, sourceOf } from '../context.ts'
import type { Courier } from '../courier.ts'
import { openAwaited } from '../discovery/explore.ts'
import type { Delivery, Life } from '../life.ts'
import { isShorterThan } from '../rest.ts'
import { directoryOf, namesakes, olddirOf } from './candidates.ts'
import { isNamedAsCopy } from './rules.ts'

/**
 * [endfirst] Files known by E2 are looked at, and find their own stream here, before a copy is judged, which may be of one
 * of theirs: the life that is to be waited for. Who is known by E2 is no copy, so that nobody waits in a circle.
 */
export async function unseenSource(context: AgentContext, courier: Courier, life: Life): Promise<Life | undefined> {
  if (!context.book.isExplored) return undefined
  return unseenNamesake(context, courier, life) ?? (await unseenListed(context, courier, life))
}

/** By the names that the agent itself has seen. */
function unseenNamesake(context: AgentContext, courier: Courier, life: Life): Life | undefined {
  for (const other of namesakes(context, life)) {
    const delivery = other.deliveries.get(courier.name)
    // A source's name is shorter than its copy's, and only by their names of now one waits for another's stream: nobody
    // waits in a circle.
    if (other.path === life.path || delivery === undefined) continue
    if (other.ended) {
      // Whether the store has any of it is asked when its end is recorded: until then nobody knows (I4).
      const isAsked = delivery.stream !== undefined || delivery.hasGap
      if (!isAsked && isNamedAsCopy(life.path, other.path, olddirOf(context, life, directoryOf(other.path))))
        return other
      continue
    }
    if (other.file === undefined) {
      // What its cut file has now tells whether this is its copy.
      const isShort = !context.settings.isOneShot && isShorterThan(other, delivery)
      if (!isShort && !isToBeOpened(context, other)) continue
      openAwaited(context, other)
      return other
    }
    if (!other.isWatched) return other
    if (delivery.stream !== undefined && !delivery.isChecked) return other
    if (delivery.stream !== undefined) continue
    // An empty one that was asked about has nothing to begin with, unless it has grown since.
    const { size } = other.file.stat()
    if (size !== other.size) context.look(other)
    const isFound = size > 0 || other.size > 0 || delivery.waitingFor === undefined
    if (isFound && isNamedAsCopy(life.path, other.path, olddirOf(context, life, directoryOf(other.path)))) return other
  }
  return undefined
}

/**
 * Closed because too many are open: what was done to it since is seen when it is opened again. A one-shot run is about what
 * it found: it opens only what it has not had open yet.
 */
export function isToBeOpened(context: AgentContext, life: Life): boolean {
  if (context.settings.isOneShot) return life.isMet && life.limit === undefined
  const followSymlinks = sourceOf(context, life)?.followSymlinks ?? false
  const hint = life.isMet ? context.files.peek(life.path, followSymlinks) : undefined
  return hint?.identity === life.identity && hint.stamp !== life.stamp
}

/** Lives whose identity a destination has streams of, until each has found its own: most never come into it. */
const listedBy = new WeakMap<Courier, Set<Life>>()

/**
 * By the inode: without local state nobody knows how the file of a listed stream was called when the copy was made, until
 * that file has been held against the stream.
 */
async function unseenListed(context: AgentContext, courier: Courier, life: Life): Promise<Life | undefined> {
  const catalogue = await courier.catalogue()
  const listed =
    listedBy.get(courier) ??
    new Set([...context.book.all()].filter((one) => isFirst(one) && catalogue.generations(one.identity).length > 0))
  listedBy.set(courier, listed)
  for (const other of listed) {
    const delivery = other.deliveries.get(courier.name)
    const isToCome = context.book.has(other) && delivery !== undefined && !isFound(other, delivery)
    if (!isToCome) {
      listed.delete(other)
      continue
    }
    if (other === life) continue
    if (other.file === undefined && !other.ended) {
      if (!isToBeOpened(context, other)) continue
      openAwaited(context, other)
    }
    return other
  }
  return undefined
}

/** A later generation follows one that ended in this run: that one is looked for. */
function isFirst(life: Life): boolean {
  return life.firstGeneration === 0
}

/** It has its stream, or none here (`waitingFor`: it is empty, ignored, or cannot go on; what it had was looked at). */
function isFound({ ended }: Life, { stream, hasGap, waitingFor }: Delivery): boolean {
  return stream !== undefined || hasGap || (ended === undefined && waitingFor !== undefined)
}
