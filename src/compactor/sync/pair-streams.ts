import type { Bucket } from '../../bucket/bucket.ts'
import { listSegmentsByStream } from '../../bucket/stream-inventory.ts'
import { type ListedSegment, listSegments } from '../../bucket/stream-listing.ts'
import { SegmentMap } from '../../format/chain.ts'

/** One stream as two buckets have it. */
export interface StreamPair {
  stream: string
  source: SegmentMap<ListedSegment>
  target: SegmentMap<ListedSegment>
}

/**
 * Every stream of a host of which `source` has segments, with what `target` has of it, from one listing of each: a request
 * per thousand segments, and memory for one stream, however many there are. A pair that was given is complete.
 */
export async function* pairStreams(
  source: Bucket,
  target: Bucket,
  host: string,
  options: { signal?: AbortSignal | undefined; onStray?: ((key: string) => void) | undefined } = {},
): AsyncGenerator<StreamPair> {
  const theirs = listSegmentsByStream(target, host, { signal: options.signal })
  try {
    let next = await theirs.next()
    for await (const { stream, segments } of listSegmentsByStream(source, host, options)) {
      while (!next.done && isBefore(next.value.stream, stream)) next = await theirs.next()
      const found = !next.done && next.value.stream === stream ? next.value.segments : []
      yield { stream, source: new SegmentMap(segments), target: new SegmentMap(found) }
    }
  } finally {
    await theirs.return(undefined)
  }
}

/** In the order of keys, where a name ends in '/': '.' of a generation sorts before it, and digits behind. */
function isBefore(a: string, b: string): boolean {
  return `${a}/` < `${b}/`
}

/** One of them, before its turn. */
export async function pairStream(
  source: Bucket,
  target: Bucket,
  host: string,
  stream: string,
  signal: AbortSignal,
): Promise<StreamPair> {
  const [ours, theirs] = await Promise.all([source, target].map((one) => listSegments(one, host, stream, { signal })))
  return { stream, source: ours ?? new SegmentMap([]), target: theirs ?? new SegmentMap([]) }
}
