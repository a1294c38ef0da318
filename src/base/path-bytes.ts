import { isUtf8 } from 'node:buffer'

/**
 * File names are bytes; JavaScript has strings. A name that is UTF-8 is itself; in any other, each byte that does not
 * belong to a character is carried as a lone surrogate U+DC80…U+DCFF (Python's `surrogateescape`, PEP 383), so that no
 * two names meet and every name can be opened again.
 */
export function pathFromBytes(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8')
  let out = ''
  for (let at = 0; at < bytes.length; ) {
    const length = characterLength(bytes, at)
    if (length === 0) out += String.fromCharCode(0xdc00 + (bytes[at] ?? 0))
    else out += bytes.toString('utf8', at, at + length)
    at += Math.max(1, length)
  }
  return out
}

/** The bytes that `pathFromBytes` made `path` from. */
export function pathToBytes(path: string): Buffer {
  if (isWellFormed(path)) return Buffer.from(path, 'utf8')
  const parts: Buffer[] = []
  let from = 0
  for (let at = 0; at < path.length; at++) {
    const unit = path.charCodeAt(at)
    const isHigh = unit >= 0xd800 && unit <= 0xdbff
    if (isHigh) at++
    if (unit < 0xdc80 || unit > 0xdcff) continue
    parts.push(Buffer.from(path.slice(from, at), 'utf8'), Buffer.from([unit - 0xdc00]))
    from = at + 1
  }
  parts.push(Buffer.from(path.slice(from), 'utf8'))
  return Buffer.concat(parts)
}

/** What the file system calls take: a string where it names the file, bytes where only they do. */
export function pathForSystem(path: string): string | Buffer {
  return isWellFormed(path) ? path : pathToBytes(path)
}

/**
 * A path for people: as `textForPeople`, and no two paths are shown alike. A backslash is itself, but for one that would
 * pass for an escape: `\x5c`. Not twice over the same text: what holds a shown path is `textForPeople`'s.
 */
export function pathForPeople(path: string): string {
  return textForPeople(path.replace(/\\(?=x[0-9a-f]{2}|u[0-9a-f]{4})/g, '\\x5c'))
}

/** A message for people, shown paths included: no lone surrogates, no control characters that could move a terminal's cursor. */
export function textForPeople(text: string): string {
  return [...text]
    .map((character) => {
      const code = character.codePointAt(0) ?? 0
      if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`
      if (code < 0x20 || (code >= 0x7f && code < 0xa0) || isFormatting(code)) {
        // Two digits are a byte; a character above ASCII is several.
        return code < 0x80 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
      }
      return character
    })
    .join('')
}

function isFormatting(code: number): boolean {
  return (
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x2069) ||
    code === 0xfeff ||
    (code >= 0xd800 && code <= 0xdfff)
  )
}

function isWellFormed(path: string): boolean {
  return !/\p{Surrogate}/u.test(path)
}

function characterLength(bytes: Buffer, at: number): number {
  const lead = bytes[at] ?? 0
  const length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0
  return length > 0 && at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0
}
