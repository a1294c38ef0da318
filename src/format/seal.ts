import { type Origin, originFromFields } from './origin.ts'
import { choiceField, corrupt, decodeRecord, encodeRecord, type Fields, textField } from './record.ts'

export const sealReasons = ['rotated', 'deleted', 'shipped', 'period'] as const
export type SealReason = (typeof sealReasons)[number]

/** The statement that a stream is complete; its length and SHA-256 are in its key. */
export interface Seal {
  origin: Origin
  /** Why no more is expected: rotated away and idle, deleted, given to `ship`, or the period in its name has passed. */
  reason: SealReason
  /** ISO 8601, UTC. */
  sealedAt: string
}

export function encodeSeal(seal: Seal): string {
  const { origin, reason, sealedAt } = seal
  return encodeRecord({ origin, reason, sealedAt })
}

export function decodeSeal(text: string | Uint8Array, what = 'seal'): Seal {
  const fields = decodeRecord(text, what)
  const origin = fields.origin
  if (typeof origin !== 'object' || origin === null) throw corrupt(what, 'has no origin')
  return {
    origin: originFromFields(origin as Fields, what),
    reason: choiceField(fields, 'reason', sealReasons, what),
    sealedAt: textField(fields, 'sealedAt', what),
  }
}
