import { links } from './client.js'
import { el } from './dom.js'
import { findings, legend, lifeAxis, lifeLine, stateOf, statePill } from './life-line.js'
import { ageText, bytesText, countText, hourText, timeText } from './words.js'

/** Streams with their life lines, the lives of one file together. */
export function streamsTable(host, streams) {
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
