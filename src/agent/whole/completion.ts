import { dayMs, type Period, periodEndMs } from '../../format/period.ts'

/** What is known of a file when it is asked whether its last byte is written. Times are milliseconds since 1970. */
export interface CompletionFacts {
  nowMs: number
  /** Last change of its bytes. */
  modifiedMs: number
  /** A live one of its source goes before it by name, or it was seen under another name. */
  isRotated: boolean
  /** Whether a process has it open for writing; `unknown` where not every process can be looked at. */
  writer: 'none' | 'some' | 'unknown'
  period: Period | undefined
  /** The source's own settings. */
  idleMs?: number | undefined
  /** The machine goes away. */
  isLast?: boolean | undefined
  periodMs?: number | undefined
}

export type Completion =
  /** `known`: it was complete before, and has not changed. */
  | { kind: 'complete'; by: 'rotated' | 'period' | 'idle' | 'known' }
  /** `untilMs`: when it could be complete, if nothing happens to it; undefined: something has to happen first. */
  | { kind: 'held'; why: string; untilMs?: number | undefined }

/** Writers flush late, and their clocks are not quite ours. */
const graceMs = 60_000
const heldOpen = 'a process has it open for writing'
/** Nobody is just writing. */
const quietMs = 5_000
/** A rotated file that some unseen process may still hold: as `sealAfter` of streams. */
const rotatedIdleMs = 60_000
/** Whoever holds a file of a past period and has written nothing for so long keeps the descriptor only (rsyslog's cache). */
const heldOpenMs = 10 * 60_000

/** Whether a file is complete. A byte too early is worse than a minute too late: it would be two objects. */
export function completionOf(facts: CompletionFacts): Completion {
  const { period, isRotated, idleMs } = facts
  if (facts.isLast) return facts.writer === 'some' ? { kind: 'held', why: heldOpen } : { kind: 'complete', by: 'idle' }
  const hasTime = period !== undefined && period.precisionMs < dayMs
  // What a rotation names by its day is complete at once; an hour in a name is the writer's own, and binding.
  if (isRotated && !hasTime) return byRotation(facts)
  if (period !== undefined) return byPeriod(facts, period)
  if (idleMs === undefined)
    return { kind: 'held', why: 'it is live: neither rotated, nor is there a period in its name' }
  if (facts.writer === 'some') return { kind: 'held', why: heldOpen }
  return afterQuiet(facts, idleMs, 'idle')
}

function byRotation(facts: CompletionFacts): Completion {
  if (facts.writer === 'some')
    return { kind: 'held', why: 'it was rotated, and a process still has it open for writing' }
  return afterQuiet(facts, facts.writer === 'none' ? quietMs : (facts.idleMs ?? rotatedIdleMs), 'rotated')
}

function byPeriod(facts: CompletionFacts, period: Period): Completion {
  const endMs = periodEndMs(period, facts.periodMs)
  const overMs = endMs + graceMs
  if (facts.nowMs < overMs)
    return { kind: 'held', why: `the period in its name ends at ${timeText(endMs)}`, untilMs: overMs }
  // A day without a zone may be a local one: while it is written to, it is not over.
  const isLate = period.precisionMs === dayMs && facts.modifiedMs > overMs && facts.nowMs < endMs + dayMs
  return afterQuiet(facts, isLate || facts.writer === 'some' ? heldOpenMs : quietMs, 'period')
}

function afterQuiet(facts: CompletionFacts, ms: number, by: 'rotated' | 'period' | 'idle'): Completion {
  const untilMs = facts.modifiedMs + ms
  if (facts.nowMs >= untilMs) return { kind: 'complete', by }
  return {
    kind: 'held',
    why: `it changed at ${timeText(facts.modifiedMs)}: it must be quiet for ${ms / 1000} s`,
    untilMs,
  }
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
}

/** What rotations add: a number, a date, or one of these words. `app-web.log` is another log beside `app.log`. */
const addedByRotation = /^[^A-Za-z0-9](?:.*\d|(?:old|bak|prev|save|gz|zst|xz|bz2)$)/i

/**
 * The file that a rotation made `path` from, where it has such a name: `app.log` of `app.log.1` and of
 * `app-20261120.log`. `has` says whether the source has a file of a name.
 */
export function rotatedFrom(path: string, has: (path: string) => boolean): string | undefined {
  const slash = path.lastIndexOf('/') + 1
  const [directory, base] = [path.slice(0, slash), path.slice(slash)]
  const isMade = (stem: string, added: string, extension: string): boolean =>
    addedByRotation.test(added) && has(directory + stem + extension)
  for (let end = 1; end < base.length; end++) {
    if (/[A-Za-z0-9]/.test(base[end] ?? '')) continue
    const stem = base.slice(0, end)
    if (isMade(stem, base.slice(end), '')) return directory + stem
    for (let dot = base.indexOf('.', end + 1); dot > 0; dot = base.indexOf('.', dot + 1)) {
      if (isMade(stem, base.slice(end, dot), base.slice(dot))) return directory + stem + base.slice(dot)
    }
  }
  return undefined
}
