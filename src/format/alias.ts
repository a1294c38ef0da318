import { type Origin, originFromFields } from './origin.ts'
import { choiceField, corrupt, decodeRecord, encodeRecord, type Fields, textField } from './record.ts'

export const aliasReasons = ['copy', 'compressed', 'adopted'] as const
export type AliasReason = (typeof aliasReasons)[number]

/** The record that the file with the key's identity holds the key's stream. */
export interface Alias {
  reason: AliasReason
  /** Of the file that is an alias, not of the stream. */
  origin: Origin
  /** ISO 8601, UTC. */
  at: string
}

export function encodeAlias(alias: Alias): string {
  const { reason, origin, at } = alias
  return encodeRecord({ reason, origin, at })
}

export function decodeAlias(text: string | Uint8Array, what = 'alias'): Alias {
  const fields = decodeRecord(text, what)
  const origin = fields.origin
  if (typeof origin !== 'object' || origin === null) throw corrupt(what, 'has no origin')
  return {
    reason: choiceField(fields, 'reason', aliasReasons, what),
    origin: originFromFields(origin as Fields, what),
    at: textField(fields, 'at', what),
  }
}
