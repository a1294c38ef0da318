import type { Clock } from '../../base/clock.ts'
import { pathForPeople, textForPeople } from '../../base/path-bytes.ts'
import { describeGap } from '../../bucket/stream-gaps.ts'
import type { Summary } from '../../compactor/compactor.ts'
import type { CompactorEvent } from '../../compactor/event.ts'
import { type CommandInput, isSet } from '../command.ts'
import { explain } from '../exit.ts'
import { measure, startMeter } from '../terminal/progress.ts'
import type { Paint, Terminal } from '../terminal/terminal.ts'
import { countText, formatBytes, formatCount, formatRate, formatSpan } from '../terminal/units.ts'
import { codeOfEvent, withCode } from './trouble-code.ts'

/** One line for an event, and whether it tells of trouble. */
export function eventForPeople(event: CompactorEvent, paint: Paint): { text: string; isTrouble: boolean } {
  const { text, isTrouble } = plainText(event, paint)
  const code = codeOfEvent(event)
  return { text: code === undefined ? text : withCode(text, code, paint), isTrouble }
}

function plainText(event: CompactorEvent, paint: Paint): { text: string; isTrouble: boolean } {
  const trouble = (text: string): { text: string; isTrouble: boolean } => ({ text, isTrouble: true })
  const news = (text: string): { text: string; isTrouble: boolean } => ({ text, isTrouble: false })
  switch (event.kind) {
    case 'published':
      return news(`published  ${pathForPeople(event.name)} ${formatCount(event.length)} B`)
    case 'sealed':
      return news(
        `${paint.green('sealed')}     ${pathForPeople(event.name)} ${formatCount(event.length)} B ${short(event.sha256)} verified`,
      )
    case 'archived':
      return news(
        `${paint.green('archived')}   ${pathForPeople(event.name)} ${formatCount(event.length)} B ${short(event.sha256)}${event.isSealed ? '' : ' unsealed'}`,
      )
    case 'mismatch':
      return trouble(
        `${paint.red('MISMATCH')}   ${pathForPeople(event.name)}: the content has SHA-256 ${short(event.sha256)}, its seal says ${short(event.sealed)}; compare another destination`,
      )
    case 'short':
      return trouble(
        `${paint.yellow('short')}      ${pathForPeople(event.name)}: ${formatBytes(event.missing)} that its seal counts are not there: not delivered yet, lost, or expired`,
      )
    case 'gap':
      return trouble(
        `${paint.yellow('gap')}        ${pathForPeople(event.host)} ${event.stream} at ${formatCount(event.offset)}: ${describeGap(event, formatBytes)}`,
      )
    case 'set-aside':
      return trouble(
        `${paint.red('SET ASIDE')}  ${pathForPeople(event.path)}: ${event.reason}; kept as ${pathForPeople(event.movedTo)}, and written anew`,
      )
    case 'tampered':
      return trouble(
        `${paint.red('TAMPERED')}   ${pathForPeople(event.key)} has ${event.versions} versions; the oldest counts. Find out who overwrites or deletes in this bucket`,
      )
    case 'queue':
      return eventOfQueue(event, paint)
    case 'listed':
      return news(
        `listed     all of ${countText(event.hosts, 'host')} by ${countText(event.requests, 'request')} in ${formatSpan(event.tookMs)}; again every ${formatSpan(event.everyMs)}: ${perHourText(event)}`,
      )
    case 'problem': {
      const { message, hint } = explain(event.error)
      const fix = hint === undefined ? '' : `\n           ${paint.bold('fix:')} ${textForPeople(hint)}`
      return trouble(`${paint.red('problem')}    ${textForPeople(message)}${fix}`)
    }
  }
}

function eventOfQueue(
  event: Extract<CompactorEvent, { kind: 'queue' }>,
  paint: Paint,
): { text: string; isTrouble: boolean } {
  const queue = textForPeople(event.url)
  switch (event.state) {
    case 'lost': {
      const { message, hint } = explain(event.error)
      const fix = hint === undefined ? '' : `\n           ${paint.bold('fix:')} ${textForPeople(hint)}`
      const text = `${paint.red('no events')}  ${textForPeople(message)}; hosts are polled until it is back${fix}`
      return { text, isTrouble: true }
    }
    case 'back':
      return { text: `${paint.green('events')}     ${queue} is back; everything is listed once`, isTrouble: false }
    default: {
      const fate = event.state === 'kept' ? 'left to its dead-letter queue' : 'removed'
      const text = `${paint.yellow('message')}    ${queue}: one ${textForPeople(event.why)}; ${fate}. Only notifications of this bucket belong there`
      return { text, isTrouble: true }
    }
  }
}

/** What listing everything costs, as `1,234 requests an hour`. */
export function perHourText({ requests, everyMs }: { requests: number; everyMs: number }): string {
  return `${countText(Math.ceil((requests * 3_600_000) / everyMs), 'request')} an hour`
}

/** The event as one JSON line has it: names as they are, an error as in every command. */
export function eventForMachine(event: CompactorEvent): Record<string, unknown> {
  const code = codeOfEvent(event)
  const coded = code === undefined ? event : { ...event, code }
  if (!('error' in coded)) return { ...coded }
  const { error, ...rest } = coded
  return { ...rest, error: explain(error) }
}

/** One line of it, to whoever reads. */
export function tellEvent({ values, terminal }: CommandInput, event: CompactorEvent): void {
  // Not awaited: an event is small, and where nobody reads any more the frame's signal ends the command.
  if (isSet(values, 'json')) return void terminal.json(eventForMachine(event)).catch(() => {})
  const { text, isTrouble } = eventForPeople(event, terminal.paintMessage)
  if (isTrouble) terminal.warn(text)
  else terminal.say(text)
}

/** The last line of `--once`. */
export function summaryText(summary: Summary, elapsedMs: number, paint: Paint): string {
  const { streams, bytes, grewBytes, sealed, mismatches, short, gaps, strays, errors } = summary
  const trouble = (count: number, text: string): string[] =>
    count > 0 ? [paint.yellow(`${formatCount(count)} ${text}`)] : []
  return [
    countText(streams, 'stream'),
    formatBytes(bytes),
    `${formatCount(sealed)} sealed and verified`,
    grewBytes === 0 ? 'nothing new' : `${formatBytes(grewBytes)} new in ${formatSpan(elapsedMs)}`,
    ...trouble(mismatches, 'not as sealed'),
    ...trouble(short, 'shorter than sealed'),
    ...trouble(gaps, gaps === 1 ? 'gap' : 'gaps'),
    ...trouble(strays, strays === 1 ? 'stray' : 'strays'),
    ...trouble(errors.length, errors.length === 1 ? 'problem' : 'problems'),
  ].join(' · ')
}

/** Shows bytes and rate on a terminal while `work` runs. */
export async function showingBytes<T>(
  terminal: Terminal,
  clock: Clock,
  read: () => number,
  work: () => Promise<T>,
): Promise<T> {
  if (!terminal.isLive) return work()
  let meter = startMeter(0, clock.monotonic())
  let cancel = (): void => {}
  const draw = (): void => {
    meter = measure(meter, read(), clock.monotonic())
    terminal.live(`${formatBytes(meter.bytes)} · ${formatRate(meter.bytesPerSecond ?? 0)}`)
    cancel = clock.timer(drawEveryMs, draw)
  }
  cancel = clock.timer(drawEveryMs, draw)
  try {
    return await work()
  } finally {
    cancel()
    terminal.live(undefined)
  }
}

const drawEveryMs = 200

function short(sha256: string | undefined): string {
  return `${(sha256 ?? '').slice(0, 4)}…`
}
