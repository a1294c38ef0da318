import { appendFile, mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { identityOf, parseKey } from '../src/format/keys.ts'
import { startAgent, until } from './agent-process.ts'
import { inDirectory } from './prepare.ts'
import { quantile, say } from './report.ts'
import { type Arrival, startSink } from './start-sink.ts'

const filesCount = 20
/** Within the request budget of a stream, which is 20 at once. */
const appendsPerFile = 15

/** From the end of a write to the end of the PUT that carries it, agent and store on loopback. */
export function latency(): Promise<void> {
  return inDirectory(async (directory) => {
    const arrivals: Arrival[] = []
    const sink = await startSink({ onArrival: (arrival) => arrivals.push(arrival) })
    await mkdir(join(directory, 'logs'))
    const files = await Promise.all(
      Array.from({ length: filesCount }, async (_, at) => {
        const path = join(directory, 'logs', `${at}.log`)
        await writeFile(path, 'first line\n')
        const { birthtimeNs, ino } = await stat(path, { bigint: true })
        return { path, stream: identityOf(birthtimeNs, ino), size: 11 }
      }),
    )
    /** When the stream's bytes up to `end` were there. */
    const arrivedAt = (stream: string, end: number): bigint | undefined =>
      arrivals.find(({ path, size }) => {
        const key = parseKey(path.replace('/bench/ours/', ''))
        return key?.kind === 'segment' && key.stream === stream && key.offset + size >= end
      })?.atNs
    const agent = await startAgent(directory, sink.endpoint)
    try {
      await until('the first lines', () => files.every(({ stream }) => arrivedAt(stream, 1) !== undefined))
      const appends: { stream: string; end: number; atNs: bigint }[] = []
      for (let round = 0; round < appendsPerFile; round++) {
        for (const file of files) {
          const line = `line ${round} of ${file.path}\n`
          await appendFile(file.path, line)
          file.size += Buffer.byteLength(line)
          appends.push({ stream: file.stream, end: file.size, atNs: process.hrtime.bigint() })
          // Not in step with anything that the agent does.
          await sleep(Math.random() * 60)
        }
      }
      await until('the last line', () => appends.every(({ stream, end }) => arrivedAt(stream, end) !== undefined))
      const ms = appends.map(({ stream, end, atNs }) => Number((arrivedAt(stream, end) ?? 0n) - atNs) / 1e6)
      say(`\nlatency: ${appends.length} appends to ${filesCount} files, append → stored`)
      say(
        `  p50 ${quantile(ms, 0.5).toFixed(1)} ms   p99 ${quantile(ms, 0.99).toFixed(1)} ms   max ${Math.max(...ms).toFixed(1)} ms`,
      )
    } finally {
      await agent.stop()
      await sink.stop()
    }
  })
}
