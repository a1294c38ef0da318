import type { Bucket } from '../../bucket/bucket.ts'
import { type ListedSegment, listedSegment } from '../../bucket/stream-listing.ts'
import { SegmentMap } from '../../format/chain.ts'
import { hostPrefix, parseKey } from '../../format/keys.ts'

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
  const theirs = segmentsByStream(target, host, { signal: options.signal })
  try {
    let next = await theirs.next()
    for await (const { stream, segments } of segmentsByStream(source, host, options)) {
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

async function* segmentsByStream(
  bucket: Bucket,
  host: string,
  options: { signal?: AbortSignal | undefined; onStray?: ((key: string) => void) | undefined },
): AsyncGenerator<{ stream: string; segments: ListedSegment[] }, undefined> {
  let stream: string | undefined
  let segments: ListedSegment[] = []
  for await (const entry of bucket.list(hostPrefix('segments', host), { signal: options.signal })) {
    if (entry.kind !== 'object') continue
    const key = parseKey(entry.key)
    if (key?.kind !== 'segment') {
      options.onStray?.(entry.key)
      continue
    }
    if (key.stream !== stream) {
      if (stream !== undefined) yield { stream, segments }
      stream = key.stream
      segments = []
    }
    segments.push(listedSegment(entry, key))
  }
  if (stream !== undefined) yield { stream, segments }
  return undefined
}
