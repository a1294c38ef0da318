import { LogcaskError } from '../base/errors.ts'
import { recordBytesMax } from './limits.ts'

/** What the JSON records of format v1 share: `v` first, keys in a fixed order, one line, and readers that trust nothing. */
export type Fields = Record<string, unknown>

/** ASCII JSON without a line end, so that the same text serves as an object's body and as a metadata header. */
export function encodeRecord(fields: Fields): string {
  const text = JSON.stringify({ v: 1, ...fields })
  // Header values carry only printable ASCII; JSON's own escapes keep every other character (lone surrogates too).
  return text.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/**
 * The fields of a record whose version is 1. Rejects with `corrupt`: `what` names the object in the message.
 * A later version is refused as a whole: half understood is worse than not read.
 */
export function decodeRecord(text: string | Uint8Array, what: string, bytesMax = recordBytesMax): Fields {
  if (text.length > bytesMax) throw corrupt(what, `is larger than ${bytesMax} bytes`)
  let value: unknown
  try {
    value = JSON.parse(typeof text === 'string' ? text : new TextDecoder('utf-8', { fatal: true }).decode(text))
  } catch {
    throw corrupt(what, 'is not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw corrupt(what, 'is not a JSON object')
  const version = (value as Fields).v
  if (version !== 1) {
    throw new LogcaskError('corrupt', `${what}: format version ${JSON.stringify(version) ?? 'missing'} is not 1`, {
      hint: Number.isInteger(version)
        ? 'a newer logcask wrote this: upgrade the reader'
        : 'no agent wrote this: look who else writes here',
    })
  }
  return value as Fields
}

export function textField(fields: Fields, name: string, what: string): string {
  const value = fields[name]
  if (typeof value !== 'string') throw corrupt(what, `"${name}" is not a string`)
  return value
}

export function optionalText(fields: Fields, name: string, what: string): string | undefined {
  return fields[name] === undefined ? undefined : textField(fields, name, what)
}

export function choiceField<T extends string>(fields: Fields, name: string, choices: readonly T[], what: string): T {
  const value = fields[name]
  const found = choices.find((choice) => choice === value)
  if (found === undefined) throw corrupt(what, `"${name}" is none of ${choices.join(', ')}`)
  return found
}

export function corrupt(what: string, problem: string): LogcaskError {
  return new LogcaskError('corrupt', `${what}: ${problem}`, { hint: 'no agent wrote this: look who else writes here' })
}
