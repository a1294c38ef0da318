import { barsPlot } from './bars.js'
import { connection, getJson, passing, paths } from './client.js'
import { digestNotices } from './digest-notices.js'
import { el, put, say } from './dom.js'
import { problemNotice } from './problem-notice.js'
import { streamsTable } from './streams-table.js'
import { ageText, bytesText, countText, plural, shown } from './words.js'

const states = ['live', 'sealed', 'outgrown', 'short', 'unreadable']
const oddities = {
  gap: 'gaps',
  fork: 'forks',
  stray: 'strays',
  tampered: 'tampering',
  expired: 'expired beginnings',
  problem: 'problems',
}
/** How often a page that is seen looks again, at most. */
const againMs = 30_000

export async function hostView({ main, signal, host, fail }) {
  const state = { hours: 24, query: {}, streams: [], next: null }
  const parts = {
    facts: el('div', { class: 'row muted' }),
    digests: el('div', { class: 'stack' }),
    plot: el('div'),
    streams: el('div', { class: 'stack' }),
  }
  const range = (hours, text) =>
    el(
      'button',
      {
        type: 'button',
        'aria-pressed': String(state.hours === hours),
        onclick({ target }) {
          state.hours = hours
          for (const one of target.parentNode.children) one.setAttribute('aria-pressed', String(one === target))
          loadActivity().catch(passing(fail))
        },
      },
      text,
    )
  put(
    main,
    el('div', { class: 'row' }, el('h1', {}, el('bdi', { class: 'name' }, shown(host))), parts.facts),
    parts.digests,
    el(
      'section',
      { class: 'panel stack', 'aria-labelledby': 'plot-title' },
      el(
        'div',
        { class: 'row' },
        el('h2', { id: 'plot-title' }, 'Bytes per hour'),
        el(
          'div',
          { class: 'row push', role: 'group', 'aria-label': 'Time' },
          range(24, '24 hours'),
          range(168, '7 days'),
        ),
      ),
      parts.plot,
    ),
    el('div', { class: 'row' }, el('h2', {}, 'Streams'), filters()),
    parts.streams,
  )

  async function loadActivity() {
    const found = await getJson(paths.host(host, '/activity'), { hours: state.hours }, signal)
    const total = found.bytesPerHour.reduce((sum, one) => sum + one, 0)
    put(
      parts.facts,
      found.lastSign !== null && ['sign of life ', ageText(found.lastSign), ' · '],
      found.lastStored === null ? 'no bytes yet' : ['last bytes ', ageText(found.lastStored)],
      found.unpublished !== null &&
        (found.unpublished === 0 ? ' · all published' : ` · ${bytesText(found.unpublished)} not published yet`),
      ` · ${plural(found.streams, 'stream')}`,
    )
    put(
      parts.plot,
      barsPlot(found),
      el(
        'p',
        { class: 'muted' },
        `${bytesText(total)} in ${state.hours === 24 ? '24 hours' : '7 days'}, by when they reached the bucket`,
        found.looked < found.streams &&
          `; of ${countText(found.looked)} of ${plural(found.streams, 'stream')}: the youngest, and what grew lately`,
        found.unread > 0 && `; ${plural(found.unread, 'stream')} could not be looked at`,
        '.',
      ),
    )
  }

  async function loadDigests() {
    put(parts.digests, digestNotices(await getJson(paths.host(host, '/digests'), { hours: 168 }, signal)))
  }

  /** `after`: one page more, behind those that are there. */
  async function loadStreams(after) {
    let page
    try {
      page = await getJson(paths.host(host, '/streams'), { ...state.query, limit: 100, after }, signal)
    } catch (error) {
      // A filter that the server refuses is no reason to lose the view.
      if (error.status !== 400) throw error
      return put(parts.streams, el('p', { class: 'notice bad', role: 'alert' }, shown(error.message)))
    }
    state.streams = after === undefined ? page.streams : [...state.streams, ...page.streams]
    state.next = page.next
    put(parts.streams, streamsTable(host, state.streams), moreButton())
    say(`${plural(state.streams.length, 'stream')} shown`)
  }

  function moreButton() {
    if (state.next === null) return undefined
    const onclick = () => {
      button.disabled = true
      loadStreams(state.next).catch(passing(fail))
    }
    const button = el('button', { type: 'button', onclick }, 'Older streams')
    return el('p', {}, button)
  }

  function filters() {
    const set = (name, value) => {
      state.query[name] = value
      loadStreams().catch(passing(fail))
    }
    const choice = (name, label, options) =>
      el(
        'label',
        { class: 'field' },
        label,
        el(
          'select',
          { onchange: ({ target }) => set(name, target.value) },
          el('option', { value: '' }, 'all'),
          options.map(([value, text]) => el('option', { value }, text)),
        ),
      )
    return [
      el(
        'label',
        { class: 'field' },
        'File',
        el('input', {
          type: 'search',
          placeholder: '*/nginx/*',
          spellcheck: 'false',
          title: 'A glob over the whole path: * and ?',
          onchange: ({ target }) => set('name', target.value.trim()),
        }),
      ),
      choice(
        'state',
        'State',
        states.map((one) => [one, one]),
      ),
      choice('finding', 'With', Object.entries(oddities)),
    ]
  }

  const again = async () => {
    // The more streams, the more a look costs: some five requests to the bucket for each.
    dueMs = Date.now() + Math.max(againMs, state.streams.length * 1_000)
    await Promise.all([loadActivity(), state.streams.length <= 100 && loadStreams()]).catch(passing(fail))
  }
  let dueMs = Date.now() + againMs
  const timer = setInterval(() => document.hidden || Date.now() < dueMs || again(), 1_000)
  signal.addEventListener('abort', () => clearInterval(timer))
  connection.addEventListener('back', again, { signal })
  put(parts.streams, el('p', { class: 'muted' }, 'Looking …'))
  // What cannot be had of one part says so there, and takes nothing from the others.
  const orSay = (node, work) =>
    work().catch((error) => {
      if (signal.aborted) return
      if ([401, 403, 404].includes(error.status)) fail(error)
      else put(node, problemNotice(error))
    })
  await Promise.all([
    orSay(parts.streams, () => loadStreams()),
    orSay(parts.plot, loadActivity),
    orSay(parts.digests, loadDigests),
  ])
}
