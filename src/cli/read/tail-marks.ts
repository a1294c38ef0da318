/**
 * When the bytes of a file came to be seen: enough of it to tell the age of the oldest one that a destination does not
 * have, be it the first of them or one in the middle of a backlog. Pure data.
 */
export interface TailMark {
  /** Bytes before this offset, and not before the mark before it. */
  end: number
  /** They were seen at this moment or later, on a monotonic clock: ages are rather too high than too low. */
  sinceMs: number
}

/** Per file that is behind; with more, neighbours are told as one, at the older one's time. */
const marksMax = 64

/** The marks once the file was seen to have `size` bytes, the ones new since the last mark not seen before `sinceMs`. */
export function markTail(marks: readonly TailMark[], size: number, sinceMs: number): readonly TailMark[] {
  const last = marks.at(-1)
  if (last !== undefined && size <= last.end) return marks
  const grown = [...marks, { end: size, sinceMs }]
  if (grown.length <= marksMax) return grown
  return grown.flatMap((mark, at) => {
    // The newest stay as they are: what a destination lags by is mostly there.
    if (at >= marksMax / 2) return [mark]
    const older = grown[at - 1]
    return at % 2 === 0 || older === undefined ? [] : [{ end: mark.end, sinceMs: older.sinceMs }]
  })
}

/** Without those that no destination misses. */
export function dropDelivered(marks: readonly TailMark[], deliveredEverywhere: number): readonly TailMark[] {
  return marks.some(({ end }) => end <= deliveredEverywhere)
    ? marks.filter(({ end }) => end > deliveredEverywhere)
    : marks
}

/** Since when the byte at `offset` is here; undefined where there is none. */
export function seenSinceMs(marks: readonly TailMark[], offset: number): number | undefined {
  return marks.find(({ end }) => end > offset)?.sinceMs
}
