/**
 * Whether the whole of `text` fits a pattern in which `*` stands for any characters (slashes, too) and `?` for one; all
 * others are themselves. In time of at most their lengths' product, whatever a stranger asks for: no regular expression.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let at = 0
  let from = 0
  let star = -1
  let starFrom = 0
  while (from < text.length) {
    if (pattern[at] === '*') {
      star = at++
      starFrom = from
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === text[from])) {
      at++
      from++
    } else if (star >= 0) {
      // The last star takes one character more.
      at = star + 1
      from = ++starFrom
    } else return false
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}
