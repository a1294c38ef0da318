import { describe, expect, it } from 'vitest'
import { type CompletionFacts, completionOf, rotatedFrom } from '../../../src/agent/whole/completion.ts'
import { periodIn } from '../../../src/format/period.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const now = Date.UTC(2026, 10, 21, 12)

type Given = Partial<Omit<CompletionFacts, 'period'>> & { name?: string; quietMs?: number }

function facts({ name = 'app.log', quietMs = 10 * minute, ...more }: Given): CompletionFacts {
  return {
    nowMs: now,
    modifiedMs: now - quietMs,
    isRotated: false,
    writer: 'none',
    period: periodIn(name),
    ...more,
  }
}

describe('when a file is complete', () => {
  it.each<[string, Given, string]>([
    ['a live file never is', { quietMs: 30 * 24 * hour }, 'held: it is live'],
    ['rotated, and no process writes to it', { isRotated: true }, 'rotated'],
    ['rotated a moment ago', { isRotated: true, quietMs: second }, 'held: it changed'],
    ['rotated, and still written to', { isRotated: true, writer: 'some' }, 'held: it was rotated, and a process'],
    ['rotated, writers unseen, quiet for a minute', { isRotated: true, writer: 'unknown', quietMs: minute }, 'rotated'],
    [
      'rotated, writers unseen, quiet for less',
      { isRotated: true, writer: 'unknown', quietMs: 59 * second },
      'held: it changed',
    ],
    [
      'rotated, writers unseen, quiet for what idle says',
      { isRotated: true, writer: 'unknown', quietMs: 9 * second, idleMs: 8 * second },
      'rotated',
    ],
    ['idle for what idle says', { idleMs: minute, quietMs: minute }, 'idle'],
    ['idle for less', { idleMs: minute, quietMs: minute - 1 }, 'held: it changed'],
    ['idle, and a process holds it', { idleMs: minute, writer: 'some' }, 'held: a process'],
    ['idle, writers unseen', { idleMs: minute, writer: 'unknown' }, 'idle'],
    ['its hour is over', { name: 'a-20261121T10Z.log' }, 'period'],
    ['its hour is over since less than a minute', { name: 'a-20261121T11Z.log', quietMs: minute }, 'held: the period'],
    ['its hour goes on', { name: 'a-20261121T12Z.log' }, 'held: the period'],
    ['its hour goes on, however idle', { name: 'a-20261121T12Z.log', idleMs: second }, 'held: the period'],
    [
      'its hour goes on, though a name looks rotated',
      { name: 'a-20261121T12Z.log', isRotated: true },
      'held: the period',
    ],
    ['logjam: minutes in the name, an hour in the file', { name: 'a-20261121T1130Z.log' }, 'held: the period'],
    ['the same, of files of five minutes', { name: 'a-20261121T1130Z.log', periodMs: 5 * minute }, 'period'],
    ['its hour is over, and it is being written', { name: 'a-20261121T10Z.log', quietMs: second }, 'held: it changed'],
    ['its hour is over, and a descriptor is kept', { name: 'a-20261121T10Z.log', writer: 'some' }, 'period'],
    [
      'its hour is over, and a writer is at it',
      { name: 'a-20261121T10Z.log', writer: 'some', quietMs: minute },
      'held: it changed',
    ],
    ['its day is over', { name: 'a-2026-11-20.log', quietMs: 13 * hour }, 'period'],
    [
      'its day is over here, and not where it is written',
      { name: 'a-2026-11-20.log', quietMs: minute },
      'held: it changed',
    ],
    ['a day of long ago, copied here just now', { name: 'a-2013-07-04.log', quietMs: 6 * second }, 'period'],
    ['its day goes on', { name: 'a-2026-11-21.log' }, 'held: the period'],
    ['rotated under the name of its day', { name: 'a.log-20261121', isRotated: true }, 'rotated'],
    ['a date to come', { name: 'a-21261121T10Z.log' }, 'held: the period'],
  ])('%s', (_what, given, expected) => {
    const completion = completionOf(facts(given))
    const said = completion.kind === 'complete' ? completion.by : `held: ${completion.why}`
    expect(said.slice(0, expected.length)).toBe(expected)
  })

  it('says when to ask again, and then it is complete', () => {
    for (const given of [
      { name: 'a-20261121T12Z.log', quietMs: 0 },
      { isRotated: true, quietMs: second },
      { idleMs: hour, quietMs: minute },
    ]) {
      const first = facts(given)
      const held = completionOf(first)
      const untilMs = held.kind === 'held' ? held.untilMs : undefined
      expect(untilMs).toBeGreaterThan(now)
      expect(completionOf({ ...first, nowMs: untilMs! - 1 }).kind).toBe('held')
      expect(completionOf({ ...first, nowMs: untilMs! }).kind).toBe('complete')
    }
  })
})

describe('what a rotation made', () => {
  it.each([
    ['/l/app.log.1', '/l/app.log'],
    ['/l/app.log.12.gz', '/l/app.log'],
    ['/l/app.log-20261121', '/l/app.log'],
    ['/l/app-20261121.log', '/l/app.log'],
    ['/l/app.log.old', '/l/app.log'],
    ['/l/app.1.log', '/l/app.log'],
    ['/l/syslog.1', '/l/syslog'],
  ])('%s of %s', (path, source) => {
    expect(rotatedFrom(path, (one) => one === source)).toBe(source)
  })

  it.each([
    ['/l/app-web.log', '/l/app.log'],
    ['/l/app2.log', '/l/app.log'],
    ['/l/app.log', '/l/app.log.1'],
    ['/l/app.log.1', '/k/app.log'],
    ['/l/application.log', '/l/app.log'],
  ])('%s is not of %s', (path, other) => {
    expect(rotatedFrom(path, (one) => one === other)).toBeUndefined()
  })
})
