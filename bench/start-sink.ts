import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface Sink {
  endpoint: string
  /** Requests by method so far. */
  counts(): Promise<Record<string, number>>
  stop(): Promise<void>
}

/** An object that the sink has stored whole; `atNs` is on the machine's monotonic clock, as `process.hrtime` is. */
export interface Arrival {
  atNs: bigint
  size: number
  /** `/<bucket>/<key>` */
  path: string
}

export async function startSink(
  options: { isHanging?: boolean; isKeeping?: boolean; waitMs?: number; onArrival?: (arrival: Arrival) => void } = {},
): Promise<Sink> {
  const flags = [
    ...(options.isHanging ? ['--hang'] : []),
    ...(options.isKeeping ? ['--keep'] : []),
    ...(options.waitMs === undefined ? [] : [`--wait=${options.waitMs}`]),
    ...(options.onArrival ? ['--log'] : []),
  ]
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, 'sink.ts'), ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (child.stdout === null) throw new Error('a sink without output')
  const lines = createInterface(child.stdout)
  const [first] = await once(lines, 'line')
  lines.on('line', (line: string) => {
    const [at = '0', size, ...path] = line.split(' ')
    options.onArrival?.({ atNs: BigInt(at), size: Number(size), path: path.join(' ') })
  })
  const endpoint = `http://127.0.0.1:${String(first).split(' ')[1]}`
  return {
    endpoint,
    counts: async () => (await (await fetch(`${endpoint}/-/counts`)).json()) as Record<string, number>,
    async stop() {
      child.kill()
      if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
    },
  }
}
