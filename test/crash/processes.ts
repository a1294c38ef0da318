import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Ended, Running } from '../scenarios/logcask-process.ts'
import { builtCommand } from '../support/built-command.ts'
import { faultS3Env } from '../support/fault-s3.ts'

/** A net, far beyond what any of these takes on a busy machine. */
const runMsMax = 90_000

export interface StartOptions {
  env?: Readonly<Record<string, string>>
  /** What the command is started by, which gives its place to it or passes signals on: `prlimit --nofile=100`. */
  by?: readonly string[]
  cwd?: string
}

/** The built command line in processes that do not outlive their owner. Needs no test runner. */
export class Processes {
  readonly #main: string
  readonly #alive = new Set<ChildProcess>()

  readonly #env: Readonly<Record<string, string>>

  private constructor(main: string, env: Readonly<Record<string, string>>) {
    this.#main = main
    this.#env = env
  }

  /** `env` is what all of them get: by default what fault servers let in. */
  static async create(env: Readonly<Record<string, string>> = faultS3Env): Promise<Processes> {
    return new Processes(await builtCommand(), env)
  }

  /** `logcask ARGS` */
  start(args: readonly string[], { env = {}, by = [], cwd }: StartOptions = {}): Running {
    const [program = '', ...rest] = [...by, process.execPath, this.#main, ...args]
    const child = spawn(program, rest, {
      ...(cwd === undefined ? {} : { cwd }),
      env: { PATH: process.env.PATH, ...this.#env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#alive.add(child)
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    const text = (): string => Buffer.concat(stderr).toString()
    const ended = once(child, 'close').then(([code, signal]): Ended => {
      this.#alive.delete(child)
      return { code, signal, stdout: Buffer.concat(stdout), stderr: text() }
    })
    return { process: child, ended, stderr: text }
  }

  /** Until it ends. One that does not is a failure of its own: it gets a SIGKILL, and this rejects. */
  async run(args: readonly string[], options?: StartOptions): Promise<Ended> {
    const { process: child, ended, stderr } = this.start(args, options)
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      child.kill('SIGKILL')
    }, runMsMax)
    const end = await ended
    clearTimeout(timer)
    if (isLate) throw new Error(`logcask ${args[0]} had not ended after ${runMsMax / 1000} s:\n${stderr()}`)
    return end
  }

  /** Kills what still runs. */
  async close(): Promise<void> {
    const left = [...this.#alive]
    for (const child of left) child.kill('SIGKILL')
    await Promise.all(left.map((child) => once(child, 'close')))
  }
}
