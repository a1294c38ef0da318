import type { Clock } from '../../base/clock.ts'
import { isCode } from '../../base/errors.ts'
import { type Backoff, backoffMs } from '../../base/retry.ts'
import type { Bucket, PutResult } from '../../bucket/bucket.ts'
import type { Metadata } from '../../format/segment.ts'

/** Two buckets, and what is to be kept to on the way from one to the other. */
export interface SyncContext {
  source: Bucket
  target: Bucket
  clock: Clock
  /** Before the first byte goes to the target: rejects where it must not. Called each time, does its work once. */
  admit: (host: string) => Promise<void>
  /** Waits until so many bytes may be sent. */
  pass?: ((bytes: number, signal: AbortSignal) => Promise<void>) | undefined
  /** Nothing is written, and no content is read. */
  isDryRun: boolean
  /** What was stored in the target for so long may have expired there: it is not brought again. */
  retentionMs?: number | undefined
  /** Bytes of content as they arrive in the target, for a display. */
  onBytes?: ((bytes: number) => void) | undefined
  signal: AbortSignal
}

/** Over a store's hiccup: half a minute at most. Whoever runs this runs it again. */
const waits: Backoff = { baseMs: 200, capMs: 5_000 }
const attemptsMax = 10

/** Creates an object in the target. A lost answer is asked for again: `exists` may be what we sent before. */
export async function createInTarget(
  context: SyncContext,
  host: string,
  key: string,
  body: Uint8Array,
  metadata?: Metadata,
): Promise<PutResult> {
  const { target, clock, signal } = context
  await context.admit(host)
  await context.pass?.(body.byteLength, signal)
  for (let attempt = 1; ; attempt++) {
    try {
      return await target.put(key, body, { mode: 'create', metadata, signal })
    } catch (error) {
      if (signal.aborted || attempt === attemptsMax || !isCode(error, 'unavailable')) throw error
      await clock.sleep(backoffMs(waits, attempt, clock), signal)
    }
  }
}
