import { offsetMax } from '../format/limits.ts'
import { corrupt, decodeRecord, encodeRecord, type Fields, textField } from '../format/record.ts'

/**
 * What the sink remembers of a stream that it publishes, in a small file of its own. A cache: without it the published
 * file is compared with the chain from the start. It is written after the bytes that it speaks of are on disk.
 */
export interface StreamRecord {
  /** The published name (published-name.ts), so that a later rule for names moves no file. */
  name: string
  /** Bytes that are on disk for certain. */
  length: number
  /** Segments that they came from. */
  segments: number
  /** SHA-256 of the up to 4 KiB before `length`: what the next segment's key continues, and how the file is known again. */
  window: string
  /** The seal that the segment at offset 0 is as well. */
  final?: Digest | undefined
  /** The SHA-256 of the file's first bytes, once it was needed. */
  content?: Digest | undefined
}

export interface Digest {
  length: number
  sha256: string
}

export function encodeStreamRecord(record: StreamRecord): string {
  const { name, length, segments, window, final, content } = record
  return encodeRecord({
    name,
    length,
    segments,
    window,
    final: final && digest(final),
    content: content && digest(content),
  })
}

/** Rejects with `corrupt`. */
export function decodeStreamRecord(text: string | Uint8Array, what: string): StreamRecord {
  const fields = decodeRecord(text, what)
  const name = textField(fields, 'name', what)
  if (name.split('/').some((part) => part === '' || part === '.' || part === '..'))
    throw corrupt(what, '"name" leads away')
  return {
    name,
    length: countField(fields, 'length', what),
    segments: countField(fields, 'segments', what),
    window: sha256Field(fields, 'window', what),
    final: digestField(fields, 'final', what),
    content: digestField(fields, 'content', what),
  }
}

function digest({ length, sha256 }: Digest): Digest {
  return { length, sha256 }
}

function digestField(fields: Fields, name: string, what: string): Digest | undefined {
  const value = fields[name]
  if (value === undefined) return undefined
  if (typeof value !== 'object' || value === null) throw corrupt(what, `"${name}" is not an object`)
  const inner = value as Fields
  return { length: countField(inner, 'length', what), sha256: sha256Field(inner, 'sha256', what) }
}

function countField(fields: Fields, name: string, what: string): number {
  const value = fields[name]
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= offsetMax) return value
  throw corrupt(what, `"${name}" is not a length`)
}

function sha256Field(fields: Fields, name: string, what: string): string {
  const value = textField(fields, name, what)
  if (/^[0-9a-f]{64}$/.test(value)) return value
  throw corrupt(what, `"${name}" is not a SHA-256`)
}
