import { el } from './dom.js'
import { shown } from './words.js'

/** What went wrong, and what to do, in the server's words. */
export function problemNotice(error) {
  return el(
    'div',
    { class: 'notice bad', role: 'alert' },
    el('p', {}, shown(error.message ?? String(error))),
    error.hint && el('p', {}, shown(error.hint)),
  )
}
