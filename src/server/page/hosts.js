import { activityQueue } from './activity-queue.js'
import { spark } from './bars.js'
import { connection, getJson, links, passing, paths } from './client.js'
import { el, put, say } from './dom.js'
import { nothingYet, signText, silentNotice } from './host-words.js'
import { ageText, bytesText, countText, plural, shown, timeText } from './words.js'

/** Hosts that are asked for by a page; more are found by name, by the server. */
const hostsMax = 5_000
/** A pause while somebody types. */
const askMs = 400
/** Rows at once; more when they are wanted. */
const rowsMax = 1_000
const signs = [
  ['silent', 'Silent'],
  ['alive', 'Alive'],
  ['none', 'No agent'],
]

export async function hostsView({ main, signal, fail }) {
  const state = { hosts: [], sign: '', text: '', rows: rowsMax, next: null, at: '', isWhole: false, name: '' }
  const parts = {
    sum: el('p', { class: 'muted number' }),
    signs: el('div', { class: 'row', role: 'group', 'aria-label': 'Show' }),
    silent: el('div'),
    table: el('div'),
  }
  let asking
  const filter = el('input', {
    type: 'search',
    placeholder: 'part of a name',
    spellcheck: 'false',
    'aria-label': 'Filter hosts by name',
    oninput() {
      state.text = filter.value.trim().toLowerCase()
      state.rows = rowsMax
      render()
      // Where not all are here, the server looks for them.
      clearTimeout(asking)
      if (state.next !== null || state.name !== '') asking = setTimeout(() => load().catch(passing(fail)), askMs)
    },
  })
  const refresh = el('button', { type: 'button', onclick: () => load().catch(passing(fail)) }, 'Refresh')
  const activity = activityQueue(signal)
  connection.addEventListener('back', () => load(true).catch(passing(fail)), { signal })
  let dueMs = 0
  let isLoading = false
  let isAgainWanted = false

  /** All pages; what was shown stays until the new ones are there. Without `isWanted`, only when it is due. */
  async function load(isWanted = true) {
    if (!isWanted && Date.now() < dueMs) return
    // Once more when it is done: it was asked for something else.
    if (isLoading) {
      isAgainWanted ||= isWanted
      return
    }
    isLoading = true
    isAgainWanted = false
    // Of more than fit: those of this name alone.
    const name = state.next !== null || state.name !== '' ? filter.value.trim() : ''
    try {
      const hosts = []
      let after
      do {
        const page = await getJson(paths.hosts, { limit: 200, after, name: name && `*${name}*` }, signal)
        hosts.push(...page.hosts)
        after = page.next ?? undefined
        if (!state.isWhole) {
          Object.assign(state, { hosts: [...hosts], next: after ?? null })
          render()
        }
      } while (after !== undefined && hosts.length < hostsMax)
      Object.assign(state, { hosts, next: after ?? null, at: new Date().toISOString(), isWhole: true, name })
      activity.forget()
      render()
    } finally {
      isLoading = false
      // The more hosts, the more a look costs: a request or two to the bucket for each.
      dueMs = Date.now() + (state.hosts.length === 0 ? 5_000 : Math.max(30_000, state.hosts.length * 600))
    }
    if (isAgainWanted) await load()
  }

  function render() {
    const { hosts, at } = state
    if (hosts.length === 0 && state.name === '')
      return put(main, at === '' ? el('p', { class: 'muted' }, 'Looking …') : nothingYet())
    const counts = Object.fromEntries(signs.map(([sign]) => [sign, hosts.filter((one) => one.sign === sign).length]))
    put(
      parts.sum,
      state.isWhole
        ? `${plural(hosts.length, 'host')}${state.next === null ? (state.name === '' ? '' : ' of this name') : ' and more'} · as of ${timeText(at).slice(11)} UTC`
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
          `These are the first ${countText(state.hosts.length)} by name. Others are found by a part of their name, above.`,
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
