import type { Bucket } from '../../bucket/bucket.ts'
import { sealsOf } from '../../bucket/stream-header.ts'
import { listedStream, listGaps } from '../../bucket/stream-inventory.ts'
import { listSegments } from '../../bucket/stream-listing.ts'
import { directoryCounterpart } from '../../compactor/verify-directory.ts'
import { verifyStream } from '../../compactor/verify-stream.ts'
import { streamPrefix } from '../../format/keys.ts'
import type { VerifyStream } from '../../server/api-verify.ts'
import { reasons, verifiedForMachine } from '../compact/verify-rows.ts'

/** One stream as `logcask verify` holds it against its seals; with `root` also against what is published there. */
export function verifyIn(bucket: Bucket, root: string | undefined): VerifyStream {
  return async (host, stream, { isQuick, signal, onBytes }) => {
    // The records first: what they speak of is in the bucket by then.
    const seals = await sealsOf(bucket, host, stream, signal)
    const gaps = await listGaps(bucket, host, { prefix: streamPrefix('gaps', host, stream), signal })
    const segments = await listSegments(bucket, host, stream, { signal })
    if (segments.all.length === 0 && seals.length === 0) return undefined
    const listed = listedStream(stream, [...segments.all], { seals: new Map([[stream, seals]]), gaps })
    const against = root === undefined ? undefined : await directoryCounterpart(root)
    try {
      const verified = await verifyStream(bucket, host, listed, {
        isQuick,
        signal,
        against: against && [against],
        onBytes,
      })
      // The whole machine's paths are nobody's business who reads logs: names are those below the directory.
      return { verdict: verified.verdict, reasons: reasons(verified), facts: verifiedForMachine(verified) }
    } finally {
      await against?.close()
    }
  }
}
