import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { systemClock } from '../base/clock.ts'
import { LogcaskError } from '../base/errors.ts'
import { textForPeople } from '../base/path-bytes.ts'
import { type Command, didYouMean, frameOptions, isSet, type OptionValues, usageError } from './command.ts'
import { type Commands, commands } from './commands.ts'
import { exitOf, exits, explain } from './exit.ts'
import { commandHelp, overview, version } from './help.ts'
import { createTerminal, isReaderGone, type Output, type Terminal } from './terminal/terminal.ts'

/** What the frame needs of `process`. */
export interface Outside {
  env: NodeJS.ProcessEnv
  stdout: Output
  stderr: Output
  on(event: 'SIGINT' | 'SIGTERM' | 'SIGHUP', listener: () => void): unknown
  on(event: 'uncaughtException', listener: (error: unknown) => void): unknown
  off(event: 'SIGHUP', listener: () => void): unknown
  exit(code: number): never
}

/** Runs one command line and resolves with its exit status. Never rejects: errors are printed here, and only here. */
export async function runCommandLine(
  argv: readonly string[],
  outside: Outside,
  known: Commands = commands,
): Promise<number> {
  const { env } = outside
  const stop = new AbortController()
  const isJson = argv.includes('--json')
  const terminal = createTerminal(outside.stdout, outside.stderr, {
    quiet: argv.includes('--quiet') || argv.includes('-q'),
    noColor: argv.includes('--no-color'),
    env,
    onClosed: (reason) => stop.abort(reason),
  })
  const fail = (error: unknown): number => {
    report(terminal, error, { isJson, isDebug: (env.LOGCASK_DEBUG ?? '') !== '' })
    return exitOf(error)
  }
  const signals = stopOnSignals(outside, stop)
  outside.on('uncaughtException', (error) => outside.exit(fail(error)))
  try {
    const code = await runCommand(argv, known, terminal, stop.signal, outside)
    await terminal.flush()
    return code
  } catch (error) {
    const cause = isAnswerTo(stop.signal, error) ? stop.signal.reason : error
    const code = isReaderGone(cause) ? exits.SIGPIPE : signals.exitFor(cause)
    const printed = code ?? fail(error)
    await terminal.flush().catch(() => {})
    return printed
  }
}

async function runCommand(
  argv: readonly string[],
  known: Commands,
  terminal: Terminal,
  signal: AbortSignal,
  outside: Outside,
): Promise<number> {
  const [first = '', ...rest] = argv
  if (first === '--version' || first === '-V') {
    await terminal.line(version)
    return exits.done
  }
  const isHelp = first === 'help' || first === '--help' || first === '-h'
  const name = isHelp ? rest.find((word) => !word.startsWith('-')) : first
  if (name === undefined || name === '') {
    await terminal.line(overview(known, terminal.paint))
    return isHelp ? exits.done : exits.usage
  }
  const entry = Object.hasOwn(known, name) ? known[name] : undefined
  if (entry === undefined) throw unknownCommand(name, Object.keys(known))
  const { command } = await entry.load()
  const parsed = isHelp ? undefined : parseOptions(command, rest)
  if (parsed === undefined || isSet(parsed.values, 'help')) {
    await terminal.line(commandHelp(command, entry.summary, terminal.paint))
    return exits.done
  }
  const onHangUp = (listener: () => void): (() => void) => {
    outside.on('SIGHUP', listener)
    return () => void outside.off('SIGHUP', listener)
  }
  return command.run({ ...parsed, terminal, signal, onHangUp, clock: systemClock, env: outside.env })
}

function unknownCommand(name: string, known: readonly string[]): LogcaskError {
  if (name.startsWith('-'))
    return usageError(`the command comes first, not ${name}`, 'logcask COMMAND …, see logcask --help')
  return usageError(`unknown command ${name}${didYouMean(name, known)}`, 'logcask --help lists the commands')
}

/** As util.parseArgs in its strict mode, with messages that say what to type. */
export function parseOptions(
  command: Pick<Command, 'name' | 'options'>,
  args: readonly string[],
): { values: OptionValues; positionals: string[] } {
  const options: ParseArgsOptionsConfig = { ...command.options, ...frameOptions }
  const parsed = parseArgs({ args: [...args], options, strict: false, tokens: true, allowPositionals: true })
  const look = `logcask help ${command.name}`
  for (const token of parsed.tokens) {
    if (token.kind !== 'option') continue
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined
    if (option === undefined) {
      const meant = didYouMean(
        token.rawName,
        Object.keys(options).map((name) => `--${name}`),
      )
      throw usageError(`unknown option ${token.rawName}${meant}`, look)
    }
    if (option.type === 'boolean' && token.value !== undefined)
      throw usageError(`${token.rawName} takes no value`, look)
    if (option.type === 'string' && token.value === undefined) throw usageError(`${token.rawName} needs a value`, look)
    if (
      option.type === 'string' &&
      token.inlineValue === false &&
      token.value?.startsWith('-') &&
      token.value !== '-'
    ) {
      throw usageError(
        `${token.rawName} needs a value, and ${token.value} looks like an option`,
        `${token.rawName}=${token.value} if it is meant`,
      )
    }
  }
  return { values: parsed.values as OptionValues, positionals: parsed.positionals }
}

/** The first signal asks the command to stop; a second SIGINT does not wait for it. */
function stopOnSignals(outside: Outside, stop: AbortController): { exitFor(reason: unknown): number | undefined } {
  const codes = new Map<unknown, number>()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    outside.on(name, () => {
      if (name === 'SIGINT' && stop.signal.aborted) outside.exit(exits.SIGINT)
      const reason = new LogcaskError('unavailable', `stopped by ${name}`)
      codes.set(reason, exits[name])
      stop.abort(reason)
    })
  }
  return { exitFor: (reason) => codes.get(reason) }
}

/** Whether an error is what the abort led to: its reason, one that it caused, or a library's own AbortError. */
function isAnswerTo(signal: AbortSignal, error: unknown): boolean {
  if (!signal.aborted) return false
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at === signal.reason || at.name === 'AbortError') return true
  }
  return false
}

/**
 * `logcask: <message>` and `fix: <hint>` on stderr; with --json one JSON line there instead, so that stdout stays data.
 * A stack only with LOGCASK_DEBUG=1.
 */
function report(terminal: Terminal, error: unknown, how: { isJson: boolean; isDebug: boolean }): void {
  const { code, message, hint } = explain(error)
  if (how.isJson) {
    terminal.warn(JSON.stringify({ error: { code, message, hint }, exit: exitOf(error) }))
  } else {
    const { red, bold } = terminal.paintMessage
    const [head = '', ...more] = message.split('\n').map(textForPeople)
    terminal.warn([`${red('logcask:')} ${head}`, ...more.map((line) => `  ${line}`)].join('\n'))
    if (hint !== undefined) terminal.warn(`${bold('fix:')} ${textForPeople(hint)}`)
  }
  if (how.isDebug) for (let at = error; at instanceof Error; at = at.cause) terminal.warn(at.stack ?? at.message)
}
