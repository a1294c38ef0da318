import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'vitest'

/** Where test/real/servers/programs.sh has unpacked Debian's packages. */
const unpacked = process.env.LOGCASK_TEST_PROGRAMS

/** A program of this machine, installed or unpacked. */
export class Program {
  readonly name: string
  readonly path: string | undefined
  /** Of the tree that it was unpacked to: its modules and messages are there. */
  readonly root: string

  constructor(name: string) {
    const rooms = ['usr/sbin', 'usr/bin', 'sbin', 'bin']
    const roots = unpacked === undefined ? ['/'] : ['/', unpacked]
    const root = roots.find((one) => rooms.some((room) => existsSync(join(one, room, name))))
    this.name = name
    this.root = root ?? '/'
    this.path = root && rooms.map((room) => join(root, room, name)).find((path) => existsSync(path))
  }

  /** For the name of a test: why it is not run, or nothing. */
  get missing(): string {
    const hint = unpacked === undefined ? '; .ci/run programs fetches it' : ''
    return this.path === undefined ? ` (not run: no ${this.name} here${hint})` : ''
  }

  get #env(): NodeJS.ProcessEnv {
    if (this.root === '/') return process.env
    const libraries = ['usr/lib', 'lib'].flatMap((room) =>
      existsSync(join(this.root, room))
        ? [join(this.root, room), ...readdirSync(join(this.root, room)).map((name) => join(this.root, room, name))]
        : [],
    )
    return { ...process.env, LD_LIBRARY_PATH: libraries.join(':') }
  }

  /** Runs it to its end; rejects by throwing where that is not 0. */
  run(args: readonly string[], input = ''): Buffer {
    return execFileSync(this.path ?? this.name, args, {
      input,
      env: this.#env,
      stdio: ['pipe', 'pipe', 'pipe'],
      maxBuffer: 2 ** 28,
    })
  }

  /** Starts it; it does not outlive the test. */
  start({ onTestFinished }: TestContext, args: readonly string[]): ChildProcess {
    const child = spawn(this.path ?? this.name, args, { env: this.#env, stdio: ['pipe', 'pipe', 'pipe'] })
    child.stdout.resume()
    child.stderr.resume()
    child.stdin.on('error', () => {})
    onTestFinished(() => endProcess(child, 'SIGKILL'))
    return child
  }
}

export async function endProcess(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, 'exit')
}
