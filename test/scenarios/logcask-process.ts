import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { onTestFinished } from 'vitest'
import { faultS3Env } from '../support/fault-s3.ts'
import { mainFile } from './main-file.ts'

export interface Ended {
  /** Null where a signal ended it. */
  code: number | null
  signal: NodeJS.Signals | null
  stdout: Buffer
  stderr: string
}

export interface Running {
  readonly process: ChildProcess
  readonly ended: Promise<Ended>
  /** What it has written so far. */
  stderr(): string
}

export interface RunOptions {
  /** What the command line is run by, as `nice`: a program and arguments that end in calling what follows them. */
  by?: readonly string[]
  cwd?: string
  env?: Readonly<Record<string, string>>
  uid?: number
  gid?: number
}

/** `logcask ARGS` as a process of its own, which does not outlive the test. It is let in by fault servers. */
export function startLogcask(args: readonly string[], options?: RunOptions): Running {
  const running = spawnLogcask(args, options)
  onTestFinished(() => endNow(running))
  return running
}

/** The same for hooks and for tests that run side by side: the caller ends it. */
export function spawnLogcask(args: readonly string[], { by = [], cwd, env, uid, gid }: RunOptions = {}): Running {
  const [program = '', ...rest] = [...by, process.execPath, mainFile, ...args]
  const child = spawn(program, rest, {
    ...(cwd === undefined ? {} : { cwd }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    env: { PATH: process.env.PATH, ...faultS3Env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  const text = (): string => Buffer.concat(stderr).toString()
  const ended = once(child, 'close').then(
    ([code, signal]): Ended => ({ code, signal, stdout: Buffer.concat(stdout), stderr: text() }),
  )
  return { process: child, ended, stderr: text }
}

/** SIGKILL, unless it has ended already. */
export async function endNow({ process: child }: Running): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** What takes this long will be a test's timeout, which tells nothing: what is known by then is said. */
const longMs = 50_000

export function logcask(args: readonly string[], options?: RunOptions): Promise<Ended> {
  const running = startLogcask(args, options)
  const timer = setTimeout(() => {
    const { pid } = running.process
    const files = existsSync(`/proc/${pid}/fd`) ? readdirSync(`/proc/${pid}/fd`).length : '?'
    process.stderr.write(`still runs: logcask ${args.join(' ')} (${files} descriptors)\n${running.stderr()}\n`)
  }, longMs)
  return running.ended.finally(() => clearTimeout(timer))
}

/** Asks every `everyMs` until `condition` answers true; after `withinMs` it throws `what`, with what `context` says by then. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  {
    withinMs = 30_000,
    everyMs = 10,
    context = () => '',
  }: { withinMs?: number; everyMs?: number; context?: () => string } = {},
): Promise<void> {
  const endAtMs = performance.now() + withinMs
  while (!(await condition())) {
    if (performance.now() > endAtMs) throw new Error(`not reached: ${what}\n${context()}`)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
