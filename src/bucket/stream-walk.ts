import { advanceByTail, type ChainEnd, type SegmentMap, type SegmentRef } from '../format/chain.ts'

/** How far a walk reads ahead: at most `count` segments, and more than one only while they have `bytes` together. */
export interface ReadAhead {
  count: number
  bytes: number
}

/** What was read of a segment: all of it, or at least its last 4 KiB. */
export interface Reading {
  body: Uint8Array
}

export interface Step<T, R> {
  segment: T
  reading: R
  /** Behind the segment. */
  end: ChainEnd
}

/**
 * The chain from `start` on, one segment after the other. The next one is known for certain only when the one before it
 * was read, but where just one begins at the next offset it is read ahead: a guess that costs a request where it was
 * wrong, and never changes what is on the chain. Leaving the walk early aborts what is under way.
 */
export async function* walkChain<T extends SegmentRef, R extends Reading>(
  segments: Pick<SegmentMap<T>, 'next' | 'startingAt'>,
  start: ChainEnd,
  read: (segment: T, signal: AbortSignal) => Promise<R>,
  options: {
    ahead: ReadAhead
    /** How many bytes more may be under way now, where others read, too. */
    room?: (() => number) | undefined
    /** Is given what was read, and not needed. */
    discard?: ((reading: R) => void) | undefined
    signal?: AbortSignal | undefined
  },
): AsyncGenerator<Step<T, R>> {
  const stop = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal
  const begin = (segment: T): { segment: T; reading: Promise<R> } => {
    const reading = read(segment, signal)
    // Awaited later, or never where the guess was wrong: no failure may count as unhandled meanwhile.
    reading.catch(() => {})
    return { segment, reading }
  }
  const underWay: ReturnType<typeof begin>[] = []
  let end = start
  try {
    for (let segment = segments.next(end); segment !== undefined; segment = segments.next(end)) {
      // A guess is made only where nothing else can come next: what is under way first is this one.
      if (underWay.length === 0) underWay.push(begin(segment))
      for (const more of guessAhead(segments, underWay, options.ahead, options.room?.())) underWay.push(begin(more))
      const reading = await underWay.shift()?.reading
      if (reading === undefined) return
      end = advanceByTail(end, segment.length, reading.body)
      yield { segment, reading, end }
    }
  } finally {
    stop.abort()
    for (const { reading } of underWay) reading.then(options.discard, () => {})
  }
}

/** What to read besides what is under way (at least one), in order. */
export function guessAhead<T extends SegmentRef>(
  segments: Pick<SegmentMap<T>, 'startingAt'>,
  underWay: readonly { segment: T }[],
  ahead: ReadAhead,
  room = Number.POSITIVE_INFINITY,
): T[] {
  const guesses: T[] = []
  let count = underWay.length
  let bytes = underWay.reduce((sum, { segment }) => sum + segment.length, 0)
  const bytesMax = Math.min(ahead.bytes, bytes + room)
  for (let last = underWay.at(-1)?.segment; last !== undefined && count < ahead.count; count++) {
    const [next, ...others] = segments.startingAt(last.offset + last.length)
    if (next === undefined || others.length > 0 || bytes + next.length > bytesMax) break
    guesses.push(next)
    bytes += next.length
    last = next
  }
  return guesses
}
