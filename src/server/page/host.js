import { barsPlot } from './bars.js'
import { connection, getJson, links, passing, paths } from './client.js'
import { el, put, say } from './dom.js'
import { findings, legend, lifeAxis, lifeLine, stateOf, statePill } from './life-line.js'
import { ageText, bytesText, countText, hourMs, hourText, plural, shown, timeText } from './words.js'

const hour = 3_600_000
const states = ['live', 'sealed', 'outgrown', 'short', 'unreadable']
const oddities = {
  gap: 'gaps',
  fork: 'forks',
  stray: 'strays',
  tampered: 'tampering',
  expired: 'expired beginnings',
  problem: 'problems',
}
/** How often a page that is seen looks again. */
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

  const again = () => Promise.all([loadActivity(), state.streams.length <= 100 && loadStreams()]).catch(passing(fail))
  const timer = setInterval(() => document.hidden || again(), againMs)
  signal.addEventListener('abort', () => clearInterval(timer))
  connection.addEventListener('back', again, { signal })
  put(parts.streams, el('p', { class: 'muted' }, 'Looking …'))
  await Promise.all([loadStreams(), loadActivity(), loadDigests()])
}

function streamsTable(host, streams) {
  if (streams.length === 0) return el('p', { class: 'notice' }, 'No stream fits.')
  const nowMs = Date.now()
  const axis = lifeAxis(streams, nowMs)
  // Streams of one name belong together; names in the order of their youngest.
  const files = [...Map.groupBy(streams, (one) => one.name ?? one.stream).values()]
  const rows = files.flatMap((lives) =>
    lives.map((one, at) =>
      el(
        'tr',
        { class: at > 0 && 'follows' },
        el(
          'td',
          {},
          el(
            'a',
            { class: 'name', href: links.stream(host, one.stream) },
            el('bdi', {}, one.shown ?? '(its name cannot be read)'),
          ),
          at > 0 && el('span', { class: 'muted' }, ' before'),
          el('div', { class: 'row' }, findings(one)),
        ),
        el('td', { class: 'life-cell' }, lifeLine(one, lives, axis)),
        el(
          'td',
          { class: 'number right', 'data-label': 'Bytes', title: `${countText(one.bytes)} bytes` },
          bytesText(one.bytes),
        ),
        el('td', { class: 'number', 'data-label': 'Born', title: 'UTC' }, one.born === null ? '?' : timeText(one.born)),
        el(
          'td',
          { class: 'number', 'data-label': 'Grew', title: one.last && `${timeText(one.last)} UTC` },
          one.last === null ? '–' : ageText(one.last, nowMs),
        ),
        el(
          'td',
          {},
          statePill(
            stateOf(
              one,
              lives.map(({ stream }) => stream),
            ),
          ),
        ),
      ),
    ),
  )
  const head = (text, ...rest) => el('th', { scope: 'col' }, text, rest)
  return [
    legend(),
    el(
      'table',
      { class: 'table' },
      el('caption', { class: 'unseen' }, 'Streams, by file, the youngest first'),
      el(
        'thead',
        {},
        el(
          'tr',
          {},
          head('File'),
          head(
            el('span', { class: 'unseen' }, 'Life, '),
            el('span', { class: 'axis number' }, el('span', {}, `${hourText(axis.fromMs)} UTC`), el('span', {}, 'now')),
          ),
          el('th', { scope: 'col', class: 'right' }, 'Bytes'),
          head('Born'),
          head('Grew'),
          head('State'),
        ),
      ),
      el('tbody', {}, rows),
    ),
  ]
}

/** What the signs of life tell: hours without any, two agents at once, a history that somebody changed. */
function digestNotices({ silentHours, severalAgents, broken }) {
  const spans = []
  for (const one of silentHours) {
    const ms = hourMs(one)
    const last = spans.at(-1)
    if (last?.toMs === ms) last.toMs += hour
    else spans.push({ fromMs: ms, toMs: ms + hour })
  }
  const named = spans.slice(-5).toReversed()
  const whys = {
    unreadable: 'cannot be read',
    'other predecessor': 'names another one before it',
    'predecessor missing': 'names one before it that is not there',
  }
  return [
    spans.length > 0 &&
      el(
        'div',
        { class: 'notice warn' },
        'No sign of life in the last 7 days: ',
        named
          .map(
            ({ fromMs, toMs }) =>
              `${hourText(fromMs)} to ${hourText(toMs).slice(11)} UTC (${(toMs - fromMs) / hour} h)`,
          )
          .join('; '),
        spans.length > named.length && `; and ${plural(spans.length - named.length, 'time')} before`,
        '.',
      ),
    severalAgents.length > 0 &&
      el(
        'div',
        { class: 'notice warn' },
        `Several agents at once in ${plural(severalAgents.length, 'hour')}, last ${hourText(hourMs(severalAgents.at(-1).hour))} UTC: costs requests; were two state directories started?`,
      ),
    broken.length > 0 &&
      el(
        'div',
        { class: 'notice bad' },
        `${plural(broken.length, 'sign')} of life not as left by the agent: `,
        broken
          .slice(0, 3)
          .map(({ hour: at, why }) => `${hourText(hourMs(at))} UTC ${whys[why]}`)
          .join('; '),
        '.',
      ),
  ]
}
