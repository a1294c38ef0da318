import { paths, readEvents } from './client.js'
import { el, put } from './dom.js'
import { bytesText, countText, plural, shown } from './words.js'

const verdicts = {
  fine: ['good', 'Fine: every byte that was promised is there, and is what its seals say.'],
  gaps: ['warn', 'Bytes are missing.'],
  unread: ['warn', 'It could not be read; nobody knows.'],
  differs: ['bad', 'The content is not what it should be.'],
}

/** Holds the stream against its seals and what is published of it, when somebody asks for it. */
export function verifyPanel(host, stream, signal, onProblem) {
  const result = el('div', { class: 'stack', role: 'status' })
  let running
  const button = (text, quick, title) => el('button', { type: 'button', title, onclick: () => start(quick) }, text)
  const stop = el('button', { type: 'button', hidden: true, onclick: () => running?.abort() }, 'Stop')
  const node = el(
    'section',
    { class: 'panel stack', 'aria-labelledby': 'verify-title' },
    el(
      'div',
      { class: 'row' },
      el('h2', { id: 'verify-title' }, 'Verify'),
      button('Every byte', false, 'The server reads all of it, and compares it with its seals and the published file'),
      button('Lengths only', true, 'Told from the names; no byte is read'),
      stop,
    ),
    result,
  )

  async function start(quick) {
    running?.abort()
    running = new AbortController()
    const mine = running
    const over = AbortSignal.any([signal, mine.signal])
    let isTold = false
    stop.hidden = false
    put(result, el('p', { class: 'muted' }, 'Looking …'))
    try {
      await readEvents(`${paths.stream(host, stream, '/verify')}?quick=${quick}`, {
        signal: over,
        onEvent(event, data) {
          isTold = event !== 'progress'
          if (event === 'progress') put(result, el('p', { class: 'muted number' }, `${bytesText(data.bytes)} read …`))
          else if (event === 'result') put(result, resultOf(data, quick))
          else put(result, el('p', { class: 'notice bad' }, shown(data.detail ?? data.title)))
        },
      })
      if (!isTold)
        put(
          result,
          el('p', { class: 'notice warn' }, 'The server went away before it was done: nothing is known. Start again.'),
        )
    } catch (error) {
      if (signal.aborted) return
      if (mine.signal.aborted)
        return running === mine && put(result, el('p', { class: 'muted' }, 'Stopped; nothing is known.'))
      if (error.status === 401) return onProblem(error)
      put(result, el('p', { class: 'notice bad' }, shown(error.message)))
    } finally {
      if (running === mine) stop.hidden = true
    }
  }
  return node
}

function resultOf({ verdict, reasons, facts }, quick) {
  const [kind, text] = verdicts[verdict] ?? ['warn', verdict]
  const { against } = facts
  const seals = facts.sealedSha256 ?? []
  return el(
    'div',
    { class: `notice ${kind} stack` },
    el('p', {}, el('strong', {}, quick && verdict === 'fine' ? 'Fine, as far as lengths tell.' : text)),
    reasons.length > 0 &&
      el(
        'ul',
        {},
        reasons.map((reason) => el('li', {}, shown(reason))),
      ),
    el(
      'p',
      { class: 'number' },
      `${countText(facts.bytes)} bytes ${quick ? 'by their names' : 'read'} in ${plural(facts.segments, 'segment')}`,
      facts.state === 'live' && '; not sealed yet: a live stream promises nothing',
      !quick && facts.sealsEqual > 0 && `; ${plural(facts.sealsEqual, 'seal')} equal`,
      against && !quick && `; ${countText(against.compared)} bytes compared with the published file`,
      '.',
    ),
    facts.sha256 &&
      el('p', {}, 'SHA-256 ', el('code', {}, facts.sha256), seals.includes(facts.sha256) && ' = its seal'),
  )
}
