import { windowBytes } from '../../format/limits.ts'

/** What of a file without a name goes to the spool: pure. */
export interface SpoolFacts {
  /** Bytes of the file now. */
  size: number
  /** What each destination has of it, in bytes. */
  acked: readonly number[]
  /** What is kept of it already: [from, end). */
  kept: { from: number; end: number } | undefined
  /** Bytes that the spool may still take. */
  room: number
}

export type SpoolPlan =
  | { kind: 'nothing' }
  /** [start, end) is written, and [from, end) is kept then. */
  | { kind: 'keep'; from: number; start: number; end: number }
  | { kind: 'full'; missing: number }

/**
 * The rest, from what the furthest destination still lacks; and the stretch before it, which the next segment's name is
 * made of. What was kept once stays as it begins: a destination that went on meanwhile changes nothing.
 */
export function planSpool({ size, acked, kept, room }: SpoolFacts): SpoolPlan {
  const delivered = Math.min(...acked)
  if (delivered >= size) return { kind: 'nothing' }
  const from = kept?.from ?? Math.max(0, delivered - windowBytes)
  const start = kept?.end ?? from
  if (size <= start) return { kind: 'nothing' }
  const head = kept === undefined && from > 0 ? windowBytes : 0
  const bytes = size - start + head
  return bytes <= room ? { kind: 'keep', from, start, end: size } : { kind: 'full', missing: size - start }
}
