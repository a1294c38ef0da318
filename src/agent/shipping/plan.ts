/** What to ship next: pure over plain data. */

export interface RangeFacts {
  /** Read and sent so far. */
  sent: number
  /** Bytes that may be shipped. */
  size: number
  segmentBytes: number
  /** Offsets beyond `sent` at which segments already lie (ascending): cuts must meet them, or they stay strays. */
  landed: readonly number[]
}

/** The next segment's range, as long as a segment may be; undefined where there is nothing to ship. */
export function nextRange(facts: RangeFacts): { start: number; end: number; isFull: boolean } | undefined {
  const { sent, size, segmentBytes } = facts
  if (size <= sent) return undefined
  const limit = Math.min(size, sent + segmentBytes)
  const meeting = facts.landed.find((offset) => offset > sent)
  const end = meeting !== undefined && meeting < limit ? meeting : limit
  return { start: sent, end, isFull: end - sent >= segmentBytes || end === meeting }
}

export interface CompletionFacts {
  isOneShot: boolean
  /** No name is left of the file. */
  isUnlinked: boolean
  /** No process can write to it; not asked for every file. */
  hasNoWriter: boolean
  /** Seen under another name than at first, or under a rotation's name of another present file. */
  isRotated: boolean
  /** Since the file last grew. */
  idleMs: number
  sealAfterMs: number
  /** Seals that turned out to be early: each doubles the patience, so that a slow file is not sealed at every line. */
  sealsBefore: number
}

/** Why no more is expected of the file, or undefined: it lives. */
export function completion(facts: CompletionFacts): 'shipped' | 'deleted' | 'rotated' | undefined {
  if (facts.isOneShot) return 'shipped'
  if (facts.isUnlinked && facts.hasNoWriter) return 'deleted'
  if (facts.idleMs < patienceMs(facts)) return undefined
  if (facts.isUnlinked) return 'deleted'
  return facts.isRotated ? 'rotated' : undefined
}

/** Idle time after which a rotated or deleted file counts as complete. */
export function patienceMs(facts: Pick<CompletionFacts, 'sealAfterMs' | 'sealsBefore'>): number {
  return Math.min(facts.sealAfterMs * 2 ** Math.min(facts.sealsBefore, 20), 24 * 3600_000)
}
