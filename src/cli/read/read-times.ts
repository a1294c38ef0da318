import type { ParseArgsOptionsConfig } from 'node:util'
import type { Clock } from '../../base/clock.ts'
import { parseDuration } from '../../base/quantity.ts'
import type { Times } from '../../bucket/delivered-between.ts'
import { type OptionValues, textOf, usageError } from '../command.ts'

export const timeOptions = { since: { type: 'string' }, until: { type: 'string' } } satisfies ParseArgsOptionsConfig

/** The same for help texts. */
export const timeHelp = `  --since T --until T
                  what was delivered then: 10m, 2h, 7d (ago), 2026-11-20, 2026-11-20T10:15 (UTC, until: not included).
                  It is the time at which the store took the bytes, as LIST tells it; no line is read for it`

/** Said once, where it counts. */
export const timeNotice = 'times are those of delivery: when the store took the bytes, at the borders of segments'

/** Undefined where neither --since nor --until is given. */
export function timesOf(values: OptionValues, clock: Pick<Clock, 'now'>): Times | undefined {
  const [since, until] = [textOf(values, 'since'), textOf(values, 'until')]
  if (since === undefined && until === undefined) return undefined
  const nowMs = clock.now()
  const times = {
    fromMs: since === undefined ? Number.NEGATIVE_INFINITY : momentOf('since', since, nowMs),
    toMs: until === undefined ? Number.POSITIVE_INFINITY : momentOf('until', until, nowMs),
  }
  if (times.toMs > times.fromMs) return times
  throw usageError(`--since ${since} --until ${until}: no time lies between them`, 'exchange them')
}

const timePattern = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?$/

function momentOf(option: string, text: string, nowMs: number): number {
  const ago = parseDuration(text)
  if (ago !== undefined) return nowMs - ago
  // A day alone is UTC to Date.parse, a time without a zone is not.
  const hasZone = /(?:Z|[+-]\d\d:\d\d)$/.test(text) || text.length === 10
  const ms = timePattern.test(text) ? Date.parse(`${text.replace(' ', 'T')}${hasZone ? '' : 'Z'}`) : Number.NaN
  if (Number.isFinite(ms)) return ms
  throw usageError(`--${option} ${text}: cannot be read`, 'write 10m, 7d, 2026-11-20 or 2026-11-20T10:15Z')
}
