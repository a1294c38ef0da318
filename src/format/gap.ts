import { choiceField, decodeRecord, encodeRecord, textField } from './record.ts'

/**
 * - `truncated` the file was cut, rewritten or replaced in place: what was not read before is lost. The stream ends here.
 * - `gone`      the file went while nobody looked: nobody knows whether there was more.
 * - `unspooled` bytes that were known to be there could not be kept (the spool was full).
 * - `diverged`  no loss: the stream was left for a fork.
 */
export const gapReasons = ['truncated', 'gone', 'unspooled', 'diverged'] as const
export type GapReason = (typeof gapReasons)[number]

/** The record that bytes from the key's offset on are lost, may be lost, or are in another stream. */
export interface Gap {
  reason: GapReason
  /** ISO 8601, UTC. */
  at: string
}

export function encodeGap(gap: Gap): string {
  return encodeRecord({ reason: gap.reason, at: gap.at })
}

export function decodeGap(text: string | Uint8Array, what = 'gap'): Gap {
  const fields = decodeRecord(text, what)
  return { reason: choiceField(fields, 'reason', gapReasons, what), at: textField(fields, 'at', what) }
}
