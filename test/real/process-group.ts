import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * A program and everything it starts, as one process group that is ended by its id: nothing else on the machine is
 * touched, and nothing of ours is left behind, also when this process is told to stop.
 */
export class ProcessGroup {
  readonly ended: Promise<number>
  readonly #child: ChildProcess
  #hasEnded = false

  /** `onOutput` sees both outputs; with `logFile` they go there instead. Rejects never: `ended` gives the exit status, 127 where there is no such program. */
  constructor(
    command: readonly string[],
    options: { env?: Record<string, string>; logFile?: string; onOutput?: (text: string) => void } = {},
  ) {
    const [program = '', ...args] = command
    const log = options.logFile === undefined ? undefined : openSync(options.logFile, 'a')
    this.#child = spawn(program, args, {
      detached: true,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', log ?? 'pipe', log ?? 'pipe'],
    })
    if (log !== undefined) closeSync(log)
    for (const output of [this.#child.stdout, this.#child.stderr]) {
      output?.setEncoding('utf8').on('data', (text: string) => options.onOutput?.(text))
    }
    this.ended = new Promise((resolve) => {
      this.#child.once('error', () => resolve(127))
      this.#child.once('close', (code) => resolve(code ?? 1))
    })
    running.add(this)
    this.ended.then(() => {
      this.#hasEnded = true
      running.delete(this)
    })
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** TERM, and KILL for what is left after 10 s. */
  async stop(): Promise<void> {
    this.#kill('SIGTERM')
    for (let waitedMs = 0; waitedMs < 10_000 && this.#kill(0); waitedMs += 50) await sleep(50)
    this.#kill('SIGKILL')
    if (!this.#hasEnded) await once(this.#child, 'close')
  }

  killNow(): void {
    this.#kill('SIGKILL')
  }

  /** False where nothing of the group is left. */
  #kill(signal: NodeJS.Signals | 0): boolean {
    if (this.#child.pid === undefined) return false
    try {
      return process.kill(-this.#child.pid, signal)
    } catch {
      return false
    }
  }
}

const running = new Set<ProcessGroup>()

/** Ends every group with this process, however it ends short of SIGKILL. */
export function endGroupsAtExit(): void {
  process.once('exit', () => {
    for (const group of running) group.killNow()
  })
  process.once('SIGINT', () => process.exit(130))
  process.once('SIGTERM', () => process.exit(143))
}
