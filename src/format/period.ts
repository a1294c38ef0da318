/** The stretch of time that a file's name says it is about. */
export interface Period {
  /** Milliseconds since 1970, UTC. */
  startMs: number
  /** What the name's precision says: a day, an hour, a minute, a second. */
  precisionMs: number
  /** Where the timestamp begins in the name. */
  at: number
}

const secondMs = 1_000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs
export const dayMs = 24 * hourMs

const date = /(?<!\d)(\d{4})(-?)(\d\d)\2(\d\d)(?!\d)/g
/** UTC has to be said: a local time is another one. Half of a time, or one with an offset, is none. */
const time = /T(\d\d)(?:(:?)(\d\d)(?:\2(\d\d)(?:[.,]\d+)?)?)?(?:Z|[+-]00(?::?00)?)(?!\d)/y

/**
 * The first ISO 8601 period in a name, basic or extended, in UTC: `20130704T0000Z`, `2013-07-04T00:00Z`, `20130704T13Z`,
 * `2013-07-04`. A date with a time that is not in UTC is none.
 */
export function periodIn(name: string): Period | undefined {
  for (const match of name.matchAll(date)) {
    const [whole, year = '', , month = '', day = ''] = match
    const dayAtMs = Date.UTC(Number(year), Number(month) - 1, Number(day))
    // 31 February is 3 March to Date: no date at all.
    if (new Date(dayAtMs).toISOString().slice(0, 10) !== `${year}-${month}-${day}`) continue
    const end = match.index + whole.length
    if (!/^T\d/.test(name.slice(end))) return { startMs: dayAtMs, precisionMs: dayMs, at: match.index }
    const withTime = timeAt(name, end)
    if (withTime) return { startMs: dayAtMs + withTime.ms, precisionMs: withTime.precisionMs, at: match.index }
  }
  return undefined
}

function timeAt(name: string, at: number): { ms: number; precisionMs: number } | undefined {
  time.lastIndex = at
  const match = time.exec(name)
  if (match === null) return undefined
  const [, hour = '', , minute, second] = match
  if (Number(hour) > 23 || Number(minute ?? 0) > 59 || Number(second ?? 0) > 60) return undefined
  return {
    ms: Number(hour) * hourMs + Number(minute ?? 0) * minuteMs + Number(second ?? 0) * secondMs,
    precisionMs: second !== undefined ? secondMs : minute !== undefined ? minuteMs : hourMs,
  }
}

/**
 * When the period is over. Times finer than an hour stand for a whole one where nothing else is said: logjam's names have
 * minutes (`20130704T0000Z`), and its files are hourly. A source whose files are shorter says so.
 */
export function periodEndMs(period: Period, lengthMs: number | undefined): number {
  return period.startMs + (lengthMs ?? Math.max(period.precisionMs, hourMs))
}
