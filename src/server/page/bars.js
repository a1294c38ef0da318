import { el, svg } from './dom.js'
import { bytesText, hourMs, hourText } from './words.js'

const hour = 3_600_000

/** Bytes per hour as bars; the last hour is not over yet. The same as a table, for who cannot see or hover. */
export function barsPlot({ firstHour, bytesPerHour }) {
  const firstMs = hourMs(firstHour)
  const rows = bytesPerHour.map((bytes, at) => ({ bytes, fromMs: firstMs + at * hour }))
  const top = niceTop(Math.max(...bytesPerHour, 1))
  const [width, low, high] = [1000, 99.5, 0.5]
  const step = width / rows.length
  const y = (bytes) => low - (bytes / top) * (low - high)
  const shape = svg(
    'svg',
    { class: 'bars', viewBox: '0 0 1000 100', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    [0, top / 2, top].map((one) => svg('line', { x1: 0, x2: width, y1: y(one), y2: y(one) })),
    rows.map(({ bytes, fromMs }, at) => [
      svg('rect', {
        class: at === rows.length - 1 ? 'now' : undefined,
        x: at * step + step * 0.1,
        width: step * 0.8,
        // One byte is something.
        y: bytes === 0 ? low : Math.min(y(bytes), low - 1.5),
        height: bytes === 0 ? 0 : Math.max(1.5, low - y(bytes)),
      }),
      svg(
        'rect',
        { class: 'over', x: at * step, width: step, y: high, height: low - high },
        svg('title', {}, `${hourText(fromMs)} UTC: ${bytesText(bytes)}`),
      ),
    ]),
  )
  return el(
    'figure',
    { class: 'plot' },
    el(
      'div',
      { class: 'plot-area' },
      el(
        'div',
        { class: 'plot-y', 'aria-hidden': 'true' },
        [top, top / 2, 0].map((one) => el('span', {}, bytesText(one))),
      ),
      shape,
      el(
        'div',
        { class: 'plot-x', 'aria-hidden': 'true' },
        el('span', {}, `${hourText(firstMs)} UTC`),
        el('span', {}, 'this hour'),
      ),
    ),
    el(
      'details',
      {},
      el('summary', {}, 'As numbers'),
      el(
        'div',
        { class: 'scroll-x', tabindex: '0', role: 'region', 'aria-label': 'Bytes per hour, as a table' },
        el(
          'table',
          { class: 'table' },
          el(
            'thead',
            {},
            el('tr', {}, el('th', { scope: 'col' }, 'Hour (UTC)'), el('th', { scope: 'col', class: 'right' }, 'Bytes')),
          ),
          el(
            'tbody',
            {},
            rows
              .toReversed()
              .map(({ bytes, fromMs }) =>
                el('tr', {}, el('td', {}, hourText(fromMs)), el('td', { class: 'right number' }, bytesText(bytes))),
              ),
          ),
        ),
      ),
    ),
  )
}

/** The same within a line of text; what it shows is said in words beside it. */
export function spark({ bytesPerHour }) {
  const top = Math.max(...bytesPerHour, 1)
  const step = 120 / bytesPerHour.length
  const total = bytesPerHour.reduce((sum, one) => sum + one, 0)
  return svg(
    'svg',
    {
      class: 'spark',
      viewBox: '0 0 120 20',
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': `${bytesText(total)} in ${bytesPerHour.length} hours`,
    },
    svg('line', { x1: 0, x2: 120, y1: 19.5, y2: 19.5 }),
    bytesPerHour.map((bytes, at) => {
      const height = bytes === 0 ? 0 : Math.max(1.5, (bytes / top) * 18)
      return svg('rect', {
        class: at === bytesPerHour.length - 1 ? 'now' : undefined,
        x: at * step + 0.5,
        width: step - 1,
        y: 19 - height,
        height,
      })
    }),
  )
}

/** A round number of its unit, at or above. */
function niceTop(bytes) {
  const unit = 1024 ** Math.floor(Math.log(bytes) / Math.log(1024))
  const value = bytes / unit
  const scale = 10 ** Math.floor(Math.log10(value))
  const step = [1, 2, 4, 6, 8, 10].find((one) => one * scale >= value) ?? 10
  return step * scale * unit
}
