import { shownParts } from './words.js'

/** A line of a file as parts of text: any byte is shown, none acts. */

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const single = new TextDecoder('x-user-defined')

/** One character for each byte, the same for the same byte: what is searched in. */
export function searchable(bytes, isExact) {
  const text = single.decode(bytes)
  return isExact ? text : text.toLowerCase()
}

export function searchableQuery(text, isExact) {
  return searchable(new TextEncoder().encode(text), isExact)
}

/** Parts `{text, isEscape}`; a tab is itself, the end of the line is not shown. */
export function lineParts(bytes) {
  return bytePieces(bytes).flatMap((piece) =>
    piece.isEscape
      ? [piece]
      : piece.text
          .split('\t')
          .flatMap((text, at) => (at === 0 ? shownParts(text) : [{ text: '\t' }, ...shownParts(text)])),
  )
}

function bytePieces(bytes) {
  try {
    return [{ text: strict.decode(bytes) }]
  } catch {
    return piecesOfBroken(bytes)
  }
}

/** Where it is no UTF-8, byte by byte what is none. */
function piecesOfBroken(bytes) {
  const pieces = []
  let good = 0
  for (let at = 0; at < bytes.length; ) {
    const length = characterLength(bytes, at)
    if (length > 0) {
      at += length
      continue
    }
    if (at > good) pieces.push({ text: strict.decode(bytes.subarray(good, at)) })
    pieces.push({ text: `\\x${bytes[at].toString(16).padStart(2, '0')}`, isEscape: true })
    good = ++at
  }
  if (good < bytes.length) pieces.push({ text: strict.decode(bytes.subarray(good)) })
  return pieces
}

/** Of the character that begins there; 0 where none does. */
function characterLength(bytes, at) {
  const lead = bytes[at]
  const length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0
  if (length < 2) return length
  if (at + length > bytes.length) return 0
  try {
    strict.decode(bytes.subarray(at, at + length))
    return length
  } catch {
    return 0
  }
}
