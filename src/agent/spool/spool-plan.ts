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
 * made of. A destination that went on meanwhile changes nothing of what was kept; one that began anew (a fork, another
 * destination) needs all of it.
 */
export function planSpool({ size, acked, kept, room }: SpoolFacts): SpoolPlan {
  const delivered = Math.min(...acked)
  if (delivered >= size) return { kind: 'nothing' }
  const needed = Math.max(0, delivered - windowBytes)
  const isDeep = kept === undefined || needed < kept.from
  const from = isDeep ? needed : kept.from
  const start = isDeep ? from : kept.end
  if (size <= start) return { kind: 'nothing' }
  const bytes = bytesOf({ from, end: size }) - (kept === undefined ? 0 : bytesOf(kept))
  return bytes <= room ? { kind: 'keep', from, start, end: size } : { kind: 'full', missing: size - start }
}

/** Bytes of disk that what is kept takes: the file's first stretch, which is compared after a restart, is always there. */
export function bytesOf({ from, end }: { from: number; end: number }): number {
  return end - from + Math.min(from, windowBytes)
}

/** What is known of the end of a file without a name, which nobody can open any more. */
export interface EndFacts {
  /** Asked before its size was: whoever has no writer then never gets one again. */
  writer: 'none' | 'some' | 'unknown'
  /** It was idle for as long as a seal asks for. */
  isIdle: boolean
  /** Bytes that it had, and that are kept. */
  size: number
  end: number
  /** It was over already, at that end. */
  wasOver: boolean
}

/** No byte can come behind what is kept, as far as a seal has to know. */
export function isOver({ writer, isIdle, size, end, wasOver }: EndFacts): boolean {
  if (size !== end) return false
  return writer === 'none' || wasOver || (writer === 'unknown' && isIdle)
}
