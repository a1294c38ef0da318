import { beforeOf, type ChainEnd, SegmentMap } from '../format/chain.ts'
import { fromOffset, parseKey, streamPrefix } from '../format/keys.ts'
import type { Bucket, ObjectEntry } from './bucket.ts'
import { type ListedSegment, listedSegment } from './stream-listing.ts'

/** Segments of one stage: some 3 MB, whatever a stream has. */
const stageSegmentsMax = 10_000

/**
 * Follows a chain from `start` on in stages, for streams of millions of segments, and for rooms that a hostile host has
 * filled with strays: memory holds one stage. `walk` is given what may come next, and answers how far it came. A walk that
 * finds nothing new costs one request, whatever lies beside the chain.
 */
export async function walkInStages(
  bucket: Bucket,
  host: string,
  stream: string,
  start: ChainEnd,
  walk: (segments: SegmentMap<ListedSegment>, end: ChainEnd) => Promise<ChainEnd>,
  options: { signal?: AbortSignal | undefined; segmentsMax?: number } = {},
): Promise<ChainEnd> {
  const { signal, segmentsMax = stageSegmentsMax } = options
  let end = start
  let before = beforeOf(end)
  let stage: ListedSegment[] = []
  const flush = async (): Promise<void> => {
    end = await walk(new SegmentMap(stage), end)
    before = beforeOf(end)
    stage = stage.filter(
      ({ offset, before: history }) => offset > end.offset || (offset === end.offset && history === before),
    )
  }
  /** What is listed comes in order: behind the place where the next one would be, it is not there. */
  const isOver = (offset: number, history: string): boolean =>
    offset > end.offset || (offset === end.offset && history > before)
  const prefix = streamPrefix('segments', host, stream)
  // Right before its name: strays of the same offset that sort before it are not even listed.
  const startAfter = `${fromOffset('segments', host, stream, end.offset)}-${before.slice(0, -1)}`
  for await (const entry of bucket.list(prefix, { startAfter, signal })) {
    const segment = segmentOf(entry.kind === 'object' ? entry : undefined)
    if (segment === undefined || segment.offset < end.offset) continue
    if (stage.length === 0 && isOver(segment.offset, segment.before)) return end
    if (segment.offset === end.offset && segment.before !== before) continue
    stage.push(segment)
    if (stage.length < segmentsMax) continue
    const from = end.offset
    await flush()
    const beyond = stage.at(-1)
    // It did not move, and what lies beyond was seen: nothing that is still to be listed can be its next one.
    if (end.offset === from && beyond !== undefined && beyond.offset > end.offset) return end
    if (stage[0] !== undefined && stage[0].offset > end.offset) return end
  }
  if (stage.length > 0) await flush()
  return end
}

function segmentOf(entry: ObjectEntry | undefined): ListedSegment | undefined {
  const key = entry && parseKey(entry.key)
  return entry !== undefined && key?.kind === 'segment' ? listedSegment(entry, key) : undefined
}
