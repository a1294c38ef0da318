import { appendFile, mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { identityOf, parseKey } from '../src/format/keys.ts'
import { startAgent, until } from './agent-process.ts'
import { inDirectory, writeBigFile } from './prepare.ts'
import { median, quantile, say } from './report.ts'
import { type Arrival, type Sink, startSink } from './start-sink.ts'

const rounds = Number(process.env.LOGCASK_BENCH_ROUNDS ?? 5)
const backlogBytes = Number(process.env.LOGCASK_BENCH_GIB ?? 0.25) * 1024 ** 3
const filesCount = 10
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
  const appends = filesCount * appendsPerFile
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
  const stores = [new Store(), new Store()]
  const third = await startSink({ isHanging: kind === 'hanging', onArrival: () => {} })
  // Its port is nobody's for the moment that this takes.
  if (kind === 'stopped') await third.stop()
  const endpoints = [...(await Promise.all(stores.map((store) => store.start()))), third.endpoint]
  const startMs = performance.now()
  const agent = await startAgent(directory, endpoints, { isQuiet: true })
  try {
    await until('the backlog', () => stores.every(({ bytes }) => bytes >= backlogBytes))
    const seconds = (performance.now() - startMs) / 1000
    return { throughput: backlogBytes / seconds, lags: await measureLags(logs, stores) }
  } finally {
    // Nothing of what the third one lacks is waited for.
    await agent.stop('SIGKILL')
    await Promise.all(stores.map((store) => store.stop()))
    await third.stop()
  }
}

/** Appends to some files at any moment, and when each was in each store. */
async function measureLags(logs: string, stores: readonly Store[]): Promise<number[]> {
  const files = await Promise.all(
    Array.from({ length: filesCount }, async (_, at) => {
      const path = join(logs, `${at}.log`)
      await writeFile(path, 'first line\n')
      const { birthtimeNs, ino } = await stat(path, { bigint: true })
      return { path, stream: identityOf(birthtimeNs, ino), size: 11 }
    }),
  )
  await until('the first lines', () => stores.every((store) => files.every(({ stream }) => store.arrivedAt(stream, 1))))
  const appends: { stream: string; end: number; atNs: bigint }[] = []
  for (let round = 0; round < appendsPerFile; round++) {
    for (const file of files) {
      const line = `line ${round} of ${file.path}\n`
      await appendFile(file.path, line)
      file.size += Buffer.byteLength(line)
      appends.push({ stream: file.stream, end: file.size, atNs: process.hrtime.bigint() })
      // Not in step with anything that the agent does.
      await sleep(Math.random() * 50)
    }
  }
  const isThere = (store: Store): boolean => appends.every(({ stream, end }) => store.arrivedAt(stream, end))
  await until('the last line', () => stores.every(isThere))
  return stores.flatMap((store) =>
    appends.map(({ stream, end, atNs }) => Number((store.arrivedAt(stream, end) ?? 0n) - atNs) / 1e6),
  )
}

/** A sink, and what of segments has arrived there. */
class Store {
  bytes = 0
  readonly #ends = new Map<string, { end: number; atNs: bigint }[]>()
  #sink: Sink | undefined

  async start(): Promise<string> {
    this.#sink = await startSink({ onArrival: (arrival) => this.#note(arrival) })
    return this.#sink.endpoint
  }

  /** When the stream's bytes up to `end` were there. */
  arrivedAt(stream: string, end: number): bigint | undefined {
    return this.#ends.get(stream)?.find((arrival) => arrival.end >= end)?.atNs
  }

  async stop(): Promise<void> {
    await this.#sink?.stop()
  }

  #note({ path, size, atNs }: Arrival): void {
    const key = parseKey(path.replace('/bench/ours/', ''))
    if (key?.kind !== 'segment') return
    this.bytes += size
    this.#ends.set(key.stream, [...(this.#ends.get(key.stream) ?? []), { end: key.offset + size, atNs }])
  }
}
