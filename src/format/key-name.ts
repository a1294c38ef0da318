import { LogcaskError } from '../base/errors.ts'
import { sha256 } from '../base/hash.ts'
import { pathForPeople, pathToBytes } from '../base/path-bytes.ts'
import { keyBytesMax } from './limits.ts'

/** NAME_MAX, less the second name's ending. */
const partBytesMax = 255 - '.0123456789abcdef'.length - '.zst'.length
/** A destination's prefix and the second name's ending fit beside it. */
const nameBytesMax = keyBytesMax - 256

/**
 * The parts joined to a key that every store takes, and that is a path below any root: no two lists of parts give one key
 * (up to the hash of what had to be cut). Throws `invalid` for what is too long as a whole.
 */
export function keyName(parts: readonly string[]): string {
  const key = parts.map((part) => cut(escaped(part))).join('/')
  if (key.length <= nameBytesMax) return key
  throw new LogcaskError('invalid', `${pathForPeople(parts.join('/'))}: is too long for a name in a bucket`, {
    hint: `at most ${nameBytesMax} bytes: use {filename} instead of {path}`,
  })
}

/** Nothing in it is escaped: as good as every name, and this is asked for each of ten thousand. */
const plain = /^[A-Za-z0-9_:+@,~ -][A-Za-z0-9._:+@,~ -]*$/

/** What not every store takes, as `=XX` for each byte; an `=` that would pass for one of these, too. */
function escaped(part: string): string {
  if (part === '') return '_'
  if (plain.test(part)) return part
  return [...part.replace(/^\./, '\0')]
    .map((character, at, all) => {
      if (character === '\0') return at === 0 && part.startsWith('.') ? '=2E' : '=00'
      const isEscape = character === '=' && /^[0-9A-F]{2}$/.test(all.slice(at + 1, at + 3).join(''))
      return /^[A-Za-z0-9._:=+@,~ -]$/.test(character) && !isEscape ? character : hexOf(character)
    })
    .join('')
}

function hexOf(character: string): string {
  return [...pathToBytes(character)].map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
}

function cut(part: string): string {
  if (part.length <= partBytesMax) return part
  return `${part.slice(0, partBytesMax - 17)}~${sha256(Buffer.from(part)).slice(0, 16)}`
}

/** Where the first name is taken by other content: said by what it is, so that a repetition finds it again. */
export function secondName(key: string, sha256: string): string {
  return `${key}.${sha256.slice(0, 16)}`
}
