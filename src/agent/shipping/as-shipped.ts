import { type ListedSegment, listSegments } from '../../bucket/stream-listing.ts'
import { type ChainEnd, chainStart } from '../../format/chain.ts'
import { windowBytes } from '../../format/limits.ts'
import type { AgentContext } from '../context.ts'
import type { Courier } from '../courier.ts'
import { readRange } from '../files/files.ts'
import { type Content, contentOf } from '../identity/content.ts'
import { footprintOf } from '../identity/evidence.ts'
import type { Delivery, Life } from '../life.ts'
import type { Delivered } from './delivered.ts'

/**
 * The whole chain by one listing, where every segment of it was this agent's own: keys are created once, so the names that
 * fit the file's windows hold what was sent. Undefined where that is not known, or the names do not reach the end.
 */
export async function listAsShipped(
  context: AgentContext,
  courier: Courier,
  life: Life,
  delivery: Delivery,
  stream: string,
): Promise<Delivered | undefined> {
  const content = contentOf(life, delivery)
  if (delivery.rollup === undefined || content === undefined || delivery.acked.offset === 0) return undefined
  const { bucket } = courier.destination
  const { host } = context.settings
  const segments = await courier.destination.request(
    (signal) => listSegments(bucket, host, stream, { signal }),
    context.signal,
  )
  const found = await walkWithFile(stream, { file: content.file, size: delivery.acked.offset }, segments)
  // No name vouches for the last window: a file that was cut or rewritten meanwhile has another one than was sent.
  if (found?.footprint.window !== delivery.acked.window) return undefined
  if (wasRefilled(found.chain)) return undefined
  // A segment at the end would be another's that continues ours: then the whole is looked at.
  return segments.next({ offset: found.footprint.offset, window: found.window }) === undefined ? found : undefined
}

/** Several segments may be on their way at once, and land in another order within this time. */
const flightMs = 30_000

/**
 * A segment that is younger than the next one took the place of one that the bucket lost. A cloned machine may have filled
 * it: under a name that fits, with bytes of its own. Pure.
 */
export function wasRefilled(chain: readonly Pick<ListedSegment, 'storedAtMs'>[]): boolean {
  return chain.some((segment, at) => segment.storedAtMs > (chain[at + 1]?.storedAtMs ?? Infinity) + flightMs)
}

/** The chain by the file's own windows; undefined where it does not reach the content's end. */
export async function walkWithFile(
  stream: string,
  content: Content,
  segments: Delivered['segments'],
): Promise<Delivered | undefined> {
  const chain: ListedSegment[] = []
  let end: ChainEnd = chainStart
  for (
    let segment = segments.next(end);
    segment !== undefined && end.offset < content.size;
    segment = segments.next(end)
  ) {
    chain.push(segment)
    const offset = segment.offset + segment.length
    end = { offset, window: await readRange(content.file, Math.max(0, offset - windowBytes), offset) }
  }
  if (end.offset !== content.size) return undefined
  const head = await readRange(content.file, 0, Math.min(windowBytes, content.size))
  return { stream, footprint: footprintOf(end.offset, head, end.window), window: end.window, chain, segments }
}
