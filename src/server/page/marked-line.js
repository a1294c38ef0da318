import { el } from './dom.js'
import { lineParts, searchable, searchableQuery } from './line-text.js'

/** A line's nodes: what is searched for stands out, most of all the match at `found`; what is no text is an escape. */
export function markedLine({ start, bytes }, { query, isExact }, found) {
  const parts = (from, to) =>
    lineParts(bytes.subarray(from, to)).map(({ text, isEscape }) =>
      isEscape ? el('span', { class: 'escape' }, text) : text,
    )
  if (query === '') return parts(0, bytes.length)
  const text = searchable(bytes, isExact)
  const sought = searchableQuery(query, isExact)
  const made = []
  let from = 0
  for (let at = text.indexOf(sought); at >= 0; at = text.indexOf(sought, from)) {
    made.push(parts(from, at), el('mark', { class: found === start + at && 'now' }, parts(at, at + sought.length)))
    from = at + sought.length
  }
  return [made, parts(from, bytes.length)]
}
