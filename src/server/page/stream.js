import { ByteWindow } from './byte-window.js'
import { getJson, links, paths, token } from './client.js'
import { contentBounds, readAll, readRange } from './content.js'
import { el, put, say } from './dom.js'
import { followStream } from './follow.js'
import { findings, statePill } from './life-line.js'
import { verifyPanel } from './verify.js'
import { viewer } from './viewer.js'
import { ageText, bytesText, countText, shown, timeText } from './words.js'

/** Where somebody followed a file to, through its rotation: followed there as well. */
let followNext

export async function streamView({ main, signal, host, stream, fail }) {
  const detail = await getJson(paths.stream(host, stream), {}, signal)
  const isFollowed = followNext?.stream === stream
  const before = isFollowed ? followNext.before : undefined
  followNext = undefined
  const isEmpty = detail.bytes === 0
  const bounds = isEmpty ? { start: 0, end: 0 } : await contentBounds(host, stream, signal)
  const bytes = new ByteWindow((from, to) => readRange(host, stream, from, to, signal), bounds)
  const following = el('button', { type: 'button', 'aria-pressed': 'false', onclick: () => follow.toggle() }, 'Follow')
  const view = viewer({
    bytes,
    signal,
    label: detail.shown ?? stream,
    tools: [following, downloadControl(host, stream, detail, bytes, signal, fail)],
    onProblem: (error) => (error.status === 401 ? fail(error) : view.note(`Cannot be read: ${shown(error.message)}`)),
  })
  const follow = followStream({ host, stream, detail, bytes, view, signal, fail, button: following, onNext })
  const facts = el('dl', { class: 'facts' })
  put(
    main,
    el(
      'div',
      { class: 'row' },
      el('h1', {}, el('bdi', { class: 'name' }, detail.shown ?? '(its name cannot be read)')),
      statePill(detail),
      findings(detail),
    ),
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
  put(facts, factsOf(host, detail))
  if (isFollowed || detail.state === 'live') await view.showEnd()
  else await view.showStart()
  if (isFollowed) follow.toggle()

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

function factsOf(host, detail) {
  const fact = (name, value, isWide) =>
    value !== null &&
    value !== undefined &&
    el('div', { class: isWide && 'wide' }, el('dt', {}, name), el('dd', { class: 'number-facts' }, value))
  const labels = Object.entries(detail.labels)
  const others = detail.generations.filter((one) => one !== detail.stream)
  const link = (one) => el('a', { class: 'name', href: links.stream(host, one) }, one)
  return [
    fact('Bytes', `${countText(detail.bytes)} (${bytesText(detail.bytes)})`),
    fact('Born', detail.born && `${timeText(detail.born)} UTC`),
    fact('Last grew', detail.last && `${timeText(detail.last)} UTC, ${ageText(detail.last)}`),
    fact('Segments', countText(detail.segments)),
    fact(
      'Published',
      detail.published === null
        ? null
        : detail.published === detail.bytes
          ? 'all of it'
          : `${countText(detail.published)} bytes`,
    ),
    fact('Agent', detail.agent && shown(detail.agent)),
    fact('Machine', detail.machine && el('span', { class: 'mono' }, shown(detail.machine))),
    labels.length > 0 &&
      fact(
        'Labels',
        labels.map(([name, value]) => el('span', { class: 'pill plain' }, el('bdi', {}, shown(`${name}=${value}`)))),
      ),
    detail.forkOf && fact('Fork of', link(detail.forkOf.stream)),
    others.length > 0 &&
      fact(
        'Generations',
        others.map((one) => [link(one), ' ']),
      ),
    detail.sha256.length > 0 && fact('Seal', el('code', {}, detail.sha256.join(' ')), true),
  ]
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
