import { type Comparison, compare, type Footprint, type Sample } from '../../agent/identity/evidence.ts'
import type { Delivery, Life } from '../../agent/life.ts'

/** A file as it was at the call: these bytes are waited for. */
export interface Mark {
  path: string
  identity: string
  size: number
  /** By its own name, not by a pattern or a directory. */
  isNamed: boolean
}

/** How one destination stands with a mark, by what the agent has written down. */
export type Standing = { kind: 'delivered' } | { kind: 'behind'; bytes: number } | { kind: 'lost' }

/**
 * Judges a delivery of the mark's file. `sample` gives the file's bytes at an offset, now: an offset proves nothing about
 * a file that was cut and written anew since the agent looked at it.
 */
export async function standingOf(
  mark: Mark,
  life: Life,
  delivery: Delivery,
  sample: (footprint: Footprint) => Promise<Sample>,
): Promise<Standing> {
  const { acked } = delivery
  // Its file was cut: what was not delivered by then is not to be had any more.
  if (life.ended) return acked.offset >= mark.size ? { kind: 'delivered' } : { kind: 'lost' }
  const isElsewhere = life.copy !== undefined && life.copy.reason !== 'adopted'
  if (isElsewhere) {
    // What a compressed rotation decodes to, or the copy of a copytruncate, is another file's stream: its seal speaks for it.
    const isWhole = delivery.sealed !== undefined && delivery.sealed.length === acked.offset
    return isWhole && (life.copy?.size ?? 0) >= mark.size ? { kind: 'delivered' } : { kind: 'behind', bytes: mark.size }
  }
  if (acked.offset < mark.size) return { kind: 'behind', bytes: mark.size - acked.offset }
  const comparison: Comparison = compare(acked, await sample(acked))
  return comparison === 'same' || comparison === 'edited' ? { kind: 'delivered' } : { kind: 'behind', bytes: mark.size }
}
