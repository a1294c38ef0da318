import { sha256 } from '../base/hash.ts'
import { segmentBytesMax, windowBytes } from './limits.ts'

/**
 * The chain: which of the segments that are in a bucket make up a stream's content. Pure: a pure function of the
 * segments' names and bytes, so that every reader at every time walks the same way, and no later object changes it (I8).
 */

/** A segment as a listing shows it. */
export interface SegmentRef {
  offset: number
  /** 16 hex digits of the history that it continues. */
  before: string
  /** Bytes. */
  length: number
}

/** A point that a walk has reached: its offset, and the up to 4 KiB of stream that come before it. */
export interface ChainEnd {
  readonly offset: number
  readonly window: Uint8Array
}

export const chainStart: ChainEnd = { offset: 0, window: new Uint8Array(0) }

/** What the key of the segment at `end` must say: 16 hex digits of the SHA-256 of the window. */
export function beforeOf(end: ChainEnd): string {
  return sha256(end.window).slice(0, 16)
}

/** The end after `bytes` more. */
export function advance(end: ChainEnd, bytes: Uint8Array): ChainEnd {
  return { offset: end.offset + bytes.byteLength, window: joinWindow(end.window, bytes) }
}

/**
 * The end after a segment of `length` bytes of which only the last ones, `tail`, were read. `tail` must hold the whole
 * segment or at least 4 KiB of it.
 */
export function advanceByTail(end: ChainEnd, length: number, tail: Uint8Array): ChainEnd {
  return { offset: end.offset + length, window: joinWindow(end.window, tail) }
}

function joinWindow(window: Uint8Array, bytes: Uint8Array): Uint8Array {
  // Always a copy: a window outlives the (pooled) segment that it was cut from. Not by slice: a Buffer's is a view.
  if (bytes.byteLength >= windowBytes) return new Uint8Array(bytes.subarray(bytes.byteLength - windowBytes))
  const keep = Math.min(window.byteLength, windowBytes - bytes.byteLength)
  const joined = new Uint8Array(keep + bytes.byteLength)
  joined.set(window.subarray(window.byteLength - keep))
  joined.set(bytes, keep)
  return joined
}

/** Segments by offset, for walking. Sizes that no agent would write are left out: they are strays before they are read. */
export class SegmentMap<T extends SegmentRef> {
  readonly #at = new Map<number, Map<string, T>>()
  readonly all: readonly T[]

  constructor(segments: Iterable<T>) {
    this.all = [...segments]
    for (const segment of this.all) {
      if (!isSegmentLength(segment.length)) continue
      const peers = this.#at.get(segment.offset) ?? new Map<string, T>()
      if (!peers.has(segment.before)) peers.set(segment.before, segment)
      this.#at.set(segment.offset, peers)
    }
  }

  /** The one segment that continues the chain at `end`, or undefined: the chain ends there. */
  next(end: ChainEnd): T | undefined {
    return this.#at.get(end.offset)?.get(beforeOf(end))
  }

  /** Every segment that begins at `offset`, whatever history it continues: at most one is on the chain. */
  startingAt(offset: number): T[] {
    return [...(this.#at.get(offset)?.values() ?? [])]
  }

  /** Offsets at which some segment begins, beyond `offset`, in order: where a refill must cut so that it meets what is there. */
  beginningsAfter(offset: number): number[] {
    return [...this.#at.keys()].filter((at) => at > offset).sort((a, b) => a - b)
  }
}

export function isSegmentLength(length: number): boolean {
  return Number.isSafeInteger(length) && length > 0 && length <= segmentBytesMax
}
