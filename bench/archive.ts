import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { measureRun, type Run } from './measured-run.ts'
import { aws } from './peers.ts'
import { inDirectory, logcask, storeEnv } from './prepare.ts'
import { type Contestant, say, sayTable } from './report.ts'
import { startSink } from './start-sink.ts'

const rounds = Number(process.env.LOGCASK_BENCH_ROUNDS ?? 3)
const mib = Math.round(Number(process.env.LOGCASK_BENCH_GIB ?? 0.5) * 1024)

/**
 * The same segments, put together: into a directory, into an archive (as they are, by zstd, by gzip), and only downloaded
 * by aws. Memory is that of one process, whatever the size: one of the files is half of it all.
 */
export function archive(): Promise<void> {
  return inDirectory(async (directory) => {
    const bytes = await writeLogs(join(directory, 'logs'))
    const sink = await startSink({ isKeeping: true })
    const env = storeEnv(sink.endpoint)
    const shipped = await measureRun(
      logcask(
        'ship',
        join(directory, 'logs'),
        '--to',
        's3://bench/in',
        '--host',
        'bench',
        '--state',
        join(directory, 's'),
      ),
      env,
    )
    if (shipped.code !== 0) throw new Error(shipped.stderr)
    const from = ['compact', '--from', 's3://bench/in', '--once']
    const command = aws()
    const commands: Record<string, (round: number) => string[]> = {
      'aws s3 cp': (round) => [
        ...[command ?? '', 's3', 'cp', '--recursive', '--quiet', '--endpoint-url', sink.endpoint],
        ...['s3://bench/in/segments/', join(directory, `out-${round}`)],
      ],
      'compact --to': (round) => logcask(...from, '--to', join(directory, `out-${round}`)),
    }
    for (const by of ['none', 'zstd', 'gzip'])
      commands[`archive, ${by}`] = (round) =>
        logcask(...from, '--archive', `s3://bench/${by}-${round}`, '--compress', by, '--spool', directory)
    const contestants: Contestant[] = Object.keys(commands).map((name) => ({ name, runs: [] }))
    if (command === undefined && contestants[0] !== undefined) contestants[0].notRun = 'not on the PATH'
    for (let round = 0; round < rounds; round++)
      for (const contestant of contestants) {
        const make = commands[contestant.name]
        if (make === undefined || contestant.notRun !== undefined) continue
        const run: Run = await measureRun(make(round), env)
        if (run.code !== 0) contestant.notRun = `ended with ${run.code}: ${run.stderr.trim().split('\n').at(-1)}`
        else contestant.runs.push(run)
        await rm(join(directory, `out-${round}`), { recursive: true, force: true })
      }
    say(`  requests in all: ${JSON.stringify(await sink.counts())}`)
    await sink.stop()
    sayTable(
      `archive: ${mib} MiB of logs, one half in one file, from and to a sink on loopback`,
      { bytes },
      contestants,
    )
  })
}

/** Lines as a web server writes them: half of all in one file, the other in a hundred. */
async function writeLogs(logs: string): Promise<number> {
  await mkdir(logs)
  let seed = 1
  const next = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
    return seed % below
  }
  const lines = (): string => {
    let text = ''
    while (text.length < 1024 * 1024)
      text += `10.${next(255)}.${next(255)}.${next(255)} - - [21/Nov/2026:18:${next(60)}:${next(60)} +0000] "GET /v1/items/${next(1_000_000)}?page=${next(90)} HTTP/1.1" 200 ${next(40_000)} "-" "curl/8.${next(20)}"\n`
    return text
  }
  let written = 0
  for (let at = 0; at <= 100; at++) {
    const blocks = at === 0 ? Math.ceil(mib / 2) : Math.ceil(mib / 200)
    const file = await open(join(logs, `${at}.log`), 'wx')
    for (let block = 0; block < blocks; block++) written += (await file.write(lines())).bytesWritten
    await file.close()
  }
  return written
}
