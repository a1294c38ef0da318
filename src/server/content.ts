import { LogcaskError } from '../base/errors.ts'
import { sha256 } from '../base/hash.ts'
import type { Bucket } from '../bucket/bucket.ts'
import type { ListedSegment } from '../bucket/stream-listing.ts'
import type { ChainCache } from './chain-cache.ts'

/** A stream's bytes, as far as they can be read now. */
export interface Content {
  /** 0, or where the first byte is when those before have expired. */
  readonly start: number
  readonly end: number
  /** Strong: stream, length, and the history before the end. */
  readonly etag: string
  /** Bytes [from, to) in pieces of at most `pieceBytes()`, asked before each. Rejects `unavailable` where they are gone. */
  read(from: number, to: number, pieceBytes: () => number, signal: AbortSignal): AsyncIterable<Uint8Array>
  /** Idempotent. */
  close(): Promise<void>
}

/** A published file, open: its first `length` bytes were verified and are on disk. */
export interface Published {
  length: number
  /** SHA-256 of the up to 4 KiB before `length`. */
  window: string
  /** Fewer than asked for only at the end of the file. */
  read(bytes: Uint8Array, position: number): Promise<number>
  close(): Promise<void>
}

/** Undefined where nothing is published of a stream (yet). */
export type OpenPublished = (host: string, stream: string) => Promise<Published | undefined>

export interface ContentSource {
  /** Undefined where the stream has no content. From disk where it is published, else from its segments. */
  open(host: string, stream: string, maxAgeMs: number): Promise<Content | undefined>
}

export function createContentSource(
  bucket: Bucket,
  chains: ChainCache,
  openPublished: OpenPublished = async () => undefined,
): ContentSource {
  return {
    async open(host, stream, maxAgeMs) {
      const published = await openPublished(host, stream)
      if (published !== undefined) return publishedContent(stream, published)
      const { start, end, segments } = await chains.look(host, stream, maxAgeMs)
      if (segments.length === 0) return undefined
      const onGone = (): void => chains.forget(host, stream)
      return {
        start,
        end: end.offset,
        etag: etagOf(stream, end.offset, sha256(end.window)),
        read: (from, to, pieceBytes, signal) => readSegments(bucket, segments, from, to, pieceBytes, onGone, signal),
        close: async () => {},
      }
    },
  }
}

function etagOf(stream: string, length: number, window: string): string {
  return `"${stream}.${length}.${window.slice(0, 16)}"`
}

function publishedContent(stream: string, published: Published): Content {
  const { length, window } = published
  return {
    start: 0,
    end: length,
    etag: etagOf(stream, length, window),
    async *read(from, to, pieceBytes, signal) {
      for (let at = from; at < to; ) {
        signal.throwIfAborted()
        const bytes = Buffer.allocUnsafe(Math.min(to - at, pieceBytes()))
        const count = await published.read(bytes, at)
        if (count === 0) throw new LogcaskError('unavailable', `${stream}: its published file became shorter`)
        yield bytes.subarray(0, count)
        at += count
      }
    },
    close: () => published.close(),
  }
}

async function* readSegments(
  bucket: Bucket,
  segments: readonly ListedSegment[],
  from: number,
  to: number,
  pieceBytes: () => number,
  onGone: () => void,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for (let at = from, index = indexOf(segments, from); at < to; index++) {
    const segment = segments[index]
    if (segment === undefined) throw new LogcaskError('internal', `no segment holds ${at}`)
    const end = Math.min(to, segment.offset + segment.length)
    while (at < end) {
      const start = at - segment.offset
      const range = { start, end: Math.min(end - segment.offset, start + pieceBytes()) }
      const got = await bucket.get(segment.key, { range, version: segment.version, signal })
      if (got === undefined || got.body.byteLength !== range.end - range.start) {
        onGone()
        throw new LogcaskError('unavailable', `${segment.key}: was listed and is gone`, { hint: 'ask again' })
      }
      yield got.body
      at += got.body.byteLength
    }
  }
}

/** The segment that holds `offset`: they lie one behind the other. */
function indexOf(segments: readonly ListedSegment[], offset: number): number {
  let low = 0
  let high = segments.length
  while (low < high) {
    const middle = (low + high) >> 1
    const { offset: start = 0, length = 0 } = segments[middle] ?? {}
    if (start + length <= offset) low = middle + 1
    else high = middle
  }
  return low
}
