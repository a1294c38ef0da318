import type { ParseArgsOptionsConfig } from 'node:util'
import type { Clock } from '../base/clock.ts'
import { closest } from '../base/closest.ts'
import { LogcaskError } from '../base/errors.ts'
import { parseDuration, parseRate } from '../base/quantity.ts'
import type { Terminal } from './terminal/terminal.ts'

/** One file per command exports one of these as `command`: the place where settings become components. */
export interface Command {
  name: string
  /** Usage lines, options and examples, as `logcask help <name>` prints them below the summary (commands.ts). */
  help: string
  /** Its own options; `--quiet`, `--no-color` and `--help` are added to every command's. */
  options: ParseArgsOptionsConfig
  /** Resolves with the exit status (exit.ts). What it rejects with is printed and mapped to one by the frame. */
  run(input: CommandInput): Promise<number>
}

export interface CommandInput {
  values: OptionValues
  positionals: readonly string[]
  terminal: Terminal
  /** Aborted by the first SIGINT or SIGTERM, and when nobody reads stdout any more; reject with its `reason` to end quietly. */
  signal: AbortSignal
  /** Hears SIGHUP, which then no longer ends the process; the answer lets it again. */
  onHangUp(listener: () => void): () => void
  clock: Clock
  env: NodeJS.ProcessEnv
}

export type OptionValues = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>

/** Added to the options of every command. */
export const frameOptions = {
  help: { type: 'boolean', short: 'h' },
  quiet: { type: 'boolean', short: 'q' },
  'no-color': { type: 'boolean' },
} satisfies ParseArgsOptionsConfig

/** For commands whose data a machine may read. */
export const jsonOption = { json: { type: 'boolean' } } satisfies ParseArgsOptionsConfig

export function isSet(values: OptionValues, name: string): boolean {
  return values[name] === true
}

export function textOf(values: OptionValues, name: string): string | undefined {
  const value = values[name]
  return typeof value === 'string' ? value : undefined
}

/** The values of an option that may be repeated, in order. */
export function textsOf(values: OptionValues, name: string): string[] {
  const value = values[name]
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

/** `--timeout 10m` in milliseconds. */
export function durationOf(values: OptionValues, name: string): number | undefined {
  return quantityOf(values, name, parseDuration, '10m, 90s or 1h30m')
}

/** `--rate 20MB/s` in bytes per second. */
export function rateOf(values: OptionValues, name: string): number | undefined {
  return quantityOf(values, name, parseRate, '20MB/s or 512KiB/s')
}

function quantityOf(
  values: OptionValues,
  name: string,
  parse: (text: string) => number | undefined,
  example: string,
): number | undefined {
  const text = textOf(values, name)
  if (text === undefined) return undefined
  const quantity = parse(text)
  if (quantity === undefined || quantity === 0)
    throw usageError(`--${name} ${text}: cannot be read`, `write it as ${example}`)
  return quantity
}

/** Wrong usage: exit 2. `hint` says what to type instead. */
export function usageError(message: string, hint: string): LogcaskError {
  return new LogcaskError('invalid', message, { hint })
}

/** Ends with a usage error unless there are `min` to `max` arguments; `usage` is what to type: `logcask ls URL [HOST]`. */
export function expectArguments(positionals: readonly string[], usage: string, min: number, max: number): void {
  if (positionals.length < min) throw usageError('an argument is missing', usage)
  if (positionals.length > max) throw usageError(`too many arguments, from ${positionals[max]} on`, usage)
}

/** ` (did you mean X?)`, or nothing. */
export function didYouMean(text: string, choices: readonly string[]): string {
  const meant = closest(text, choices)
  return meant === undefined ? '' : ` (did you mean ${meant}?)`
}
