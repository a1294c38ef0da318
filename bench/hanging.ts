import { join } from 'node:path'
import { measureRun } from './measured-run.ts'
import { inDirectory, logcask, storeEnv, writeBigFile } from './prepare.ts'
import { say } from './report.ts'
import { startSink } from './start-sink.ts'

const timeoutSeconds = 30
const gib = Number(process.env.LOGCASK_BENCH_GIB ?? 1)

/** Three destinations, of which one takes the probe and then hangs: the others must not notice, nor the memory. */
export function hanging(): Promise<void> {
  return inDirectory(async (directory) => {
    const path = join(directory, 'big.log')
    const bytes = gib * 1024 ** 3
    await writeBigFile(path, bytes)
    const startMs = performance.now()
    const received = [0, 0]
    const doneMs: (number | undefined)[] = [undefined, undefined]
    const good = await Promise.all(
      received.map((_, at) =>
        startSink({
          onArrival: ({ path: key, size }) => {
            if (!key.includes('/segments/')) return
            received[at] = (received[at] ?? 0) + size
            if (received[at] >= bytes) doneMs[at] ??= performance.now() - startMs
          },
        }),
      ),
    )
    const bad = await startSink({ isHanging: true })
    const sinks = [...good, bad]
    const to = sinks.flatMap(({ endpoint }, at) => ['--to', `s3://bench/${at}?endpoint=${endpoint}`])
    const state = join(directory, 'state')
    const run = await measureRun(
      logcask('ship', path, ...to, '--host', 'bench', '--state', state, '--timeout', `${timeoutSeconds}s`),
      storeEnv(bad.endpoint),
    )
    await Promise.all(sinks.map((sink) => sink.stop()))
    say(`\nhanging: ${gib} GiB to three destinations of which one hangs, given up after ${timeoutSeconds} s`)
    say(
      `  the two good ones complete after ${doneMs.map((ms) => (ms === undefined ? 'never' : `${(ms / 1000).toFixed(1)} s`)).join(' and ')}`,
    )
    say(
      `  exit status ${run.code} (75 is right)   RSS peak ${((run.usage?.peakBytes ?? Number.NaN) / 1e6).toFixed(0)} MB   CPU ${run.usage?.cpuSeconds.toFixed(1)} s`,
    )
    say(
      run.stderr
        .trim()
        .split('\n')
        .map((line) => `  | ${line}`)
        .join('\n'),
    )
  })
}
