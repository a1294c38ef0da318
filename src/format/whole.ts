import { offsetMax } from './limits.ts'
import { decodeOrigin, encodeOrigin, type Origin } from './origin.ts'
import { corrupt } from './record.ts'
import type { Metadata } from './segment.ts'

export const encodings = ['none', 'gzip', 'zstd'] as const
/** How the bytes of a file that was delivered whole are stored. */
export type Encoding = (typeof encodings)[number]

/** What a file that was delivered whole says about itself. */
export interface WholeHeader {
  origin: Origin
  encoding: Encoding
  /** Of the file as it was, before it was compressed. */
  length: number
  sha256: string
}

export function encodeWholeHeader({ origin, encoding, length, sha256 }: WholeHeader): Metadata {
  return { origin: encodeOrigin(origin), encoding, 'raw-length': String(length), 'raw-sha256': sha256 }
}

/** Undefined for an object that says nothing of the kind. Rejects with `corrupt`; `what` names the object. */
export function decodeWholeHeader(metadata: Metadata, what: string): WholeHeader | undefined {
  const { origin, encoding, 'raw-length': length, 'raw-sha256': sha256 } = metadata
  if (encoding === undefined && length === undefined && sha256 === undefined) return undefined
  const known = encodings.find((one) => one === encoding)
  if (known === undefined) throw corrupt(what, `"encoding" is none of ${encodings.join(', ')}`)
  if (length === undefined || !/^(0|[1-9]\d{0,15})$/.test(length) || Number(length) > offsetMax)
    throw corrupt(what, '"raw-length" is no length')
  if (sha256 === undefined || !/^[0-9a-f]{64}$/.test(sha256)) throw corrupt(what, '"raw-sha256" is not a SHA-256')
  if (origin === undefined) throw corrupt(what, 'has no origin in its metadata')
  return { origin: decodeOrigin(origin, what), encoding: known, length: Number(length), sha256 }
}
