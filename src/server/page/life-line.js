import { el, svg } from './dom.js'
import { bytesText, countText, plural, timeText } from './words.js'

/**
 * A stream's place in the life of its file: when it began and when it last grew, with the other streams of the same
 * name behind it. Rotation ends one stream and begins another: the bars of a file stand one after the other.
 */

/** What all life lines of a page share: from the first birth to now. */
export function lifeAxis(streams, nowMs) {
  const births = streams.map(beginOf).filter((ms) => ms !== undefined)
  const fromMs = Math.min(...births, nowMs - 60_000)
  const place = (ms) => Math.min(100, Math.max(0, ((ms - fromMs) / (nowMs - fromMs)) * 100))
  return { fromMs, nowMs, place }
}

export function lifeLine(stream, siblings, { place, nowMs }) {
  const begin = beginOf(stream) ?? nowMs
  const end = endOf(stream, nowMs)
  const bar = (one, kind) => {
    const from = place(beginOf(one) ?? nowMs)
    const width = Math.max(0.6, place(endOf(one, nowMs)) - from)
    return svg('rect', { class: kind, x: `${Math.min(from, 99.4)}%`, width: `${width}%`, y: 7, height: 8, rx: 2 })
  }
  const state = stateOf(
    stream,
    siblings.map((one) => one.stream),
  )
  const isLive = state === 'live'
  const at = `${Math.min(place(end), 99.6)}%`
  const parent = stream.forkOf && siblings.find(({ stream: id }) => id === stream.forkOf.stream)
  return svg(
    'svg',
    { class: 'life', role: 'img', 'aria-label': lifeText(stream, state) },
    svg('title', {}, lifeText(stream, state)),
    svg('line', { class: 'track', x1: '0%', x2: '100%', y1: 11, y2: 11 }),
    siblings.filter((one) => one !== stream).map((one) => bar(one, 'other')),
    bar(stream, 'own'),
    stream.forkOf &&
      svg('line', {
        class: 'fork',
        x1: `${place((parent && beginOf(parent)) ?? begin)}%`,
        x2: `${place(begin)}%`,
        y1: 3,
        y2: 3,
      }),
    stream.forkOf && svg('circle', { class: 'fork', cx: `${place(begin)}%`, cy: 3, r: 2.5 }),
    isLive
      ? svg('circle', { class: 'live', cx: at, cy: 11, r: 4 })
      : svg('line', { class: 'sealed', x1: at, x2: at, y1: 4, y2: 18 }),
    stream.gaps.length > 0 &&
      svg('svg', { x: at, y: 11, overflow: 'visible' }, svg('path', { class: 'gap', d: 'M0-7 6 0 0 7-6 0z' })),
  )
}

export function legend() {
  const item = (text, ...shapes) =>
    el('li', {}, svg('svg', { viewBox: '0 0 22 12', 'aria-hidden': 'true', class: 'life-key' }, shapes), text)
  return el(
    'ul',
    { class: 'legend life' },
    item('this stream', svg('rect', { class: 'own', width: 22, y: 2, height: 8, rx: 2 })),
    item('others of the same file', svg('rect', { class: 'other', width: 22, y: 2, height: 8, rx: 2 })),
    item('live', svg('circle', { class: 'live', cx: 11, cy: 6, r: 4 })),
    item('ended', svg('line', { class: 'sealed', x1: 11, x2: 11, y1: 0, y2: 12 })),
    item('gap', svg('path', { class: 'gap', d: 'M11 0 17 6 11 12 5 6z' })),
    item('fork', svg('circle', { class: 'fork', cx: 11, cy: 6, r: 3 })),
  )
}

function lifeText(stream, state) {
  const { born, last, gaps, forkOf, bytes } = stream
  return [
    born === null ? 'birth unknown' : `born ${timeText(born)}`,
    last === null ? undefined : `last grew ${timeText(last)}`,
    bytesText(bytes),
    state,
    forkOf && 'a fork',
    gaps.length > 0 ? plural(gaps.length, 'gap') : undefined,
  ]
    .filter(Boolean)
    .join(', ')
}

/** What is odd, and what kind of stream it is, each as a small label. */
export function findings(row) {
  const pill = (kind, text) => el('span', { class: `pill plain ${kind}` }, text)
  const generation = /\.(\d+)$/.exec(row.stream)?.[1]
  return [
    generation && pill('', `generation ${generation}`),
    ...row.gaps.map(({ offset, end, reason }) =>
      pill(
        'bad',
        `gap at ${countText(offset)}: ${end === 'open' ? `${reason}, how much is unknown` : `${bytesText(end - offset)} ${reason}`}`,
      ),
    ),
    row.forkOf && pill('warn', `fork of ${forkedFrom(row)}, shares ${bytesText(row.forkOf.shared)}`),
    row.missing !== null && pill('bad', `${bytesText(row.missing)} that its seal counts are missing`),
    row.tampered !== null && pill('bad', `written ${row.tampered} times; the oldest counts`),
    row.aliases.length > 0 &&
      pill('', row.aliases.length === 1 ? 'a copy is known' : `${countText(row.aliases.length)} copies are known`),
    row.strays > 0 && pill('warn', plural(row.strays, 'stray')),
    row.expiredBefore !== null && pill('warn', `before ${countText(row.expiredBefore)} expired`),
    row.problem !== null && pill('bad', row.problem),
  ].filter(Boolean)
}

function forkedFrom({ stream, forkOf }) {
  const [birth, generation = '0'] = forkOf.stream.split('.')
  return stream.startsWith(`${birth}.`) ? `generation ${generation}` : forkOf.stream
}

const kinds = { live: 'good', sealed: '', ended: '', outgrown: 'warn', short: 'bad', unreadable: 'bad' }
const meanings = {
  live: 'no seal yet: it may grow',
  sealed: 'complete, and says with which SHA-256',
  ended: 'no seal, and a later life of the same file: it will not grow',
  outgrown: 'has grown beyond its seal',
  short: 'its seal counts more bytes than there are',
  unreadable: 'a record of it cannot be read',
}

/** As the API says it; without a seal and with a later generation a stream is over all the same. */
export function stateOf({ stream, state, gaps }, generations) {
  const isLast = generations.every((one) => !isLater(one, stream))
  return state === 'live' && (!isLast || gaps.some(({ reason }) => reason === 'truncated')) ? 'ended' : state
}

export function statePill(state) {
  return el('span', { class: `pill ${kinds[state] ?? ''}`, title: meanings[state] }, state)
}

/** A further life of the same birth and inode. */
function isLater(other, stream) {
  const [birth, generation = '0'] = stream.split('.')
  const [otherBirth, otherGeneration = '0'] = other.split('.')
  return birth === otherBirth && Number(otherGeneration) > Number(generation)
}

function beginOf({ born, last }) {
  const ms = Date.parse((born ?? last ?? '').replace(/(\.\d{3})\d*Z$/, '$1Z'))
  return Number.isNaN(ms) ? undefined : ms
}

function endOf({ last }, nowMs) {
  return last === null ? nowMs : Date.parse(last)
}
