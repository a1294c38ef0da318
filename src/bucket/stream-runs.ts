import type { ChainEnd, SegmentMap, SegmentRef } from '../format/chain.ts'
import { windowBytes } from '../format/limits.ts'

/** Segments to walk from `start`, as `walkChain` takes them. */
export interface Run<T extends SegmentRef> {
  start: ChainEnd
  /** As its segments' names tell. */
  bytes: number
  segments: Pick<SegmentMap<T>, 'next' | 'startingAt'>
}

/**
 * What is left of a stream whose beginning is gone (expired): of the runs of segments that follow on each other, the
 * longest, told from the names; a stray is short. While fewer than 4 KiB of it come before an offset, nothing says which
 * history it continues, and a segment is joined only if it is the only one there. Undefined where there is no segment.
 */
export function longestRun<T extends SegmentRef>(segments: SegmentMap<T>): Run<T> | undefined {
  let best: { offset: number; bytes: number } | undefined
  const lengths = new Map<number, number>()
  const offsets = [...new Set(segments.all.map(({ offset }) => offset))].sort((a, b) => b - a)
  for (const offset of offsets) {
    const [only, ...others] = segments.startingAt(offset)
    if (only === undefined) continue
    // From the back: what comes after each of them is known already.
    const bytes = Math.max(...[only, ...others].map(({ length }) => length + (lengths.get(offset + length) ?? 0)))
    lengths.set(offset, bytes)
    if (others.length === 0 && bytes >= (best?.bytes ?? 0)) best = { offset, bytes }
  }
  if (best === undefined) return undefined
  const { offset, bytes } = best
  return {
    bytes,
    start: { offset, window: new Uint8Array(0) },
    segments: {
      startingAt: (at) => segments.startingAt(at),
      next(end) {
        if (end.window.byteLength >= windowBytes) return segments.next(end)
        const [only, ...others] = segments.startingAt(end.offset)
        return others.length === 0 ? only : undefined
      },
    },
  }
}
