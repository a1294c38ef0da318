import { el, put } from './dom.js'
import { searchable, searchableQuery } from './line-text.js'
import { bytesText, countText } from './words.js'

/** Read at once, and before it is asked whether to go on: what a look costs stays in sight. */
const stepBytes = 1024 * 1024
const spanBytes = 64 * 1024 * 1024

/** Looks for text from where the lines are, onwards or back, reading on as far as it takes; Escape stops it. */
export function finder({ bytes, signal, note, from, onFound, onQuery, onProblem }) {
  let at
  let stop = new AbortController()
  const input = el('input', {
    type: 'search',
    placeholder: 'Find',
    spellcheck: 'false',
    'aria-label': 'Find in this file',
  })
  const exact = el('input', { type: 'checkbox' })
  const node = el(
    'form',
    { class: 'row find', role: 'search' },
    input,
    el('button', { type: 'submit' }, 'Next'),
    el('button', { type: 'button', onclick: () => look(-1) }, 'Previous'),
    el('label', { class: 'field' }, exact, 'Aa', el('span', { class: 'unseen' }, ': upper and lower case differ')),
  )
  node.addEventListener('submit', (event) => {
    event.preventDefault()
    look(1)
  })
  const forget = () => {
    at = undefined
    put(note)
    onQuery()
  }
  input.addEventListener('input', forget)
  exact.addEventListener('change', forget)
  node.addEventListener('keydown', ({ key }) => key === 'Escape' && stop.abort())

  async function look(direction) {
    const query = input.value
    if (query === '') return input.focus()
    stop.abort()
    stop = new AbortController()
    const over = stop.signal
    const sought = searchableQuery(query, exact.checked)
    const overlap = sought.length - 1
    let place = direction > 0 ? (at === undefined ? from() : at + 1) : (at ?? from()) + overlap
    const begun = place
    try {
      while (direction > 0 ? place < bytes.end : place > bytes.start) {
        const low = direction > 0 ? place : Math.max(bytes.start, place - stepBytes - overlap)
        const high = direction > 0 ? Math.min(bytes.end, place + stepBytes + overlap) : place
        const text = searchable(await bytes.bytes(low, high), exact.checked)
        if (over.aborted || signal.aborted) return over.aborted && put(note, 'Stopped.')
        const hit = direction > 0 ? text.indexOf(sought) : text.lastIndexOf(sought)
        if (hit >= 0) {
          at = low + hit
          put(note, `Found at byte ${countText(at)}.`)
          return onFound(at)
        }
        if (direction > 0 ? high >= bytes.end : low <= bytes.start) break
        place = direction > 0 ? place + stepBytes : low + overlap
        if (Math.abs(place - begun) >= spanBytes) {
          at = direction > 0 ? place : place - overlap
          return put(
            note,
            `Not in the ${direction > 0 ? 'next' : 'last'} ${bytesText(spanBytes)}, up to byte ${countText(place)}: press ${direction > 0 ? 'Next' : 'Previous'} to look on.`,
          )
        }
        put(note, `Looking at byte ${countText(place)} … Escape stops.`)
      }
      at = undefined
      put(note, `Not found from here to the ${direction > 0 ? 'end' : 'beginning'}.`)
    } catch (error) {
      if (!signal.aborted) onProblem(error)
    }
  }

  return {
    node,
    wanted: () => ({ query: input.value, isExact: exact.checked }),
    focus: () => input.focus(),
    next: () => look(1),
    previous: () => look(-1),
  }
}
