/** How a stream stands, told from the numbers alone. Pure. */

export interface SealFacts {
  length: number
  sha256: string
}

export interface GapFacts {
  offset: number
  end: number | 'open'
}

/**
 * - `unsealed` nothing says that it is complete: it is live, or its end was not seen;
 * - `sealed`   its chain has the length of its longest seal;
 * - `outgrown` its chain is longer than every seal: it went on after it was sealed, and counts as unsealed;
 * - `short`    a seal promises `missing` bytes more than the chain has: not delivered yet, lost, or expired.
 */
export type Completeness =
  | { kind: 'unsealed' }
  | { kind: 'sealed'; sha256: readonly string[] }
  | { kind: 'outgrown' }
  | { kind: 'short'; length: number; missing: number }

export function completeness(chainLength: number, seals: readonly SealFacts[]): Completeness {
  const longest = seals.reduce<SealFacts | undefined>((a, b) => (a && a.length >= b.length ? a : b), undefined)
  if (longest === undefined) return { kind: 'unsealed' }
  if (longest.length < chainLength) return { kind: 'outgrown' }
  if (longest.length > chainLength) {
    return { kind: 'short', length: longest.length, missing: longest.length - chainLength }
  }
  return { kind: 'sealed', sha256: seals.filter(({ length }) => length === chainLength).map(({ sha256 }) => sha256) }
}

/**
 * Whether a gap counts as closed, whatever its reason: its bytes turned up after all, or (an open one) a seal at least
 * as long as its offset says where the stream ends.
 */
export function isClosed(gap: GapFacts, chainLength: number, seals: readonly SealFacts[]): boolean {
  const { offset, end } = gap
  return end === 'open' ? seals.some(({ length }) => length >= offset) : chainLength >= end
}
