import { forEachConcurrently } from '../base/concurrency.ts'
import type { Bucket } from '../bucket/bucket.ts'
import { listedStream, listStreams } from '../bucket/stream-inventory.ts'
import { listSegments } from '../bucket/stream-listing.ts'
import { type VerifiedStream, type VerifyStreamOptions, verifyStream } from './verify-stream.ts'

export interface VerifyOptions extends VerifyStreamOptions {
  /** Each stream as it is done, in no order. */
  onStream: (verified: VerifiedStream) => void
  /** Keys in the host's rooms that no agent would write. */
  onStray?: ((key: string) => void) | undefined
  /** Seals, gaps and aliases that were written twice or deleted; the oldest version counts. */
  onTampered?: ((key: string) => void) | undefined
}

/** Streams that are read at once: what each reads ahead counts against the memory. */
const wholeAtOnce = 3
/** Small answers: only latency counts. */
const quickAtOnce = 32

/**
 * Every stream of a host, held against what its own records say; memory holds a few, however many there are. Rejects only
 * where the host's listings are not complete: then nothing can be said.
 */
export async function verifyHost(bucket: Bucket, host: string, options: VerifyOptions): Promise<void> {
  const { isQuick, against, signal, onStray, onTampered } = options
  const seen = new Set<string>()
  const listing = listStreams(bucket, host, { signal, onStray, onTampered })
  await forEachConcurrently(listing, isQuick ? quickAtOnce : wholeAtOnce, async (listed) => {
    seen.add(listed.stream)
    options.onStream(await verifyStream(bucket, host, listed, options))
  })
  const others = new Set<string>()
  for (const place of against ?? [])
    for (const stream of await place.streams(host)) if (!seen.has(stream)) others.add(stream)
  await forEachConcurrently(others, isQuick ? quickAtOnce : wholeAtOnce, async (stream) => {
    // Begun since the listing, it is there by now; else the bucket has nothing of it, and the other side has.
    const segments = await listSegments(bucket, host, stream, { signal })
    if (segments.all.length === 0)
      options.onStream(await verifyStream(bucket, host, listedStream(stream, [], {}), options))
  })
}
