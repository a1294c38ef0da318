/** Keys, wheel and touch of the lines. Answers what moves them by pixels. */
export function movedByHand(lines, { keys, lineHeight, scrollBy }) {
  lines.addEventListener('keydown', (event) => {
    const act = keys[event.key]
    if (act === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    act()
  })
  let owed = 0
  const move = (pixels) => {
    // A wrapped line may be taller than all that is seen.
    const before = lines.scrollTop
    lines.scrollTop += pixels
    if (lines.scrollTop !== before) return
    owed += pixels / lineHeight
    const count = Math.trunc(owed)
    owed -= count
    scrollBy(count)
  }
  const onWheel = (event) => {
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey || event.ctrlKey) return
    event.preventDefault()
    move(event.deltaMode === 1 ? event.deltaY * lineHeight : event.deltaY)
  }
  lines.addEventListener('wheel', onWheel, { passive: false })
  let touchedAt
  const onTouch = ({ type, touches: [touch] }) => {
    if (type === 'touchmove') move(touchedAt - touch.clientY)
    touchedAt = touch.clientY
  }
  for (const type of ['touchstart', 'touchmove']) lines.addEventListener(type, onTouch, { passive: true })
  return move
}

/** The byte that somebody means by `12,345`, or `50 %` of what there is; undefined where it is neither. */
export function placeOf(text, { start, end }) {
  const [, number, percent] = /^\s*([\d,. ]+?)\s*(%?)\s*$/.exec(text) ?? []
  if (number === undefined) return undefined
  if (percent === '') return Number(number.replace(/[,. ]/g, ''))
  return start + Math.floor(((end - start) * Math.min(100, Number(number.replace(',', '.')))) / 100)
}
