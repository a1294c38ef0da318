import { EventEmitter } from 'node:events'
import { type Outside, runCommandLine } from '../../src/cli/command-line.ts'
import type { Commands } from '../../src/cli/commands.ts'
import type { Output } from '../../src/cli/terminal/terminal.ts'
import { capture } from './captured-terminal.ts'

export interface CommandRun {
  /** The exit status; where the frame left by itself (a second SIGINT), that one. */
  code: Promise<number>
  stdout: () => string
  stderr: () => string
  signal(name: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): void
}

/** A command line in this process, with streams that end in memory and signals that the test sends. */
export function startCommandLine(
  argv: readonly string[],
  options: { env?: NodeJS.ProcessEnv; commands?: Commands; isTTY?: boolean; stdout?: Output } = {},
): CommandRun {
  const { env = {}, commands, isTTY = false } = options
  const out = capture(isTTY, 120)
  const err = capture(isTTY, 120)
  const signals = new EventEmitter()
  const left = Promise.withResolvers<number>()
  const outside: Outside = {
    env,
    stdout: options.stdout ?? out.stream,
    stderr: err.stream,
    on: (event: string, listener: (error: unknown) => void) => signals.on(event, listener),
    off: (event: string, listener: () => void) => signals.off(event, listener),
    exit: (code) => {
      left.resolve(code)
      return undefined as never
    },
  }
  return {
    code: Promise.race([runCommandLine(argv, outside, commands), left.promise]),
    stdout: out.text,
    stderr: err.text,
    signal: (name) => signals.emit(name),
  }
}

export async function commandLine(
  argv: readonly string[],
  options: Parameters<typeof startCommandLine>[1] = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const run = startCommandLine(argv, options)
  const code = await run.code
  return { code, stdout: run.stdout(), stderr: run.stderr() }
}
