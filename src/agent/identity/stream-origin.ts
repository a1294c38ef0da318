import { beforeOf, chainStart } from '../../format/chain.ts'
import { parseStreamId, segmentKey } from '../../format/keys.ts'
import type { Origin } from '../../format/origin.ts'
import { decodeSegmentHeader } from '../../format/segment.ts'
import type { AgentContext, AgentSettings } from '../context.ts'
import type { Courier } from '../courier.ts'
import type { Life } from '../life.ts'

/** As its first segment says; origins never change, so that each is asked for once. */
export async function originOfStream(
  context: AgentContext,
  courier: Courier,
  stream: string,
): Promise<Origin | undefined> {
  const { bucket } = courier.destination
  const catalogue = await courier.catalogue()
  const known = catalogue.origins.get(stream)
  if (known) return known
  const key = segmentKey(context.settings.host, stream, 0, beforeOf(chainStart))
  const info = await courier.destination.request((signal) => bucket.head(key, { signal }), context.signal)
  try {
    if (info === undefined) return undefined
    const { origin } = decodeSegmentHeader(info.metadata, key)
    catalogue.origins.set(stream, origin)
    return origin
  } catch {
    // Not an agent's: a stray, and no candidate.
    return undefined
  }
}

/** [srcname] The name that its copies are called after, where a rotation changed it while the state was lost. */
export async function recallName(context: AgentContext, courier: Courier, life: Life, stream: string): Promise<void> {
  if (parseStreamId(stream)?.identity !== life.identity) return
  const origin = await originOfStream(context, courier, stream)
  if (origin && origin.path !== life.path && !isForeign(context.settings, origin) && context.book.has(life))
    context.book.recall(life, origin.path)
}

/**
 * Made on another machine: a clone has our host's name and our files' inodes, and histories of its own. Where either has
 * no machine id, nobody can tell, and nothing is said.
 */
export function isForeign(
  settings: Pick<AgentSettings, 'machine'>,
  origin: Pick<Origin, 'machine'> | undefined,
): boolean {
  return settings.machine !== undefined && origin?.machine !== undefined && origin.machine !== settings.machine
}
