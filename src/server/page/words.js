/** Quantities, times and names as people read them. */

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** `1.2 GiB`, as the command line has it. */
export function bytesText(bytes) {
  let power = 0
  while (power < units.length - 1 && bytes / 1024 ** power >= (power === 0 ? 1024 : 1023.95)) power++
  const value = bytes / 1024 ** power
  return `${power === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[power]}`
}

/** `104,857,600` */
export function countText(count) {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',')
}

export function plural(count, noun) {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** `9 s ago`: one unit, rounded down. A server's clock may be ahead of ours: that is now. */
export function ageText(iso, now = Date.now()) {
  const ms = now - Date.parse(iso)
  if (ms < 1000) return 'now'
  const [size, unit] = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'm'],
    [1000, 's'],
  ].find(([one]) => ms >= one)
  return `${Math.floor(ms / size)} ${unit} ago`
}

/** `2026-11-20 10:15:00`, UTC as everything here. */
export function timeText(iso) {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}`
}

/** Of `20261120T10Z`, in milliseconds. */
export function hourMs(hour) {
  return Date.parse(`${hour.slice(0, 4)}-${hour.slice(4, 6)}-${hour.slice(6, 8)}T${hour.slice(9, 11)}:00:00Z`)
}

/** `2026-11-20 10:00` */
export function hourText(ms) {
  const iso = new Date(ms).toISOString()
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)}`
}

/** What could move a cursor, turn the direction or hide itself, as an escape: the same as the command line prints. */
export function shown(text) {
  return shownParts(text)
    .map(({ text: one }) => one)
    .join('')
}

/** The same in parts, so that an escape can be told from text that only looks like one. */
export function shownParts(text) {
  const parts = []
  let from = 0
  for (const match of text.matchAll(unsafe)) {
    if (match.index > from) parts.push({ text: text.slice(from, match.index) })
    parts.push({ text: escaped(match[0]), isEscape: true })
    from = match.index + match[0].length
  }
  if (from < text.length) parts.push({ text: text.slice(from) })
  return parts
}

const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u2060-\u206f]|\p{Surrogate}/gu

function escaped(character) {
  const code = character.codePointAt(0) ?? 0
  // A byte of a name that is not UTF-8, as the API carries it.
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`
  return code < 0x80 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}
