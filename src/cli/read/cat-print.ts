import { LogcaskError } from '../../base/errors.ts'
import type { Bucket } from '../../bucket/bucket.ts'
import { type ContentRead, type Loss, readContent } from '../../bucket/stream-content.ts'
import type { ByteRange } from './read-range.ts'

export type { Loss }
export type Printed = ContentRead

/** Gives the bytes of `range` to `write`, waiting for it; what is checked on the way, `readContent` says. */
export async function printStream(
  bucket: Bucket,
  host: string,
  stream: string,
  range: ByteRange,
  write: (bytes: Uint8Array) => Promise<void>,
  signal: AbortSignal,
): Promise<Printed> {
  const content = readContent(bucket, host, stream, range, signal)
  try {
    for (;;) {
      const next = await content.next()
      if (next.done) return next.value
      await write(next.value)
    }
  } finally {
    // Where nobody takes any more, what is under way is given up.
    await content.return(undefined as never)
  }
}

/** Wrong bytes went out: whoever reads them must know. */
export function notSealedContent(host: string, stream: string): LogcaskError {
  return new LogcaskError('corrupt', `${host} ${stream}: the SHA-256 of what was printed is not its seal's`, {
    hint: 'compare another destination (logcask cat there), and find out who wrote to this bucket',
  })
}
