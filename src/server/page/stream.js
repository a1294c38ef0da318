import { ByteWindow } from './byte-window.js'
import { connection, getJson, links, passing, paths, token } from './client.js'
import { contentBounds, readAll, readRange } from './content.js'
import { el, put, say } from './dom.js'
import { followStream } from './follow.js'
import { streamFacts, streamHeading } from './stream-facts.js'
import { verifyPanel } from './verify.js'
import { viewer } from './viewer.js'
import { bytesText, shown } from './words.js'

/** How often what is known of a stream that may grow is asked for. */
const againMs = 10_000
const soonMs = 3_000

/** Where somebody followed a file to, through its rotation: followed there as well. */
let followNext

export async function streamView({ main, signal, host, stream, fail }) {
  let soon
  let detail = await getJson(paths.stream(host, stream), {}, signal)
  const isFollowed = followNext?.stream === stream
  const before = isFollowed ? followNext.before : undefined
  followNext = undefined
  const bounds = detail.bytes === 0 ? { start: 0, end: 0 } : await contentBounds(host, stream, signal)
  const bytes = new ByteWindow((from, to) => readRange(host, stream, from, to, signal), bounds)
  const following = el('button', { type: 'button', 'aria-pressed': 'false', onclick: () => follow.toggle() }, 'Follow')
  const view = viewer({
    bytes,
    signal,
    label: detail.shown ?? stream,
    tools: [following, downloadControl(host, stream, detail, bytes, signal, fail)],
    onProblem: (error) => (error.status === 401 ? fail(error) : view.note(`Cannot be read: ${shown(error.message)}`)),
  })
  const follow = followStream({
    host,
    stream,
    detail,
    bytes,
    view,
    signal,
    fail,
    button: following,
    onNext,
    onGrown,
  })
  const heading = el('div', { class: 'row' })
  const facts = el('dl', { class: 'facts' })
  tell()
  put(
    main,
    heading,
    before &&
      el(
        'p',
        { class: 'notice' },
        'The file was rotated, and goes on here. ',
        el('a', { href: links.stream(host, before) }, 'What was before'),
      ),
    facts,
    verifyPanel(host, stream, signal, fail),
    view.node,
  )
  const timer = setInterval(() => document.hidden || detail.state === 'sealed' || lookAgain(), againMs)
  signal.addEventListener('abort', () => {
    clearInterval(timer)
    clearTimeout(soon)
  })
  connection.addEventListener('back', lookAgain, { signal })
  if (isFollowed || detail.state === 'live') await view.showEnd()
  else await view.showStart()
  if (isFollowed) follow.toggle()

  /** A follower knows of bytes before it is asked what else is known of the stream: that comes soon after. */
  function onGrown() {
    tell()
    soon ??= setTimeout(lookAgain, soonMs)
  }

  function tell() {
    put(heading, streamHeading(detail))
    put(facts, streamFacts(host, detail, bytes))
  }

  async function lookAgain() {
    clearTimeout(soon)
    soon = undefined
    try {
      detail = await getJson(paths.stream(host, stream), {}, signal)
      const { end } = detail.bytes === 0 ? bounds : await contentBounds(host, stream, signal)
      bytes.reaches(end)
      view.grew(false)
      tell()
    } catch (error) {
      passing(fail)(error)
    }
  }

  /** The file goes on in another stream. */
  function onNext(next, isOver) {
    const go = () => {
      followNext = { stream: next.stream, before: stream }
      location.hash = links.stream(host, next.stream)
    }
    if (isOver) {
      say('The file was rotated; following it in its next stream')
      return go()
    }
    view.note(
      'The file was rotated, and goes on in ',
      el('a', { href: links.stream(host, next.stream) }, 'its next stream'),
      '.',
    )
  }
}

/** Without a token a link, which the browser's own downloads take over; with one its bytes are fetched, and then saved. */
function downloadControl(host, stream, detail, bytes, signal, fail) {
  const name = fileName(detail)
  if (token.get() === '')
    return el('a', { class: 'button', href: paths.stream(host, stream, '/content'), download: name }, 'Download')
  const button = el('button', { type: 'button' }, 'Download')
  button.addEventListener('click', async () => {
    button.disabled = true
    const { start, end } = bytes
    try {
      const blob = await readAll(host, stream, {
        start,
        end,
        signal,
        onBytes: (count) => put(button, `${Math.floor((count * 100) / (end - start))} % of ${bytesText(end - start)}`),
      })
      const url = URL.createObjectURL(blob)
      el('a', { href: url, download: name }).click()
      setTimeout(() => URL.revokeObjectURL(url), 60_000)
      say('Downloaded')
    } catch (error) {
      if (!signal.aborted) fail(error)
    } finally {
      button.disabled = false
      put(button, 'Download')
    }
  })
  return button
}

/** The file's own name as far as any system takes it; the stream's where nothing is left of it. */
function fileName({ shown: path, stream }) {
  const base = (path ?? '')
    .split('/')
    .at(-1)
    .replace(/[^\p{L}\p{N}._ -]+/gu, '_')
    .replace(/^\.+/, '')
    .slice(0, 120)
  return base === '' ? stream : base
}
