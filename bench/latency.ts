import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { startAgent } from './agent-process.ts'
import { measureAppends, SegmentArrivals } from './appends.ts'
import { inDirectory } from './prepare.ts'
import { quantile, say } from './report.ts'
import { startSink } from './start-sink.ts'

const files = 20
/** Within the request budget of a stream, which is 20 at once. */
const appendsPerFile = 15

/** From the end of a write to the end of the PUT that carries it, agent and store on loopback. */
export function latency(): Promise<void> {
  return inDirectory(async (directory) => {
    const arrivals = new SegmentArrivals()
    const sink = await startSink({ onArrival: (arrival) => arrivals.note(arrival) })
    const logs = join(directory, 'logs')
    await mkdir(logs)
    const agent = await startAgent(directory, sink.endpoint)
    try {
      const ms = await measureAppends(logs, [arrivals], { files, appendsPerFile, pauseMs: 60 })
      say(`\nlatency: ${ms.length} appends to ${files} files, append → stored`)
      say(
        `  p50 ${quantile(ms, 0.5).toFixed(1)} ms   p99 ${quantile(ms, 0.99).toFixed(1)} ms   max ${Math.max(...ms).toFixed(1)} ms`,
      )
    } finally {
      await agent.stop()
      await sink.stop()
    }
  })
}
