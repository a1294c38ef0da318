import type { Clock } from '../../base/clock.ts'
import type { Paint, Terminal } from './terminal.ts'
import { formatBytesOf, formatCount, formatRate, formatSpan } from './units.ts'

export interface Progress {
  bytes: number
  bytesTotal: number
  files: number
  filesTotal: number
  /** What stands in the way, in a few words. */
  note?: string | undefined
}

/** How often a line is redrawn: smooth for the eye, and nothing for the CPU. */
const liveEveryMs = 100
/** Into a log or a CI's page, now and then is enough. */
const plainEveryMs = 10_000
/** Sooner, no byte is no stall. */
const stalledAfterMs = 5_000

/** Shows what `read` says until the answer is called: a bar on a terminal, else a plain line every ten seconds. */
export function showProgress(terminal: Terminal, clock: Clock, read: () => Progress): () => void {
  if (terminal.isQuiet) return () => {}
  const everyMs = terminal.isLive ? liveEveryMs : plainEveryMs
  const startMs = clock.monotonic()
  let meter = startMeter(read().bytes, startMs)
  let cancel = (): void => {}
  const draw = (): void => {
    const progress = read()
    meter = measure(meter, progress.bytes, clock.monotonic())
    // While the probe and the listings still run, nothing moves, and nothing is wrong.
    const isBeginning = meter.atMs - startMs < stalledAfterMs && (meter.bytesPerSecond ?? 0) < 1
    const line = renderProgress(progress, isBeginning ? undefined : meter.bytesPerSecond, terminal)
    if (terminal.isLive) terminal.live(line)
    else terminal.say(line)
    cancel = clock.timer(everyMs, draw)
  }
  cancel = clock.timer(everyMs, draw)
  return () => {
    cancel()
    terminal.live(undefined)
  }
}

export interface Meter {
  bytes: number
  atMs: number
  /** Undefined until something was measured. */
  bytesPerSecond: number | undefined
}

/** Long enough that one slow answer does not make the ETA jump, short enough that a stall shows. */
const rateTimeConstantMs = 5_000

export function startMeter(bytes: number, atMs: number): Meter {
  return { bytes, atMs, bytesPerSecond: undefined }
}

/** The rate as a moving average that forgets exponentially, whatever the intervals between calls. */
export function measure(meter: Meter, bytes: number, atMs: number): Meter {
  const elapsedMs = atMs - meter.atMs
  if (elapsedMs <= 0) return meter
  const current = ((bytes - meter.bytes) * 1000) / elapsedMs
  const before = meter.bytesPerSecond
  const weight = before === undefined ? 1 : 1 - Math.exp(-elapsedMs / rateTimeConstantMs)
  return { bytes, atMs, bytesPerSecond: (before ?? 0) + weight * (current - (before ?? 0)) }
}

/** The line for `progress`: with a bar where it is redrawn and there is room, with a percentage elsewhere. */
export function renderProgress(
  progress: Progress,
  bytesPerSecond: number | undefined,
  terminal: { isLive: boolean; width: number; paintMessage: Paint },
): string {
  const { bytes, bytesTotal, files, filesTotal, note } = progress
  const share = bytesTotal > 0 ? Math.min(1, bytes / bytesTotal) : filesTotal > 0 ? files / filesTotal : 1
  const text = [
    formatBytesOf(bytes, bytesTotal),
    ...(bytesPerSecond === undefined ? [] : [formatRate(Math.max(0, bytesPerSecond))]),
    ...etaText(bytesTotal - bytes, bytesPerSecond),
    `${formatCount(files)}/${formatCount(filesTotal)} files`,
    ...(note === undefined ? [] : [note]),
  ].join(' · ')
  if (!terminal.isLive) return `${Math.floor(share * 100)} % · ${text}`
  // The last column stays free: some terminals wrap when it is filled.
  const room = terminal.width - 1
  if (text.length + barMin + 1 > room) return text.slice(0, room)
  const length = Math.min(barMax, room - text.length - 1)
  const full = Math.round(share * length)
  return `${terminal.paintMessage.cyan('█'.repeat(full))}${terminal.paintMessage.dim('░'.repeat(length - full))} ${text}`
}

const barMin = 8
const barMax = 24

function etaText(bytesLeft: number, bytesPerSecond: number | undefined): string[] {
  if (bytesLeft <= 0 || bytesPerSecond === undefined) return []
  // Less than a byte per second is a stall: no number would mean anything.
  return bytesPerSecond < 1 ? ['stalled'] : [`ETA ${formatSpan(Math.ceil(bytesLeft / bytesPerSecond) * 1000)}`]
}
