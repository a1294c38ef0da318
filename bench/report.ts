import type { Run } from './measured-run.ts'

export function say(text = ''): void {
  process.stdout.write(`${text}\n`)
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** The smallest value that so much of all is at or below. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN
}

/** One contestant over several rounds; the first one of a table is what the others are compared with. */
export interface Contestant {
  name: string
  runs: Run[]
  /** Why there is nothing to compare. */
  notRun?: string
}

const MB = 1_000_000
const GiB = 1024 ** 3

/** What there was to do, and in which unit a throughput says something. */
export type Amount = { bytes: number } | { files: number }

/** Medians, and the ratio of the throughput to that of the first one. */
export function sayTable(title: string, amount: Amount, contestants: readonly Contestant[]): void {
  const secondsOf = ({ runs }: Contestant): number => median(runs.map(({ seconds }) => seconds))
  const [first] = contestants
  const isBytes = 'bytes' in amount
  say(`\n${title}`)
  say(
    row('', [
      'seconds',
      isBytes ? 'MB/s' : 'files/s',
      `× ${first?.name}`,
      `CPU ${isBytes ? 's/GiB' : 'ms/file'}`,
      'RSS MB',
    ]),
  )
  for (const contestant of contestants) {
    if (contestant.notRun !== undefined) {
      say(row(contestant.name, [`not run: ${contestant.notRun}`]))
      continue
    }
    const seconds = secondsOf(contestant)
    const usages = contestant.runs.flatMap(({ usage }) => usage ?? [])
    const cpuSeconds = median(usages.map((usage) => usage.cpuSeconds))
    say(
      row(contestant.name, [
        seconds.toFixed(2),
        (isBytes ? amount.bytes / MB / seconds : amount.files / seconds).toFixed(0),
        first ? (secondsOf(first) / seconds).toFixed(2) : '',
        (isBytes ? cpuSeconds / (amount.bytes / GiB) : (cpuSeconds * 1000) / amount.files).toFixed(2),
        (median(usages.map(({ peakBytes }) => peakBytes)) / MB).toFixed(0),
      ]),
    )
  }
}

function row(name: string, cells: readonly string[]): string {
  return `  ${name.padEnd(16)}${cells.map((cell) => cell.padStart(14)).join('')}`
}
