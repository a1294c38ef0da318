import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { builtCommand } from '../support/built-command.ts'

export interface TortureEnded {
  code: number | null
  signal: NodeJS.Signals | null
}

/** A program as a process of its own, its messages in a file. */
export interface TortureProcess {
  readonly pid: number
  readonly ended: Promise<TortureEnded>
  readonly hasEnded: boolean
  kill(signal: NodeJS.Signals): void
}

const running = new Set<ChildProcess>()

/** What is still there: stopped ones, too. */
export function killAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** Nothing outlives this process, whatever way it ends short of SIGKILL. */
export function endWithThisProcess(): void {
  process.on('exit', killAll)
}

export function startProcess(command: readonly string[], logFile: string): TortureProcess {
  const log = openSync(logFile, 'a')
  const [program = '', ...args] = command
  const child = spawn(program, args, { stdio: ['ignore', log, log] })
  closeSync(log)
  running.add(child)
  let hasEnded = false
  const ended = new Promise<TortureEnded>((resolve) => {
    const end = (code: number | null, signal: NodeJS.Signals | null): void => {
      running.delete(child)
      hasEnded = true
      resolve({ code, signal })
    }
    child.once('exit', end)
    child.once('error', () => end(127, null))
  })
  return {
    pid: child.pid ?? 0,
    ended,
    get hasEnded() {
      return hasEnded
    },
    kill(signal) {
      if (!hasEnded) child.kill(signal)
    },
  }
}

/** `logcask ARGS` as a command: the command line as it is published. LOGCASK_MAIN names another. */
export async function prepareLogcask(): Promise<(...args: string[]) => string[]> {
  const main = process.env.LOGCASK_MAIN ?? (await builtCommand())
  return (...args) => [process.execPath, main, ...args]
}

/** The end of a log, for a report. */
export async function lastOf(logFile: string, bytes = 600): Promise<string> {
  const { size } = await stat(logFile)
  const handle = await open(logFile)
  try {
    const length = Math.min(size, bytes)
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length)
    return buffer.toString().trim()
  } finally {
    await handle.close()
  }
}
