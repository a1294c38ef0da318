import { el, put } from './dom.js'
import { finder } from './find.js'
import { markedLine } from './marked-line.js'
import { movedByHand, placeOf } from './viewer-input.js'
import { bytesText, countText } from './words.js'

const lineHeight = 20
/** Steps of the scroll bar; finer is by wheel, keys and "go to". */
const steps = 10_000

/**
 * Shows a window of lines on bytes. There is no element as tall as the file: the place is a byte offset, and the lines
 * from there on are all that exists, so that 10 GB open as fast as 10 kB.
 */
export function viewer({ bytes, tools, label, signal, onProblem }) {
  let top = bytes.start
  let isAtEnd = false
  let shownEnd = bytes.start
  let turn = 0
  let found
  let isDrawn = true
  let isEndWanted = false
  const lines = el('div', {
    class: 'lines',
    tabindex: '0',
    role: 'document',
    'aria-label': `${label}: lines. Arrow keys, Page Up and Down, Home and End move; / searches`,
  })
  const scroller = el('input', {
    class: 'scroller',
    type: 'range',
    min: '0',
    max: String(steps),
    value: '0',
    'aria-label': 'Place in the file',
    'aria-orientation': 'vertical',
  })
  const place = el('span', { class: 'number' })
  const note = el('span', { role: 'status' })
  const goTo = el('input', {
    class: 'goto number',
    inputmode: 'numeric',
    placeholder: 'byte, or 50 %',
    spellcheck: 'false',
    onchange() {
      const place = placeOf(goTo.value, bytes)
      if (place !== undefined) move(place)
    },
  })
  const wrap = el('input', {
    type: 'checkbox',
    // A narrow screen has no room beside a line.
    checked: window.matchMedia('(max-width: 46rem)').matches,
    onchange() {
      lines.classList.toggle('wraps', wrap.checked)
      draw()
    },
  })
  lines.classList.toggle('wraps', wrap.checked)
  const find = finder({
    bytes,
    signal,
    note,
    onProblem,
    from: () => top,
    onFound(at) {
      found = at
      move(at, 3)
    },
    onQuery: draw,
  })
  const node = el(
    'section',
    { class: 'viewer', 'aria-label': 'Content' },
    el(
      'div',
      { class: 'row tools' },
      find.node,
      el('label', { class: 'field' }, 'Go to', goTo),
      el('label', { class: 'field' }, wrap, 'Wrap lines'),
      el('span', { class: 'push' }),
      tools,
    ),
    el('div', { class: 'body' }, lines, scroller),
    el('div', { class: 'foot' }, place, note),
  )

  const rows = () => Math.max(5, Math.floor((lines.clientHeight - 7) / lineHeight))

  /** The last to be asked for is shown; those before it are dropped where they are. */
  async function turnTo(work) {
    const mine = ++turn
    try {
      const next = await work()
      if (mine !== turn || signal.aborted) return
      await next()
    } catch (error) {
      if (!signal.aborted) onProblem(error)
    }
  }

  /** To the line that holds `at`, with `above` lines before it. */
  function move(at, above = 0) {
    return turnTo(async () => {
      const start = await bytes.lineStart(at)
      const before = above > 0 ? await bytes.linesBefore(start, above) : []
      return () => drawFrom(before[0]?.start ?? start)
    })
  }

  function scrollBy(count) {
    if (count === 0) return
    return turnTo(async () => {
      if (count < 0) {
        const before = await bytes.linesBefore(top, -count)
        return () => drawFrom(before[0]?.start ?? bytes.start)
      }
      if (isAtEnd) return () => {}
      const passed = await bytes.linesFrom(top, count)
      return () => drawFrom(passed.at(-1)?.end ?? top)
    })
  }

  async function drawFrom(start) {
    const count = rows()
    const got = await bytes.linesFrom(start, count)
    const last = got.at(-1)?.end ?? start
    // Never emptiness below the end.
    if (last >= bytes.end && got.length < count && start > bytes.start) {
      const end = await bytes.linesBefore(bytes.end, count)
      return drawLines(end, end[0]?.start ?? bytes.start)
    }
    drawLines(got, start)
  }

  function drawLines(got, start) {
    top = start
    shownEnd = got.at(-1)?.end ?? start
    isAtEnd = shownEnd >= bytes.end
    put(
      lines,
      bytes.end === 0 && el('p', { class: 'empty' }, 'No byte yet.'),
      got.map((line) =>
        el(
          'div',
          { class: 'line' },
          el('span', { class: 'at' }, countText(line.start)),
          el('span', { class: 'text', dir: 'ltr' }, markedLine(line, find.wanted(), found)),
        ),
      ),
    )
    lines.scrollTop = 0
    if (wrap.checked) dropCut(got)
    tellPlace()
  }

  /** Wrapped lines take more room: those that would be cut go; at the end of the file the upper ones, else the lower. */
  function dropCut(got) {
    let [first, last] = [0, got.length - 1]
    while (lines.scrollHeight > lines.clientHeight && first < last) {
      if (isAtEnd) first++
      else last--
      lines.children[isAtEnd ? 0 : lines.children.length - 1].remove()
    }
    // One that is taller than all that is seen, at the end: its end.
    if (isAtEnd) lines.scrollTop = lines.scrollHeight
    top = got[first]?.start ?? top
    shownEnd = got[last]?.end ?? shownEnd
  }

  function tellPlace() {
    const length = bytes.end - bytes.start
    const part = isAtEnd ? 1 : length === 0 ? 0 : (top - bytes.start) / length
    scroller.value = String(Math.round(part * steps))
    const text = `bytes ${countText(top)} to ${countText(shownEnd)} of ${countText(bytes.end)}`
    scroller.setAttribute('aria-valuetext', text)
    put(
      place,
      text,
      ` (${bytesText(bytes.end)}`,
      bytes.start > 0 && `; those before ${countText(bytes.start)} have expired`,
      ')',
    )
  }

  function draw() {
    return turnTo(async () => () => (isAtEnd ? drawFrom(bytes.end) : drawFrom(top)))
  }

  /** What is seen, but for two lines that stay in sight. */
  const page = () => Math.max(1, lines.children.length - 2)
  const keys = {
    ArrowDown: () => pixels(lineHeight),
    ArrowUp: () => pixels(-lineHeight),
    PageDown: () => scrollBy(page()),
    PageUp: () => scrollBy(-page()),
    ' ': () => scrollBy(page()),
    Home: () => move(bytes.start),
    End: () => showEnd(),
    '/': () => find.focus(),
    n: () => find.next(),
    N: () => find.previous(),
  }
  const pixels = movedByHand(lines, { keys, lineHeight, scrollBy })
  scroller.addEventListener('input', () => {
    const part = Number(scroller.value) / steps
    if (part === 1) showEnd()
    else move(bytes.start + Math.floor((bytes.end - bytes.start) * part))
  })
  const sized = new ResizeObserver(() => draw())
  sized.observe(lines)
  signal.addEventListener('abort', () => sized.disconnect())

  function showEnd() {
    return turnTo(async () => () => drawFrom(bytes.end))
  }

  return {
    node,
    note: (...children) => put(note, ...children),
    showStart: () => move(bytes.start),
    showEnd,
    /** Bytes came: who looks at the end goes on looking at it. */
    grew(isWanted) {
      isEndWanted ||= isWanted || isAtEnd
      // However many pieces come, they are drawn once.
      if (!isDrawn) return
      isDrawn = false
      requestAnimationFrame(() => {
        isDrawn = true
        if (isEndWanted) showEnd()
        else tellPlace()
        isEndWanted = false
      })
    },
    isAtEnd: () => isAtEnd,
  }
}
