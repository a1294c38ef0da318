import { ByteWindow } from './byte-window.js'
import { connection, getJson, links, passing, paths } from './client.js'
import { contentBounds, readRange } from './content.js'
import { el, put, say } from './dom.js'
import { downloadControl } from './download.js'
import { followStream } from './follow.js'
import { problemNotice } from './problem-notice.js'
import { streamFacts, streamHeading } from './stream-facts.js'
import { verifyPanel } from './verify.js'
import { viewer } from './viewer.js'
import { shown } from './words.js'

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
  const heading = el('div', { class: 'row' })
  const facts = el('dl', { class: 'facts' })
  const verify = verifyPanel(host, stream, signal, fail)
  let bounds
  try {
    bounds = detail.bytes === 0 ? { start: 0, end: 0 } : await contentBounds(host, stream, signal)
  } catch (error) {
    if (signal.aborted || error.status === 401) throw error
    // What is known of it is shown all the same.
    put(heading, streamHeading(detail))
    put(facts, streamFacts(host, detail, { start: 0, end: 0 }))
    return put(main, heading, facts, verify, problemNotice(error))
  }
  const bytes = new ByteWindow((from, to) => readRange(host, stream, from, to, signal), bounds)
  const following = el('button', { type: 'button', 'aria-pressed': 'false', onclick: () => follow.toggle() }, 'Follow')
  const view = viewer({
    bytes,
    signal,
    label: detail.shown ?? stream,
    tools: [following, downloadControl(host, stream, detail, { bytes, signal, onProblem })],
    onProblem,
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
    verify,
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

  function onProblem(error) {
    if (error.status === 401) fail(error)
    else view.note(`Cannot be read: ${shown(error.message)}`)
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
  function onNext(next) {
    say('The file was rotated; following it in its next stream')
    followNext = { stream: next.stream, before: stream }
    location.hash = links.stream(host, next.stream)
  }
}
