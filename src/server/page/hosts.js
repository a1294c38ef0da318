import { spark } from './bars.js'
import { connection, getJson, links, passing, paths } from './client.js'
import { el, put, say } from './dom.js'
import { ageText, bytesText, countText, hourMs, hourText, plural, shown, timeText } from './words.js'

/** Hosts that are asked for by a page; more are found by name, by the server. */
const hostsMax = 5_000
/** Rows at once; more when they are wanted. */
const rowsMax = 1_000
/** Each visible row costs the server some 30 small requests to the bucket. */
const activitiesAtOnce = 3

const signs = [
  ['silent', 'Silent'],
  ['alive', 'Alive'],
  ['none', 'No agent'],
]

export async function hostsView({ main, signal, fail }) {
  const state = { hosts: [], sign: '', text: '', rows: rowsMax, next: null, at: '', isWhole: false }
  const parts = {
    sum: el('p', { class: 'muted number' }),
    signs: el('div', { class: 'row', role: 'group', 'aria-label': 'Show' }),
    silent: el('div'),
    table: el('div'),
  }
  const filter = el('input', {
    type: 'search',
    placeholder: 'part of a name',
    spellcheck: 'false',
    'aria-label': 'Filter hosts by name',
    oninput() {
      state.text = filter.value.trim().toLowerCase()
      state.rows = rowsMax
      render()
    },
  })
  const refresh = el('button', { type: 'button', onclick: () => load().catch(passing(fail)) }, 'Refresh')
  const activity = activityQueue(signal)
  connection.addEventListener('back', () => load(true).catch(passing(fail)), { signal })
  let dueMs = 0
  let isLoading = false

  /** All pages; what was shown stays until the new ones are there. Without `isWanted`, only when it is due. */
  async function load(isWanted = true) {
    if (isLoading || (!isWanted && Date.now() < dueMs)) return
    isLoading = true
    try {
      const hosts = []
      let after
      do {
        const page = await getJson(paths.hosts, { limit: 200, after }, signal)
        hosts.push(...page.hosts)
        after = page.next ?? undefined
        if (state.hosts.length < hosts.length) {
          Object.assign(state, { hosts: [...hosts], next: after ?? null })
          render()
        }
      } while (after !== undefined && hosts.length < hostsMax)
      Object.assign(state, { hosts, next: after ?? null, at: new Date().toISOString(), isWhole: true })
      activity.forget()
      render()
    } finally {
      isLoading = false
      // The more hosts, the more a look costs: a request or two to the bucket for each.
      dueMs = Date.now() + (state.hosts.length === 0 ? 5_000 : Math.max(30_000, state.hosts.length * 600))
    }
  }

  function render() {
    const { hosts, at } = state
    if (hosts.length === 0) return put(main, at === '' ? el('p', { class: 'muted' }, 'Looking …') : nothingYet())
    const counts = Object.fromEntries(signs.map(([sign]) => [sign, hosts.filter((one) => one.sign === sign).length]))
    put(
      parts.sum,
      state.isWhole
        ? `${plural(hosts.length, 'host')}${state.next === null ? '' : ' and more'} · as of ${timeText(at).slice(11)} UTC`
        : `${plural(hosts.length, 'host')} so far …`,
    )
    const choice = (sign, text, count) =>
      el(
        'button',
        {
          type: 'button',
          'aria-pressed': String(state.sign === sign),
          onclick() {
            Object.assign(state, { sign, rows: rowsMax })
            render()
            say(`${plural(wanted().length, 'host')} shown`)
          },
        },
        `${text} ${countText(count)}`,
      )
    const hadFocus = [...parts.signs.children].indexOf(document.activeElement)
    put(
      parts.signs,
      choice('', 'All', hosts.length),
      signs.map(([sign, text]) => choice(sign, text, counts[sign])),
    )
    if (hadFocus >= 0) parts.signs.children[hadFocus]?.focus()
    put(parts.silent, silentNotice(hosts.filter(({ sign }) => sign === 'silent')))
    put(parts.table, table())
    if (!parts.table.isConnected) {
      put(
        main,
        el('div', { class: 'row' }, el('h1', {}, 'Hosts'), parts.sum, el('span', { class: 'push' }), refresh),
        parts.silent,
        el('div', { class: 'row' }, parts.signs, filter),
        parts.table,
      )
    }
  }

  function wanted() {
    const order = ({ sign }) => (sign === 'silent' ? 0 : 1)
    return state.hosts
      .filter(
        (one) => (state.sign === '' || one.sign === state.sign) && shown(one.host).toLowerCase().includes(state.text),
      )
      .sort((a, b) => order(a) - order(b))
  }

  function table() {
    const hosts = wanted()
    activity.clear()
    const rows = hosts.slice(0, state.rows).map((one) => {
      const cells = {
        last: el('td', { class: 'number', 'data-label': 'Last bytes' }),
        behind: el('td', { class: 'number', 'data-label': 'Not published' }),
        spark: el('td'),
      }
      const sign = el('td', {}, signText(one))
      const row = el(
        'tr',
        {},
        el('td', {}, el('a', { class: 'name', href: links.host(one.host) }, el('bdi', {}, shown(one.host)))),
        sign,
        cells.last,
        cells.behind,
        cells.spark,
      )
      activity.watch(row, one.host, (found) => fillRow(found, one, sign, cells))
      return row
    })
    const showMore = () => {
      state.rows += rowsMax
      render()
    }
    const head = (text, label) => el('th', { scope: 'col', title: label }, text)
    return [
      el(
        'table',
        { class: 'table' },
        el('caption', { class: 'unseen' }, 'Hosts, silent ones first'),
        el(
          'thead',
          {},
          el(
            'tr',
            {},
            head('Host'),
            head('Sign of life', 'Each agent writes one into the bucket within each hour'),
            head('Last bytes', 'When the newest segment was stored'),
            head('Not published', 'Delivered, and not yet in the published directory: of the youngest streams'),
            head('Bytes per hour, last 24 h'),
          ),
        ),
        el('tbody', {}, rows),
      ),
      hosts.length === 0 && el('p', { class: 'notice' }, 'No host fits.'),
      hosts.length > rows.length &&
        el(
          'p',
          { class: 'row' },
          `${countText(hosts.length - rows.length)} more `,
          el('button', { type: 'button', onclick: showMore }, 'Show more'),
        ),
      state.isWhole &&
        state.next !== null &&
        el(
          'p',
          { class: 'notice' },
          `These are the first ${countText(state.hosts.length)} by name. The API finds others: GET ${paths.hosts}?name=db-*`,
        ),
    ]
  }

  const due = setInterval(() => document.hidden || load(false).catch(passing(fail)), 1_000)
  signal.addEventListener('abort', () => clearInterval(due))
  await load()
}

