import { completeness, type SealFacts } from '../../bucket/stream-state.ts'
import type { Archived } from './archive-sink.ts'

/** What is known of a stream when it is asked for. */
export interface ArchiveFacts {
  /** The chain's end. */
  length: number
  /** When its last segment was stored, milliseconds since 1970; undefined for a stream without any. */
  storedAtMs: number | undefined
  seals: readonly SealFacts[]
  archived: Archived | undefined
}

export type ArchivePlan =
  /** A seal names the chain's length: these are the SHA-256 that seals of that length say. */
  | { kind: 'sealed'; sha256: readonly string[] }
  /** Nothing came for long, and no seal speaks of its end. */
  | { kind: 'quiet' }
  /** As far as it goes, it is archived. */
  | { kind: 'done' }
  /** It is live; with `missing`, a seal promises so many bytes more. */
  | { kind: 'wait'; missing: number | undefined }

/**
 * What to do with a stream; `quietBeforeMs`: streams that got nothing since then are quiet. What is archived is asked by
 * length alone: the content of a stream up to a length never changes (I8).
 */
export function planArchive(facts: ArchiveFacts, quietBeforeMs: number): ArchivePlan {
  const { length, storedAtMs, archived = { sealed: -1, unsealed: -1 } } = facts
  if (archived.sealed >= length) return { kind: 'done' }
  // A longer one beside them may be junk, or of bytes that are still to come: it withholds nothing (I9).
  const own = facts.seals.filter((seal) => seal.length === length).map(({ sha256 }) => sha256)
  if (own.length > 0) return { kind: 'sealed', sha256: [...new Set(own)] }
  const state = completeness(length, facts.seals)
  if (archived.unsealed >= length || length === 0) return { kind: 'done' }
  if (storedAtMs !== undefined && storedAtMs <= quietBeforeMs) return { kind: 'quiet' }
  return { kind: 'wait', missing: state.kind === 'short' ? state.missing : undefined }
}
