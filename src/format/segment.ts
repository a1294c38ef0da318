import { decodeOrigin, encodeOrigin, type Origin } from './origin.ts'
import { corrupt } from './record.ts'

/** User metadata of an object: names in lower case, values printable ASCII. */
export type Metadata = Readonly<Record<string, string>>

/** What the segment at offset 0 says about its stream. */
export interface SegmentHeader {
  origin: Origin
  /** The whole stream is this segment, with this SHA-256: the segment is the seal as well. */
  final?: { sha256: string } | undefined
}

export function encodeSegmentHeader(header: SegmentHeader): Metadata {
  const metadata = { origin: encodeOrigin(header.origin) }
  return header.final ? { ...metadata, final: header.final.sha256 } : metadata
}

/** Rejects with `corrupt`; `what` names the object. */
export function decodeSegmentHeader(metadata: Metadata, what: string): SegmentHeader {
  const origin = metadata.origin
  if (origin === undefined) throw corrupt(what, 'has no origin in its metadata')
  const final = metadata.final
  if (final === undefined) return { origin: decodeOrigin(origin, what) }
  if (!/^[0-9a-f]{64}$/.test(final)) throw corrupt(what, '"final" is not a SHA-256')
  return { origin: decodeOrigin(origin, what), final: { sha256: final } }
}
