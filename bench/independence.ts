import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { startAgent, until } from './agent-process.ts'
import { measureAppends, SegmentArrivals } from './appends.ts'
import { inDirectory, writeBigFile } from './prepare.ts'
import { median, quantile, say } from './report.ts'
import { startSink } from './start-sink.ts'

const rounds = Number(process.env.LOGCASK_BENCH_ROUNDS ?? 5)
const backlogBytes = Number(process.env.LOGCASK_BENCH_GIB ?? 0.25) * 1024 ** 3
const files = 10
/** Within the request budget of a stream, which is 20 at once. */
const appendsPerFile = 15

/** What becomes of the third store; the first is what the others are compared with. */
const kinds = {
  healthy: 'takes everything',
  hanging: 'takes the probe, and never answers the PUT of a segment',
  stopped: 'nobody listens there',
} as const
type Kind = keyof typeof kinds

/** Of the two stores that work. */
interface Measured {
  /** Bytes per second until both have the backlog. */
  throughput: number
  /** Milliseconds from an append until a store has it, over both. */
  lags: number[]
}

/**
 * Three stores, of which the third is healthy, hangs, or is not there for the whole run, in turn, so that what else the
 * machine does meets all alike: do the other two notice? DESIGN.md promises that they do not (I5).
 */
export async function independence(): Promise<void> {
  const measured: Record<Kind, Measured[]> = { healthy: [], hanging: [], stopped: [] }
  for (let round = 0; round < rounds; round++)
    for (const kind of Object.keys(kinds) as Kind[]) measured[kind].push(await inDirectory((at) => measure(at, kind)))
  const appends = files * appendsPerFile
  say(
    `\nindependence: the agent, ${backlogBytes / 1024 ** 2} MiB and then ${appends} appends to two stores, ${rounds} × with a third one that …`,
  )
  say(`  ${'third store'.padEnd(12)}  MB/s         p50 ms         p99 ms`)
  for (const kind of Object.keys(kinds) as Kind[]) {
    const cells = (Object.keys(values) as Value[]).map((value) => {
      const shown = median(measured[kind].map(values[value]))
      return `${shown.toFixed(value === 'throughput' ? 0 : 1).padStart(6)} ${ratio(measured, kind, value).toFixed(2).padStart(5)}×`
    })
    say(`  ${kind.padEnd(10)} ${cells.join('  ')}   ${kinds[kind]}`)
  }
  const isWithin = (['hanging', 'stopped'] as const).every(
    (kind) => ratio(measured, kind, 'throughput') >= 0.9 && ratio(measured, kind, 'p50') <= 1.1,
  )
  say('  medians; × is the median of the ratios to the healthy run of the same round')
  say(`  throughput and p50 no more than 10 % worse: ${isWithin ? 'yes' : 'NO'}`)
}

const values = {
  throughput: ({ throughput }: Measured): number => throughput / 1e6,
  p50: ({ lags }: Measured): number => quantile(lags, 0.5),
  p99: ({ lags }: Measured): number => quantile(lags, 0.99),
}
type Value = keyof typeof values

/** Within a round, since what else the machine does changes from one to the next. */
function ratio(measured: Readonly<Record<Kind, readonly Measured[]>>, kind: Kind, value: Value): number {
  const ratios = measured[kind].flatMap((run, round) => {
    const healthy = measured.healthy[round]
    return healthy ? [values[value](run) / values[value](healthy)] : []
  })
  return median(ratios)
}

async function measure(directory: string, kind: Kind): Promise<Measured> {
  const logs = join(directory, 'logs')
  await mkdir(logs)
  await writeBigFile(join(logs, 'backlog.log'), backlogBytes)
  const stores = [new SegmentArrivals(), new SegmentArrivals()]
  const sinks = await Promise.all(stores.map((store) => startSink({ onArrival: (arrival) => store.note(arrival) })))
  const third = await startSink({ isHanging: kind === 'hanging', onArrival: () => {} })
  // Its port is nobody's for the moment that this takes.
  if (kind === 'stopped') await third.stop()
  const startMs = performance.now()
  const endpoints = [...sinks, third].map(({ endpoint }) => endpoint)
  const agent = await startAgent(directory, endpoints, { isQuiet: true })
  try {
    await until('the backlog', () => stores.every(({ bytes }) => bytes >= backlogBytes))
    const seconds = (performance.now() - startMs) / 1000
    const lags = await measureAppends(logs, stores, { files, appendsPerFile, pauseMs: 50 })
    return { throughput: backlogBytes / seconds, lags }
  } finally {
    // Nothing of what the third one lacks is waited for.
    await agent.stop('SIGKILL')
    await Promise.all([...sinks, third].map((sink) => sink.stop()))
  }
}
