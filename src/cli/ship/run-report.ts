import type { Agent } from '../../agent/agent.ts'
import type { AgentEvent } from '../../agent/context.ts'
import type { Life } from '../../agent/life.ts'
import { isSettled } from '../../agent/rest.ts'
import type { WholeEvent } from '../../agent/whole/whole-file.ts'
import type { WholeShipper } from '../../agent/whole/whole-shipper.ts'
import { pathForPeople, textForPeople } from '../../base/path-bytes.ts'
import { addUsage, type Meter, requestCount, requestDollars } from '../../bucket/metered.ts'
import { EventCounts } from '../agent/event-counts.ts'
import { hopeless } from '../compose/hopeless.ts'
import { exits } from '../exit.ts'
import type { Progress } from '../terminal/progress.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { countText, formatBytes, formatDollars } from '../terminal/units.ts'
import { type Delivering, livesOf, standingProblems, type Unfinished, unfinishedOf } from './run-outcome.ts'
import { wholeProgress } from './whole-outcome.ts'

export { livesOf }

/** What happened in a run, gathered from the agent's events. */
export class RunReport {
  readonly problems = new Map<string, { message: string; hint: string | undefined; life: Life | undefined }>()
  bytesSent = 0
  segmentsSent = 0
  segmentsAdopted = 0
  forks = 0
  losses = 0
  /** The same by destination. */
  readonly lossesAt = new Map<string, number>()
  readonly counts = new EventCounts()
  /** Files that were delivered whole: sent, and found there. */
  wholesSent = 0
  wholesThere = 0
  /** Other content had the name, or the file had changed: it went under a second one. */
  wholesSecond = 0
  /** Told of every event, too. */
  readonly listeners: ((event: AgentEvent) => void)[] = []

  add(event: AgentEvent): void {
    this.counts.add(event)
    for (const tell of this.listeners) tell(event)
    if (event.kind === 'acked' && event.sent) {
      this.bytesSent += event.bytes
      this.segmentsSent++
    } else if (event.kind === 'acked') this.segmentsAdopted++
    else if (event.kind === 'forked') this.forks++
    else if (event.kind === 'gap' && event.reason !== 'diverged') {
      const { destination } = event.delivery
      this.losses++
      this.lossesAt.set(destination, (this.lossesAt.get(destination) ?? 0) + 1)
    } else if (event.kind === 'problem')
      this.problems.set(event.place, { message: event.message, hint: event.hint, life: event.life })
  }
}

/** The same for files that are delivered whole. */
export function addWhole(report: RunReport, event: WholeEvent): void {
  report.counts.addWhole(event)
  if (event.kind === 'lost') {
    report.losses++
    for (const name of event.destinations) report.lossesAt.set(name, (report.lossesAt.get(name) ?? 0) + 1)
  } else if (event.kind === 'delivered') {
    if (event.how === 'sent') report.wholesSent++
    else report.wholesThere++
    if (event.isSecond) report.wholesSecond++
  }
}

export function progressOf(agent: Agent, wholes?: WholeShipper | undefined): Progress {
  const lives = livesOf(agent)
  let bytes = 0
  let bytesTotal = 0
  let files = 0
  for (const life of lives) {
    const size = life.limit ?? life.size
    bytesTotal += size
    bytes += Math.min(size, mean([...life.deliveries.values()].map((delivery) => delivery.acked.offset)))
    if (isSettled(life)) files++
  }
  const whole = wholeProgress(wholes)
  return {
    bytes: bytes + whole.bytes,
    bytesTotal: bytesTotal + whole.bytesTotal,
    files: files + whole.files,
    filesTotal: lives.length + whole.filesTotal,
    note: noteOf(agent.couriers.values()),
  }
}

/** `eu fails, us refuses`: what stands in the way. Whether one that fails answers at all, its problem says. */
export function noteOf(
  couriers: Iterable<{ name: string; destination: { health: { state: string } } }>,
): string | undefined {
  const notes = [...couriers].flatMap(({ name, destination: { health } }) => {
    if (health.state === 'down') return [`${name} refuses`]
    return health.state === 'unavailable' ? [`${name} fails`] : []
  })
  return notes.length > 0 ? notes.join(', ') : undefined
}

/** `1 file`, `4,711 files` */
export function filesText(count: number): string {
  return countText(count, 'file')
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
}

/** `388 requests ≈ $0.002` */
export function costText(meters: Iterable<Meter>): string {
  const usage = addUsage([...meters].map((meter) => meter.snapshot()))
  return `${countText(requestCount(usage), 'request')} ≈ ${formatDollars(requestDollars(usage))}`
}

/**
 * Says, at the end of a one-shot run, what is not everywhere and what stood in the way, and with which status to exit.
 * `reason` is why the run ended.
 */
export function sayOutcome(
  composed: Delivering,
  report: RunReport,
  terminal: Terminal,
  reason: unknown,
): { code: number; unfinished: number } {
  const left = unfinishedOf(composed)
  for (const one of left) sayUnfinished(one, terminal)
  const problems = standingProblems(composed, report.problems)
  for (const [place, { message, hint }] of problems) {
    terminal.warn(`${pathForPeople(place)}: ${textForPeople(message)}`)
    if (hint) terminal.warn(`fix: ${textForPeople(hint)}`)
  }
  const unfinished = left.length
  if (unfinished > 0) return { code: reason === hopeless ? exits.failed : exits.undelivered, unfinished }
  if (problems.length > 0) return { code: exits.failed, unfinished }
  return { code: report.forks + report.losses + report.wholesSecond > 0 ? exits.lossy : exits.done, unfinished }
}

/** One line for a destination that is not done, with what to do. */
function sayUnfinished({ name, isDown, files, bytes, message, hint }: Unfinished, terminal: Terminal): void {
  terminal.warn(
    `${name} ${terminal.paintMessage.red(isDown ? 'DOWN' : 'LATE')} ${textForPeople(message)} · ${filesText(files)}, ${formatBytes(bytes)} to go`,
  )
  if (hint) terminal.warn(`fix: ${textForPeople(hint)}`)
}

export interface ReceiptLine {
  length: number
  sha256: string
  path: string
  stream: string
  destinations: string[]
}

/** A line per file and delivered content: what auditors and scripts keep. */
export function receiptLines(agent: Agent): ReceiptLine[] {
  return livesOf(agent).flatMap((life) => {
    const lines = new Map<string, ReceiptLine>()
    for (const { destination, stream, sealed, acked, isChecked } of life.deliveries.values()) {
      if (stream === undefined || sealed === undefined || sealed.length !== acked.offset || !isChecked) continue
      const key = `${stream} ${sealed.length} ${sealed.sha256}`
      const line = lines.get(key) ?? { ...sealed, path: life.path, stream, destinations: [] }
      lines.set(key, { ...line, destinations: [...line.destinations, destination] })
    }
    return [...lines.values()]
  })
}
