import { LogcaskError } from '../base/errors.ts'
import { sha256 } from '../base/hash.ts'
import type { Bucket } from '../bucket/bucket.ts'
import type { ListedSegment } from '../bucket/stream-listing.ts'
import type { ChainCache, KnownChain, Stretch } from './chain-cache.ts'

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
      const chain = await chains.look(host, stream, maxAgeMs)
      const { start, end } = chain
      if (end.offset === start) return undefined
      const source: Source = {
        bucket,
        chain,
        segmentsOf: (stretch, signal) => chains.segmentsOf(host, stream, stretch, signal),
        onGone: () => chains.forget(host, stream),
      }
      return {
        start,
        end: end.offset,
        etag: etagOf(stream, end.offset, sha256(end.window)),
        read: (from, to, pieceBytes, signal) => readSegments(source, from, to, pieceBytes, signal),
        close: async () => {},
      }
    },
  }
}

/** Where a chain's bytes come from. */
interface Source {
  bucket: Bucket
  chain: KnownChain
  segmentsOf: (stretch: Stretch, signal: AbortSignal) => Promise<readonly ListedSegment[]>
  onGone: () => void
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
  { bucket, chain, segmentsOf, onGone }: Source,
  from: number,
  to: number,
  pieceBytes: () => number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const gone = (what: string): LogcaskError => {
    onGone()
    return new LogcaskError('unavailable', `${what}: was listed and is gone`, { hint: 'ask again' })
  }
  const { stretches } = chain
  for (let at = from, number = indexOf(stretches.length, (one) => stretches[one]?.end ?? 0, from); at < to; number++) {
    const stretch = stretches[number]
    if (stretch === undefined) throw new LogcaskError('internal', `no stretch holds ${at}`)
    const segments = await segmentsOf(stretch, signal)
    const endOf = ({ offset, length }: ListedSegment): number => offset + length
    const first = indexOf(segments.length, (one) => (segments[one] ? endOf(segments[one]) : 0), at)
    for (const segment of segments.slice(first)) {
      const end = Math.min(to, endOf(segment))
      while (at < end) {
        const start = at - segment.offset
        const range = { start, end: Math.min(end - segment.offset, start + pieceBytes()) }
        const got = await bucket.get(segment.key, { range, version: segment.version, signal })
        if (got === undefined || got.body.byteLength !== range.end - range.start) throw gone(segment.key)
        yield got.body
        at += got.body.byteLength
      }
    }
    if (at < Math.min(to, stretch.end)) throw gone(`what begins at ${at}`)
  }
}

/** The first of `count` that ends behind `offset`: they lie one behind the other. */
function indexOf(count: number, endOf: (index: number) => number, offset: number): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >> 1
    if (endOf(middle) <= offset) low = middle + 1
    else high = middle
  }
  return low
}
