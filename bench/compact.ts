import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { systemClock } from '../src/base/clock.ts'
import { forEachConcurrently } from '../src/base/concurrency.ts'
import type { Bucket } from '../src/bucket/bucket.ts'
import { createS3Bucket } from '../src/bucket/s3.ts'
import { notification } from '../test/compactor/events/notification.ts'
import { storedStream } from '../test/support/stored-stream.ts'
import { until } from './agent-process.ts'
import { usageOf } from './measured-run.ts'
import { inDirectory, logcask, storeEnv } from './prepare.ts'
import { type BenchQueue, startQueue } from './queue.ts'
import { median, quantile, say } from './report.ts'
import { type Arrival, startSink } from './start-sink.ts'

const rounds = Number(process.env.LOGCASK_BENCH_ROUNDS ?? 3)
/** What a store far away, or a busy one, takes for an answer; nobody computes meanwhile. */
const waitMs = 1200
const streamCount = 200
const hostCount = 20
const appendCount = 200

interface Compactor {
  pid: number | undefined
  stop(): Promise<void>
}

/** Returns once it has listed everything, and waits for messages. */
async function startCompactor(endpoint: string, args: readonly string[], queue: BenchQueue): Promise<Compactor> {
  const [program = '', ...rest] = logcask('compact', '--from', 's3://bench/in', ...args, '--events', queue.url)
  const child: ChildProcess = spawn(program, rest, {
    env: { ...process.env, ...storeEnv(endpoint) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  await until('everything is listed', () => {
    if (child.exitCode !== null) throw new Error(stderr)
    return /^listed /m.test(stderr)
  })
  return {
    pid: child.pid,
    async stop() {
      const ended = once(child, 'close')
      child.kill()
      await ended
    },
  }
}

function openSource(endpoint: string): Bucket {
  for (const [name, value] of Object.entries(storeEnv(endpoint))) process.env[name] = value
  return createS3Bucket({ bucket: 'bench', prefix: 'in/', connectionsMax: 64 }, systemClock)
}

const keyOf = ({ path }: Arrival): string | undefined => /^\/bench\/in\/((?:segments|seals)\/.*)$/.exec(path)?.[1]
const messageOf = (key: string, size: number): string => notification(`in/${key}`, size, { bucket: 'bench' })

/** Compactors that share a queue: 1, 2 and 4 processes archive the same streams, in turns. */
export async function scaling(): Promise<void> {
  const counts = [1, 2, 4]
  const rates = new Map<number, number[]>(counts.map((count) => [count, []]))
  for (let round = 0; round < rounds; round++) for (const count of counts) rates.get(count)?.push(await rateOf(count))
  const one = median(rates.get(1) ?? [])
  say(
    `\ncompact: ${streamCount} streams of ${hostCount} hosts into an archive; a store that answers after ${waitMs} ms`,
  )
  for (const [count, of] of rates) {
    const rate = median(of)
    say(
      `  ${String(count).padStart(2)} ${count === 1 ? 'process  ' : 'processes'} ${rate.toFixed(1).padStart(8)} streams/s   ${(rate / one).toFixed(2)} × one`,
    )
  }
}

function rateOf(processes: number): Promise<number> {
  return inDirectory(async (directory) => {
    const messages: string[] = []
    let archived = 0
    const onArrival = (arrival: Arrival): void => {
      const key = keyOf(arrival)
      if (key !== undefined) messages.push(messageOf(key, arrival.size))
      if (arrival.path.includes('/host=')) archived++
    }
    const sink = await startSink({ onArrival, waitMs })
    const queue = await startQueue()
    const source = openSource(sink.endpoint)
    // With something to archive at the start each of them tries the store before the clock runs.
    await storedStream(source, 'web-0', '0-0', '/log/first').seal()
    const args = ['--archive', 's3://bench/out', '--spool', directory]
    const compactors = await Promise.all(
      Array.from({ length: processes }, () => startCompactor(sink.endpoint, args, queue)),
    )
    messages.length = 0
    archived = 0
    const numbers = Array.from({ length: streamCount }, (_, at) => at)
    await forEachConcurrently(numbers, 64, async (at) => {
      const one = storedStream(source, `web-${at % hostCount}`, `0-${(at + 1).toString(36)}`, `/log/${at}`)
      await one.append(Buffer.alloc(10_000, `${at}`))
      await one.append(Buffer.alloc(10_000, `${at + 1}`))
      await one.seal()
    })
    await until('all is stored', () => messages.length === 3 * streamCount)
    const startMs = performance.now()
    for (const message of messages.sort()) queue.send(message)
    await until('all is archived', () => archived >= streamCount, 300_000)
    const seconds = (performance.now() - startMs) / 1000
    await Promise.all([...compactors.map((one) => one.stop()), source.close()])
    await queue.stop()
    await sink.stop()
    if (archived !== streamCount) throw new Error(`${archived} objects of ${streamCount} streams`)
    return streamCount / seconds
  })
}

/** From the end of the PUT of a segment until the published file has its bytes. */
export function freshness(): Promise<void> {
  return inDirectory(async (directory) => {
    const queue = await startQueue()
    const storedAt = new Map<string, bigint>()
    const sink = await startSink({
      onArrival(arrival) {
        const key = keyOf(arrival)
        if (key === undefined) return
        storedAt.set(key, arrival.atNs)
        queue.send(messageOf(key, arrival.size))
      },
    })
    const to = join(directory, 'out')
    const compactor = await startCompactor(sink.endpoint, ['--to', to], queue)
    const source = openSource(sink.endpoint)
    const streams = Array.from({ length: 20 }, (_, at) => storedStream(source, 'web-1', `0-${at + 1}`, `/log/${at}`))
    const ms: number[] = []
    for (let append = 0; append < appendCount; append++) {
      const one = streams[append % streams.length]
      if (one === undefined) continue
      const before = storedAt.size
      await one.append(`line ${append}\n`)
      const path = join(to, 'web-1', 'log', `${append % streams.length}~${one.stream}`)
      while ((await sizeOf(path)) < one.content.length) await sleep(1)
      const seenNs = process.hrtime.bigint()
      await until('its arrival is known', () => storedAt.size > before)
      ms.push(Number(seenNs - ([...storedAt.values()].at(-1) ?? 0n)) / 1e6)
      await sleep(Math.random() * 50)
    }
    const usage = await usageOf(compactor.pid)
    say(`\ncompact: ${ms.length} segments, one after the other, stored → in the directory, by events`)
    say(
      `  p50 ${quantile(ms, 0.5).toFixed(1)} ms   p99 ${quantile(ms, 0.99).toFixed(1)} ms   max ${Math.max(...ms).toFixed(1)} ms   RSS ${((usage?.residentBytes ?? Number.NaN) / 1e6).toFixed(0)} MB`,
    )
    await sayBurst(source, to, compactor.pid)
    const asked = await requestsIn(20_000, async () =>
      Object.values(await sink.counts()).reduce((sum, count) => sum + count, 0),
    )
    const polls = await requestsIn(60_000, async () => queue.requests)
    say(
      `  at rest: ${asked * 180} requests of the bucket and ${polls * 60} of the queue an hour, besides the listings below`,
    )
    await compactor.stop()
    await source.close()
    await queue.stop()
    await sink.stop()
  })
}

/** Many segments of many hosts at once: what one process publishes in a second, and the processor that it takes. */
async function sayBurst(source: Bucket, to: string, pid: number | undefined): Promise<void> {
  const streams = Array.from({ length: 200 }, (_, at) => {
    const one = storedStream(source, `db-${at % hostCount}`, `0-${at + 1}`, '/log/burst')
    return { one, path: join(to, one.host, 'log', `burst~${one.stream}`) }
  })
  const sizes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
  const before = await usageOf(pid)
  const startMs = performance.now()
  await forEachConcurrently(streams, 16, async ({ one }) => {
    for (const at of sizes) await one.append(Buffer.alloc(4000, `${at}`))
  })
  const isDone = async ({ one, path }: (typeof streams)[number]): Promise<boolean> =>
    (await sizeOf(path)) === one.content.length
  for (const stream of streams) await until('the burst is published', () => isDone(stream))
  const seconds = (performance.now() - startMs) / 1000
  const count = streams.length * sizes.length
  const cpuSeconds = ((await usageOf(pid))?.cpuSeconds ?? Number.NaN) - (before?.cpuSeconds ?? Number.NaN)
  say(
    `  ${count} segments of 4 kB in ${streams.length} streams: ${(count / seconds).toFixed(0)} a second, ${((cpuSeconds * 1000) / count).toFixed(1)} ms of CPU each`,
  )
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => ({ size: 0 }))).size
}

async function requestsIn(ms: number, count: () => Promise<number>): Promise<number> {
  const before = await count()
  await sleep(ms)
  return (await count()) - before
}

interface Rest {
  requests: number
  seconds: number
  cpuSeconds: number
  rss: number
  peakBytes: number
  residentBefore: number
}

/** What a listing of all that is there takes, and leaves in memory, of a million streams that are complete. */
export async function atRest(): Promise<void> {
  say('\ncompact: a history in which nothing happens, listed once a day; made-up listings')
  for (const [hosts, streams] of [
    [100, 100],
    [1000, 1000],
  ] as const) {
    // As src/main.ts sets it.
    const args = [
      '--optimize-for-size',
      '--expose-gc',
      join(import.meta.dirname, 'at-rest.ts'),
      String(hosts),
      String(streams),
    ]
    const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 20 })
    const { requests, cpuSeconds, rss, peakBytes, residentBefore } = JSON.parse(stdout) as Rest
    const mb = (bytes: number): string => (bytes / 1e6).toFixed(0)
    say(
      `  ${hosts} hosts × ${streams} streams: ${requests} requests a day, ${Math.ceil(requests / 24)} an hour; RSS ${mb(residentBefore)} MB before, ${mb(rss)} after (peak ${mb(peakBytes)}); ${cpuSeconds.toFixed(0)} s of CPU`,
    )
  }
}
