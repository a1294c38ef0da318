import type { Bucket } from '../bucket/bucket.ts'
import { contentRun } from '../bucket/stream-content.ts'
import { sealsOf } from '../bucket/stream-header.ts'
import { listHosts, listStreamNames } from '../bucket/stream-inventory.ts'
import { listSegments, readChain } from '../bucket/stream-listing.ts'
import { longestRun } from '../bucket/stream-runs.ts'
import { surveyChain } from '../bucket/stream-survey.ts'
import type { ReadAhead } from '../bucket/stream-walk.ts'
import type { Counterpart, Held } from './verify-against.ts'

/** Several streams are read at once, in two buckets. */
const readAhead: ReadAhead = { count: 2, bytes: 8 * 1024 * 1024 }

/** Named one by one: enough to begin looking. */
const tamperedKeysMax = 5

/** A second bucket: its chains, whichever segments they are cut into. */
export function bucketCounterpart(bucket: Bucket, signal: AbortSignal): Counterpart {
  return {
    url: bucket.url,
    open: (host, stream) => openStream(bucket, host, stream, signal),
    hosts: () => listHosts(bucket, { signal }),
    streams: (host) => listStreamNames(bucket, host, { signal }),
    close: () => bucket.close(),
  }
}

async function openStream(bucket: Bucket, host: string, stream: string, signal: AbortSignal): Promise<Held[]> {
  const segments = await listSegments(bucket, host, stream, { signal })
  const run = contentRun(segments)
  const chain = run.start.offset === 0 ? await surveyChain(bucket, segments, { signal }) : []
  const last = chain.at(-1)
  const length = last === undefined ? run.start.offset + (longestRun(segments)?.bytes ?? 0) : last.offset + last.length
  // An empty file is a seal, and no segment.
  if (length === 0 && (await sealsOf(bucket, host, stream, signal)).length === 0) return []
  const pieces = readChain(bucket, run.segments, { start: run.start, ahead: readAhead, signal })
  /** Of the piece that was read last. */
  let at = run.start.offset
  let bytes: Uint8Array = new Uint8Array(0)
  const tampered = segments.all.filter(({ versions }) => versions > 1).map(({ key }) => key)
  const held: Held = {
    name: `${host}/${stream}`,
    tamperedKeys: tampered.slice(0, tamperedKeysMax),
    start: run.start.offset,
    length,
    async read(start, end) {
      const found: Uint8Array[] = []
      for (let from = start; from < end; ) {
        if (from >= at + bytes.byteLength) {
          const next = await pieces.next()
          if (next.done) break
          at = next.value.segment.offset
          bytes = next.value.bytes
          continue
        }
        const part = bytes.subarray(from - at, end - at)
        found.push(part)
        from += part.byteLength
      }
      return found.length === 1 && found[0] !== undefined ? found[0] : Buffer.concat(found)
    },
    close: async () => void (await pieces.return(undefined as never)),
  }
  return [held]
}
