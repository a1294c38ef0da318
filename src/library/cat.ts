import { systemClock } from '../base/clock.ts'
import { LogcaskError } from '../base/errors.ts'
import type { Bucket } from '../bucket/bucket.ts'
import { retryingReads } from '../bucket/retrying-reads.ts'
import { readContent } from '../bucket/stream-content.ts'
import { openBucket } from '../cli/compose/open-bucket.ts'
import { findStreams } from '../cli/read/cat-find.ts'
import { notSealedContent } from '../cli/read/cat-print.ts'
import { parseStreamId } from '../format/keys.ts'
import type { CatOptions, ContentOutcome, ContentSource, Loss } from './reading-contract.ts'

/** Gives what `Content` says; `tell` hears which stream it is before its first byte. */
export async function* catStream(
  url: string,
  host: string,
  name: string | undefined,
  options: CatOptions,
  tell: (source: ContentSource) => void,
): AsyncGenerator<Uint8Array, ContentOutcome> {
  const { stream: id, range = {}, signal: given, ...store } = options
  const { start = 0, end = Number.POSITIVE_INFINITY } = range
  if (!(start >= 0 && end > start))
    throw new LogcaskError('invalid', `range ${start}–${end}: is empty`, { hint: '{ start: 0, end: 1 } is one byte' })
  const over = new AbortController()
  const signal = given ? AbortSignal.any([given, over.signal]) : over.signal
  signal.throwIfAborted()
  const bucket = await openBucket(url, store, 'read', systemClock)
  try {
    const reader = retryingReads(bucket, systemClock)
    const source = id === undefined ? await find(reader, host, name, signal) : named(host, id)
    tell(source)
    const read = yield* readContent(reader, host, source.stream, { start, end }, signal)
    if (read.verified === false) throw notSealedContent(host, source.stream)
    return { start: read.start, end: read.end, isVerified: read.verified, losses: read.losses.map(lossForOthers) }
  } finally {
    over.abort(new LogcaskError('unavailable', 'nobody reads it any more'))
    await bucket.close()
  }
}

/** As plain data. */
export function lossForOthers(loss: Loss & { problem?: string }): Loss {
  if (loss.kind !== 'gap') return { ...loss }
  const { kind, offset, end, reason } = loss
  return { kind, offset, end, reason }
}

async function find(
  bucket: Bucket,
  host: string,
  name: string | undefined,
  signal: AbortSignal,
): Promise<ContentSource> {
  if (name === undefined)
    throw new LogcaskError('invalid', 'neither a name nor a stream is given', { hint: 'name a path' })
  const { path, streams, isPartial } = await findStreams(bucket, host, name, { newestOnly: true, signal })
  return { host, stream: streams.at(-1) ?? '', path, hasOlder: isPartial || streams.length > 1 }
}

function named(host: string, stream: string): ContentSource {
  if (parseStreamId(stream) === undefined)
    throw new LogcaskError('invalid', `${stream}: is no stream's id`, { hint: 'logcask ls URL HOST NAME lists them' })
  return { host, stream, path: undefined, hasOlder: false }
}
