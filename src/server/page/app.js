import { connection, links, Problem, token } from './client.js'
import { el, put, say } from './dom.js'
import { hostView } from './host.js'
import { hostsView } from './hosts.js'
import { problemNotice } from './problem-notice.js'
import { signIn } from './sign-in.js'
import { streamView } from './stream.js'
import { shown } from './words.js'

const main = document.getElementById('main')
let current = new AbortController()
let isFirst = true

/** Shows what the address names. Each view gets a signal that ends with it. */
function show() {
  current.abort()
  current = new AbortController()
  const { signal } = current
  const [, place, host, stream] = location.hash.slice(1).split('/').map(decoded)
  const isStream = place === 'host' && stream !== undefined
  tellPlace(place === 'host' ? host : undefined, isStream ? stream : undefined)
  tellSession()
  put(main, el('p', { class: 'muted' }, 'Looking …'))
  const view = isStream ? streamView : place === 'host' ? hostView : hostsView
  view({ main, signal, host, stream, fail }).catch(fail)
  // Where a link was followed, a reader begins at the new view.
  if (!isFirst) main.focus({ preventScroll: true })
  isFirst = false

  function fail(error) {
    if (signal.aborted) return
    if (error instanceof Problem && error.status === 401) {
      put(main, signIn(token.get() === '' ? undefined : error, show))
      token.set('')
      tellSession()
      return
    }
    put(main, problemNotice(error), el('p', {}, el('button', { type: 'button', onclick: show }, 'Try again')))
  }
}

function tellPlace(host, stream) {
  const step = (text, href, isLast) =>
    el(
      'li',
      {},
      isLast
        ? el('bdi', { class: 'name', 'aria-current': 'page' }, text)
        : el('a', { href, class: 'name' }, el('bdi', {}, text)),
    )
  const steps = [
    host !== undefined && step(shown(host), links.host(host), stream === undefined),
    stream !== undefined && step(stream, links.stream(host, stream), true),
  ]
  put(document.getElementById('place'), host !== undefined && el('ol', {}, steps))
  document.title = host === undefined ? 'Logcask' : `${shown(host)} · Logcask`
}

function tellSession() {
  const leave = () => {
    token.set('')
    show()
  }
  put(
    document.getElementById('session'),
    token.get() !== '' && el('button', { type: 'button', onclick: leave }, 'Sign out'),
  )
}

function decoded(part) {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

const bar = document.getElementById('connection')
let awaySince
connection.addEventListener('away', ({ detail }) => {
  awaySince ??= new Date().toISOString().slice(11, 19)
  bar.classList.remove('is-back')
  const again = () => connection.dispatchEvent(new Event('now'))
  const seconds = Math.max(1, Math.round(detail.waitMs / 1000))
  put(
    bar,
    `The server has not answered since ${awaySince} UTC; what is shown is from before. Asking again in ${seconds} s. `,
    el('button', { type: 'button', onclick: again }, 'Ask now'),
  )
})
connection.addEventListener('back', () => {
  bar.classList.add('is-back')
  put(bar, `The server is back; it was away since ${awaySince} UTC.`)
  awaySince = undefined
  setTimeout(() => awaySince === undefined && put(bar), 6_000)
})

connection.addEventListener('trouble', ({ detail: { error } }) => {
  if (awaySince !== undefined) return
  bar.classList.remove('is-back')
  put(bar, el('span', { class: 'trouble' }, `What is shown is from before: ${shown(error.message ?? String(error))}`))
})
connection.addEventListener('fine', () => bar.querySelector('.trouble') && put(bar))

window.addEventListener('hashchange', () => {
  put(bar, awaySince !== undefined && [...bar.childNodes])
  show()
})
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault()
  main.focus()
})
say('')
show()
