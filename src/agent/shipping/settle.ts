import { segmentBytesMax } from '../../format/limits.ts'

/** What the answer "it is there already" means, once what is there was read (a header proves nothing). */
export type Settled =
  /** The chain goes on by `length` bytes, which equal ours as far as both reach. */
  | { kind: 'acked'; length: number }
  /** Other bytes, none, or more than a segment may hold: not our history. */
  | { kind: 'diverged' }

/** `stored` holds the object's first bytes, at most `segmentBytesMax`, of the `size` that it has. */
export function settleExisting(ours: Uint8Array, stored: Uint8Array, size: number): Settled {
  const overlap = Math.min(ours.byteLength, stored.byteLength)
  if (overlap === 0 || size > segmentBytesMax || stored.byteLength !== size) return { kind: 'diverged' }
  return Buffer.compare(ours.subarray(0, overlap), stored.subarray(0, overlap)) === 0
    ? { kind: 'acked', length: size }
    : { kind: 'diverged' }
}

/** Bytes in memory that follow each other, from `offset` on. */
export interface Chunk {
  offset: number
  bytes: Uint8Array
}

/**
 * After a segment that another agent cut elsewhere, `stored` from `at` on: what is still to be sent of our chunks, or
 * undefined where ours and theirs disagree.
 */
export function recut(chunks: readonly Chunk[], at: number, stored: Uint8Array): Chunk[] | undefined {
  const end = at + stored.byteLength
  const rest: Chunk[] = []
  for (const { offset, bytes } of chunks) {
    const to = Math.min(end, offset + bytes.byteLength)
    if (to > offset && Buffer.compare(bytes.subarray(0, to - offset), stored.subarray(offset - at, to - at)) !== 0)
      return undefined
    if (offset + bytes.byteLength <= end) continue
    const from = Math.max(offset, end)
    rest.push({ offset: from, bytes: bytes.subarray(from - offset) })
  }
  return rest
}
