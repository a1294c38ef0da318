import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** What a process has used so far. Undefined where the system does not say (no /proc). */
export interface Usage {
  cpuSeconds: number
  /** The largest resident set so far. */
  peakBytes: number
  residentBytes: number
}

/** Linux counts CPU time in hundredths of a second for everybody. */
const ticksPerSecond = 100

export async function usageOf(pid: number | undefined): Promise<Usage | undefined> {
  try {
    const [stat, status] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/status`, 'utf8'),
    ])
    // The name, in parentheses, may hold spaces; utime and stime are the 12th and 13th field after it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const kibOf = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1])
    const peakBytes = kibOf('VmHWM') * 1024
    // A zombie has no memory to tell of.
    if (!Number.isFinite(peakBytes)) return undefined
    return {
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
      peakBytes,
      residentBytes: kibOf('VmRSS') * 1024,
    }
  } catch {
    return undefined
  }
}

export interface Run {
  seconds: number
  usage: Usage | undefined
  code: number
  stderr: string
}

/** Runs a command to its end, and watches what it uses; `cwd` and the environment are this process's, plus `env`. */
export async function measureRun(command: readonly string[], env: Record<string, string> = {}): Promise<Run> {
  const [program = '', ...args] = command
  const startMs = performance.now()
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4096)
  })
  const ended = once(child, 'close')
  const usage = await watch(child)
  const [code] = await ended
  return { seconds: (performance.now() - startMs) / 1000, usage, code: code ?? 1, stderr }
}

async function watch(child: ChildProcess): Promise<Usage | undefined> {
  let last: Usage | undefined
  while (child.exitCode === null && child.signalCode === null) {
    last = (await usageOf(child.pid)) ?? last
    await sleep(20)
  }
  return last
}
