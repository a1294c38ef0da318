import { type Clock, systemClock } from '../../../src/base/clock.ts'
import { sha256 } from '../../../src/base/hash.ts'
import { type Bucket, listObjects } from '../../../src/bucket/bucket.ts'
import { listSegments, readChain } from '../../../src/bucket/stream-listing.ts'
import { type SyncOptions, syncOnce } from '../../../src/compactor/sync/sync.ts'
import type { SyncedStream } from '../../../src/compactor/sync/sync-host.ts'
import type { LogcaskError } from '../../../src/index.ts'

/** Waits for nothing. */
export const hasty: Clock = { ...systemClock, sleep: async (_, signal) => signal?.throwIfAborted() }

export interface Pass {
  streams: SyncedStream[]
  problems: LogcaskError[]
  digests: number
  admissions: number
}

export async function sync(source: Bucket, target: Bucket, more: Partial<SyncOptions> = {}): Promise<Pass> {
  const pass: Pass = { streams: [], problems: [], digests: 0, admissions: 0 }
  const { digests } = await syncOnce({
    source,
    target,
    clock: hasty,
    admit: async () => void pass.admissions++,
    isDryRun: false,
    isWanted: () => true,
    onStream: (synced) => pass.streams.push(synced),
    onProblem: (_, problem) => pass.problems.push(problem),
    signal: new AbortController().signal,
    ...more,
  })
  return { ...pass, digests }
}

/** What the chain of a stream holds, and how many of its segments are on none. */
export async function contentOf(
  bucket: Bucket,
  host: string,
  stream: string,
): Promise<{ bytes: Buffer; strays: number }> {
  const segments = await listSegments(bucket, host, stream)
  const pieces: Uint8Array[] = []
  for await (const { bytes } of readChain(bucket, segments)) pieces.push(bytes)
  return { bytes: Buffer.concat(pieces), strays: segments.all.length - pieces.length }
}

/** Every object with what it holds: a digest of a bucket. */
export async function objectsOf(bucket: Bucket, prefix = ''): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const { key, version } of await listObjects(bucket, prefix)) {
    const got = await bucket.get(key, { version })
    found[key] = `${sha256(got?.body ?? new Uint8Array(0))} ${JSON.stringify(got?.metadata)}`
  }
  return found
}
