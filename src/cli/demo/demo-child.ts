import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import type { Clock } from '../../base/clock.ts'
import { LogcaskError } from '../../base/errors.ts'
import { ownCommand } from './own-command.ts'

export interface DemoChild {
  /** Rejects where the process ended by itself. */
  requireRunning(): void
  /** SIGKILL, and no word to it before; resolves when it is gone. */
  kill(): Promise<void>
  /** SIGTERM, and SIGKILL where that does not help within `withinMs`. */
  stop(withinMs: number): Promise<void>
}

/** Processes that must not outlive this one, whatever way it ends. */
export class DemoChildren {
  readonly #running = new Set<ChildProcess>()
  readonly #clock: Clock
  readonly #onExit = (): void => {
    for (const child of this.#running) child.kill('SIGKILL')
  }

  /** The terminal was closed. */
  readonly #onHangUp = (): void => {
    this.#onExit()
    process.off('SIGHUP', this.#onHangUp)
    process.kill(process.pid, 'SIGHUP')
  }

  constructor(clock: Clock) {
    this.#clock = clock
    process.on('exit', this.#onExit)
    process.on('SIGHUP', this.#onHangUp)
  }

  /** Starts `logcask ARGS`, its messages in the file `logPath`. */
  async start(name: string, args: readonly string[], logPath: string): Promise<DemoChild> {
    const log = await open(logPath, 'a')
    const [program, ...first] = ownCommand()
    const child = spawn(program, [...first, ...args], {
      stdio: ['ignore', log.fd, log.fd],
    })
    const exited = once(child, 'exit').catch(() => {})
    this.#running.add(child)
    await log.close()
    let isExpected = false
    let failure: string | undefined
    child.once('error', (error) => {
      failure = error.message
    })
    child.once('exit', (code, signal) => {
      this.#running.delete(child)
      if (!isExpected) failure = `ended by itself (${signal ?? `status ${code}`})`
    })
    const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
      isExpected = true
      if (this.#running.has(child)) child.kill(signal)
      await exited
    }
    return {
      requireRunning() {
        if (failure !== undefined)
          throw new LogcaskError('internal', `${name}: ${failure}`, { hint: `look: tail ${logPath}` })
      },
      kill: () => end('SIGKILL'),
      stop: async (withinMs) => {
        const cancel = this.#clock.timer(withinMs, () => child.kill('SIGKILL'))
        await end('SIGTERM').finally(cancel)
      },
    }
  }

  /** Ends all that still run. */
  async close(): Promise<void> {
    const left = [...this.#running]
    this.#onExit()
    await Promise.all(left.map((child) => once(child, 'exit').catch(() => {})))
    process.off('exit', this.#onExit)
    process.off('SIGHUP', this.#onHangUp)
  }
}
