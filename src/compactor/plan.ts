import { sha256 } from '../base/hash.ts'
import type { ListedSeal, ListedStream } from '../bucket/stream-inventory.ts'
import { completeness, type SealFacts } from '../bucket/stream-state.ts'
import { chainStart } from '../format/chain.ts'
import type { StreamRecord } from './stream-record.ts'

/** What to do, decided from plain data. Nothing here reads or writes. */

// The published file

/** A published file as the disk shows it. */
export interface FileFacts {
  size: number
  /** SHA-256 of the up to 4 KiB before the recorded length; undefined where the file is shorter, or has no record. */
  window?: string | undefined
}

export type FilePlan =
  /** Nothing is there: written anew, from 0. */
  | { kind: 'create' }
  /** What was fsynced is there; what a crash tore beyond it is written again in place. */
  | { kind: 'continue'; from: number }
  /** A file without a record: compared with the chain from 0 as far as it goes, and continued. */
  | { kind: 'adopt'; size: number }
  /** Bytes that were fsynced are gone or others: kept aside, and written anew. */
  | { kind: 'set-aside'; reason: string }

export function planFile(
  record: Pick<StreamRecord, 'length' | 'window'> | undefined,
  file: FileFacts | undefined,
): FilePlan {
  if (file === undefined) return { kind: 'create' }
  if (record === undefined) return { kind: 'adopt', size: file.size }
  if (file.size < record.length) {
    return { kind: 'set-aside', reason: `it has ${file.size} bytes, ${record.length} were written and synced` }
  }
  if (file.window !== record.window) {
    return { kind: 'set-aside', reason: `the bytes before offset ${record.length} are not those that were written` }
  }
  return { kind: 'continue', from: record.length }
}

// The stream

export type StreamPlan =
  /** Segments (or, for an empty file, its seal) may make it grow. */
  | { kind: 'grow' }
  /** A seal speaks of exactly what is published: compare. */
  | { kind: 'check' }
  /** Nothing is to be read or written. */
  | { kind: 'rest' }
  /** There are objects, and none of them is a beginning. */
  | { kind: 'no-beginning' }

export function planStream(
  listed: Pick<ListedStream, 'segments' | 'seals'>,
  record: StreamRecord | undefined,
): StreamPlan {
  if (record === undefined) {
    const isEmpty = listed.seals.some(isEmptySeal)
    if (listed.segments.next(chainStart) !== undefined || isEmpty) return { kind: 'grow' }
    // Only gaps and aliases: a life of which nothing was sent.
    return listed.segments.all.length > 0 || listed.seals.length > 0 ? { kind: 'no-beginning' } : { kind: 'rest' }
  }
  const before = record.window.slice(0, 16)
  if (listed.segments.startingAt(record.length).some((segment) => segment.before === before)) return { kind: 'grow' }
  const state = completeness(record.length, sealsOf(listed.seals, record))
  return state.kind === 'sealed' && record.content?.length !== record.length ? { kind: 'check' } : { kind: 'rest' }
}

/** The seals of a stream, with the one that its segment at offset 0 is. */
export function sealsOf(seals: readonly ListedSeal[], record: Pick<StreamRecord, 'final'>): SealFacts[] {
  return record.final ? [...seals, record.final] : [...seals]
}

const emptySha256 = sha256(new Uint8Array(0))

/** The seal of a file that ended empty; one of length 0 with another SHA-256 says nothing. */
export function isEmptySeal(seal: SealFacts): boolean {
  return seal.length === 0 && seal.sha256 === emptySha256
}

export type SealVerdict =
  /** No seal speaks of what is published: it is live, or went on after its seal. */
  | { kind: 'open' }
  /** A seal does, and says this content. */
  | { kind: 'verified'; sha256: string }
  /** Seals do, and none says this content: nothing is withheld, and somebody must look. */
  | { kind: 'mismatch'; sealed: readonly string[]; actual: string }
  /** A seal promises more than there is. */
  | { kind: 'short'; sealed: number; missing: number }

/** What the seals say of a published stream; of the right length, only once its content was hashed. */
export function judgeSeals(record: StreamRecord, seals: readonly ListedSeal[]): SealVerdict {
  const state = completeness(record.length, sealsOf(seals, record))
  if (state.kind === 'short') return { kind: 'short', sealed: state.length, missing: state.missing }
  if (state.kind !== 'sealed' || record.content?.length !== record.length) return { kind: 'open' }
  const actual = record.content.sha256
  return state.sha256.includes(actual)
    ? { kind: 'verified', sha256: actual }
    : { kind: 'mismatch', sealed: state.sha256, actual }
}