function fillRow(found, one, sign, cells) {
  if (found === undefined) return put(cells.last, '?')
  const { lastSign, lastStored, unpublished } = found
  if (one.sign === 'alive' && lastSign !== null)
    put(sign, el('span', { class: 'pill good' }, 'alive'), ` ${ageText(lastSign)}`)
  put(cells.last, lastStored === null ? '–' : el('span', { title: `${timeText(lastStored)} UTC` }, ageText(lastStored)))
  put(cells.behind, unpublished === null ? '' : bytesText(unpublished))
  const total = found.bytesPerHour.reduce((sum, one) => sum + one, 0)
  put(cells.spark, el('span', { class: 'sparked number' }, spark(found), bytesText(total)))
}

function signText({ sign, lastDigestHour }) {
  if (sign === 'none') return [el('span', { class: 'pill' }, 'no agent'), ' delivered by ship']
  if (sign === 'alive') return el('span', { class: 'pill good' }, 'alive')
  const since = lastDigestHour === null ? 'for more than 7 d' : `since ${hourText(hourMs(lastDigestHour))} UTC`
  return [el('span', { class: 'pill bad' }, 'silent'), ` ${since}`]
}

/** By name: who is missing is not to be looked for. */
function silentNotice(silent) {
  if (silent.length === 0) return undefined
  const named = silent.slice(0, 12)
  return el(
    'div',
    { class: 'notice bad' },
    el('strong', {}, plural(silent.length, 'silent host')),
    ': ',
    named.map(({ host }, at) => [
      at > 0 && ', ',
      el('a', { class: 'name', href: links.host(host) }, el('bdi', {}, shown(host))),
    ]),
    silent.length > named.length && `, and ${countText(silent.length - named.length)} more`,
    '. No agent of theirs gave a sign of life in the last three hours: off, stopped, or cut off from the bucket.',
  )
}

function nothingYet() {
  return el(
    'div',
    { class: 'panel stack' },
    el('h1', {}, 'Nothing has been delivered yet'),
    el('p', {}, 'The bucket answers, and holds no stream that you may read. On a machine that has logs:'),
    el(
      'pre',
      { class: 'hint', tabindex: '0' },
      'logcask ship /var/log/syslog --to URL     # once, to the URL of this bucket\nlogcask agent /var/log/syslog --to URL    # all the time',
    ),
    el('p', { class: 'muted' }, 'This page looks again every 5 seconds.'),
  )
}

/** Asks for the activity of the rows that are seen, a few at once, and once until all is loaded again. */
function activityQueue(signal) {
  const known = new Map()
  const waiting = new Map()
  let running = 0
  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting && target.wanted) waiting.set(target, target.wanted)
      else waiting.delete(target)
    }
    pump()
  })
  signal.addEventListener('abort', () => seen.disconnect())
  function pump() {
    while (running < activitiesAtOnce && waiting.size > 0) {
      const [row, { host, fill }] = waiting.entries().next().value
      waiting.delete(row)
      seen.unobserve(row)
      running++
      getJson(paths.host(host, '/activity'), { hours: 24 }, signal)
        .catch(() => undefined)
        .then((found) => {
          running--
          if (signal.aborted) return
          known.set(host, found)
          fill(found)
          pump()
        })
    }
  }
  return {
    watch(row, host, fill) {
      if (known.has(host)) return fill(known.get(host))
      row.wanted = { host, fill }
      seen.observe(row)
    },
    clear() {
      seen.disconnect()
      waiting.clear()
    },
    forget: () => known.clear(),
  }
}
