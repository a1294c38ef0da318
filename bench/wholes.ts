import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { measureRun, type Run, usageOf } from './measured-run.ts'
import { inDirectory, logcask, storeEnv } from './prepare.ts'
import { type Contestant, median, say, sayTable } from './report.ts'
import { type Arrival, startSink } from './start-sink.ts'

const rounds = Number(process.env.LOGCASK_BENCH_ROUNDS ?? 3)
const template = '{prefix}/{year}/{month}/{day}/{filename}'

interface Hour {
  what: string
  count: number
  fileBytes: number
  rounds: number
}

const count = Number(process.env.LOGCASK_BENCH_FILES ?? 10_000)

/** A busy host's are 2 GB: a round takes minutes, so there is one of it unless more are asked for. */
const hours: readonly Hour[] = [
  { what: 'many small', count, fileBytes: 20_000, rounds },
  { what: 'a busy host', count, fileBytes: 200_000, rounds: Number(process.env.LOGCASK_BENCH_ROUNDS ?? 1) },
]

/**
 * An hour's worth of logjam files, compressed and uploaded: at the pace of one core that only compresses the same files,
 * or better; and killed in between, each object once.
 */
export async function wholes(): Promise<void> {
  for (const hour of hours)
    await inDirectory(async (directory) => {
      const logs = join(directory, 'logs')
      const bytes = await writeHour(logs, hour)
      for (const compress of ['gzip', 'zstd'] as const) await compare(directory, logs, { ...hour, bytes }, compress)
      await killed(directory, logs, hour)
    })
}

/** Names as in logjam's manual, lines as haproxy writes them: about a sixth of them is left by gzip. */
async function writeHour(logs: string, { count, fileBytes }: Hour): Promise<number> {
  await mkdir(logs)
  const past = new Date(Date.UTC(2013, 6, 4, 1))
  const next = randomBelow()
  const lines = Array.from({ length: 50_000 }, () => haproxyLine(next))
  let bytes = 0
  for (let at = 0; at < count; at++) {
    const text: string[] = []
    let size = 0
    while (size < fileBytes) {
      const line = lines[next(lines.length)] ?? ''
      size += line.length
      text.push(line)
    }
    const path = join(logs, `haproxy-20130704T0000Z-us-west-2-i-${at.toString(16).padStart(8, '0')}.log`)
    await writeFile(path, text.join(''))
    await utimes(path, past, past)
    bytes += size
  }
  return bytes
}

/** The same numbers each time. The upper bits: the lower ones of such a generator go in short circles. */
function randomBelow(): (below: number) => number {
  let seed = 1
  return (below) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
    return Math.floor((seed / 2 ** 32) * below)
  }
}

function haproxyLine(next: (below: number) => number): string {
  return `Jul  4 00:${next(60)}:${next(60)} lb haproxy[${next(9999)}]: 10.${next(255)}.${next(255)}.${next(255)}:${next(60_000)} [04/Jul/2013:00:00:${next(60)}.${next(1000)}] http-in api/node${next(8)} ${next(100)}/0/${next(9)}/${next(400)}/${next(900)} 200 ${next(40_000)} - - ---- ${next(300)}/${next(300)}/${next(80)}/${next(40)}/0 0/0 "GET /v1/items/${next(1_000_000)}?page=${next(90)} HTTP/1.1"\n`
}

/** One core, one process, one file after the other, nothing uploaded; zstd would read and write beside in threads. */
const alone = { gzip: 'gzip -c', zstd: 'zstd -q -c --single-thread' } as const

function shipped(logs: string, compress: string, state: string): string[] {
  return logcask('ship', logs, '--as', template, '--compress', compress, '--to', 's3://bench/', '--state', state)
}

async function compare(
  directory: string,
  logs: string,
  { what, count, fileBytes, rounds, bytes }: Hour & { bytes: number },
  compress: 'gzip' | 'zstd',
): Promise<void> {
  const one: Contestant = { name: `${compress} alone`, runs: [] }
  const ours: Contestant = { name: 'logcask ship', runs: [] }
  for (let round = 0; round < rounds; round++) {
    await run(one, ['sh', '-c', `cd "${logs}" && exec ${alone[compress]} *.log > /dev/null`])
    const sink = await startSink()
    await run(ours, shipped(logs, compress, join(directory, `state-${compress}-${round}`)), storeEnv(sink.endpoint))
    if (round === 0) say(`  logcask ship: ${JSON.stringify(await sink.counts())}`)
    await sink.stop()
  }
  const title = `wholes, ${what}: ${count} logjam files of ${fileBytes} bytes, by ${compress}`
  sayTable(`${title}; alone: one process, one file after the other, nothing uploaded`, { bytes }, [one, ours])
  const cpuSeconds = median(ours.runs.flatMap(({ usage }) => usage?.cpuSeconds ?? []))
  say(`  logcask ship: ${((cpuSeconds * 1000) / count).toFixed(2)} ms of CPU per file`)
}

async function run(contestant: Contestant, command: string[], env: Record<string, string> = {}): Promise<void> {
  const done = await measureRun(command, env)
  if (done.code !== 0) contestant.notRun = `ended with ${done.code}: ${done.stderr.trim().split('\n').at(-1)}`
  else contestant.runs.push(done)
}

/** Killed five times on its way: what is there in the end, and what was stored more than once. */
async function killed(directory: string, logs: string, { what, count }: Hour): Promise<void> {
  const arrivals: Arrival[] = []
  const sink = await startSink({ onArrival: (arrival) => arrivals.push(arrival) })
  const command = shipped(logs, 'gzip', join(directory, 'state-killed'))
  const peaks: number[] = []
  const whole = (): Arrival[] => arrivals.filter(({ path }) => path.startsWith('/bench/haproxy/'))
  for (let kill = 1; kill <= 5; kill++)
    peaks.push(await killAfter(command, sink.endpoint, () => whole().length >= (kill * count) / 6))
  const last: Run = await measureRun(command, storeEnv(sink.endpoint))
  peaks.push(last.usage?.peakBytes ?? 0)
  await sleep(200)
  await sink.stop()
  const stored = whole()
  const names = new Set(stored.map(({ path }) => path))
  const expected = new Set((await readdir(logs)).map((name) => `/bench/haproxy/2013/07/04/${name}.gz`))
  const odd = [...names].filter((name) => !expected.has(name))
  say(
    `\nwholes, ${what}, killed five times: exit ${last.code}; ${names.size} of ${count} objects, ${stored.length - names.size} stored twice, ${odd.length} under other names; RSS at most ${(Math.max(...peaks) / 1_000_000).toFixed(0)} MB (median ${(median(peaks) / 1_000_000).toFixed(0)})`,
  )
  await rm(join(directory, 'state-killed'), { recursive: true, force: true })
}

async function killAfter(command: string[], endpoint: string, isTime: () => boolean): Promise<number> {
  const [program = '', ...args] = command
  const child = spawn(program, args, { env: { ...process.env, ...storeEnv(endpoint) }, stdio: 'ignore' })
  const ended = once(child, 'close')
  let peak = 0
  while (child.exitCode === null && !isTime()) {
    peak = (await usageOf(child.pid))?.peakBytes ?? peak
    await sleep(20)
  }
  child.kill('SIGKILL')
  await ended
  return peak
}
