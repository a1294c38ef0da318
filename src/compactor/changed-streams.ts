import type { Bucket } from '../bucket/bucket.ts'
import { sealsOf } from '../bucket/stream-header.ts'
import {
  type ListedSeal,
  type ListedStream,
  listedStream,
  listSeals,
  listStreamNames,
} from '../bucket/stream-inventory.ts'
import { listSegments } from '../bucket/stream-listing.ts'
import { type HostWatch, isDue } from './listing-plan.ts'

/**
 * The streams that are new, due, or have a seal longer than what is published, each listed from there on. Of a host with
 * a long history only the newest streams are listed by name, and older ones that are not complete by themselves, when
 * due: what else may have changed is found by the next full listing (listing-plan.ts).
 */
export async function* changedStreams(
  bucket: Bucket,
  host: string,
  watch: HostWatch,
  nowMs: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<ListedStream> {
  const { newestFrom: from } = watch
  const seals = await listSeals(bucket, host, { from, signal })
  const names = await listStreamNames(bucket, host, { from, signal })
  const older = from === undefined ? [] : [...watch.streams.keys()].filter((stream) => stream < from)
  for (const stream of [...older, ...names]) {
    const known = watch.streams.get(stream)
    const isOlder = from !== undefined && stream < from
    const sealed = seals.get(stream)?.at(-1)?.length ?? 0
    if (known !== undefined && !isDue(known, nowMs) && !(known.isSettled && sealed > known.length)) continue
    const own: readonly ListedSeal[] = isOlder ? await sealsOf(bucket, host, stream, signal) : (seals.get(stream) ?? [])
    const { all } = await listSegments(bucket, host, stream, { from: known?.length ?? 0, signal })
    yield listedStream(stream, [...all], { seals: new Map([[stream, own]]) })
  }
}
