import { el, put } from './dom.js'
import { finder } from './find.js'
import { lineParts, searchable, searchableQuery } from './line-text.js'
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
      const [, number, percent] = /^\s*([\d,. ]+?)\s*(%?)\s*$/.exec(goTo.value) ?? []
      if (number === undefined) return
      const value = Number(number.replace(percent ? /,/g : /[,. ]/g, ''))
      move(percent ? bytes.start + Math.floor(((bytes.end - bytes.start) * Math.min(100, value)) / 100) : value)
    },
  })
  const wrap = el('input', {
    type: 'checkbox',
    onchange() {
      lines.classList.toggle('wraps', wrap.checked)
      draw()
    },
  })
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

  const rows = () => Math.max(5, Math.floor((lines.clientHeight - 8) / lineHeight))

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
          el('span', { class: 'text', dir: 'ltr' }, marked(line)),
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
    top = got[first]?.start ?? top
    shownEnd = got[last]?.end ?? shownEnd
  }

  /** What is searched for stands out; what is no text is shown as an escape. */
  function marked({ start, bytes: line }) {
    const { query, isExact } = find.wanted()
    const parts = (from, to) =>
      lineParts(line.subarray(from, to)).map(({ text, isEscape }) =>
        isEscape ? el('span', { class: 'escape' }, text) : text,
      )
    if (query === '') return parts(0, line.length)
    const text = searchable(line, isExact)
    const sought = searchableQuery(query, isExact)
    const made = []
    let from = 0
    for (let at = text.indexOf(sought); at >= 0; at = text.indexOf(sought, from)) {
      made.push(parts(from, at), el('mark', { class: found === start + at && 'now' }, parts(at, at + sought.length)))
      from = at + sought.length
    }
    return [made, parts(from, line.length)]
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
    ArrowDown: () => scrollPixels(lineHeight),
    ArrowUp: () => scrollPixels(-lineHeight),
    PageDown: () => scrollBy(page()),
    PageUp: () => scrollBy(-page()),
    ' ': () => scrollBy(page()),
    Home: () => move(bytes.start),
    End: () => showEnd(),
    '/': () => find.focus(),
    n: () => find.next(),
    N: () => find.previous(),
  }
  lines.addEventListener('keydown', (event) => {
    const act = keys[event.key]
    if (act === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    act()
  })
  let owed = 0
  function scrollPixels(pixels) {
    // A wrapped line may be taller than all that is seen.
    const before = lines.scrollTop
    lines.scrollTop += pixels
    if (lines.scrollTop !== before) return
    owed += pixels / lineHeight
    const count = Math.trunc(owed)
    owed -= count
    scrollBy(count)
  }
  lines.addEventListener(
    'wheel',
    (event) => {
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey || event.ctrlKey) return
      event.preventDefault()
      scrollPixels(event.deltaMode === 1 ? event.deltaY * lineHeight : event.deltaY)
    },
    { passive: false },
  )
  let touchedAt
  lines.addEventListener('touchstart', (event) => (touchedAt = event.touches[0].clientY), { passive: true })
  lines.addEventListener(
    'touchmove',
    ({ touches: [touch] }) => {
      scrollPixels(touchedAt - touch.clientY)
      touchedAt = touch.clientY
    },
    { passive: true },
  )
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
    /** Bytes came: whoever looks at the end goes on looking at it. */
    grew(isWanted) {
      if (isWanted || isAtEnd) showEnd()
      else tellPlace()
    },
    isAtEnd: () => isAtEnd,
  }
}
