import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { type ErrorCode, LogcaskError } from '../../src/base/errors.ts'
import type { Command, CommandInput } from '../../src/cli/command.ts'
import { durationOf, expectArguments, isSet, rateOf, textOf, textsOf } from '../../src/cli/command.ts'
import type { Commands } from '../../src/cli/commands.ts'
import { commandLine, startCommandLine } from './run-command-line.ts'

const options = {
  to: { type: 'string', multiple: true },
  host: { type: 'string' },
  config: { type: 'string', short: 'c' },
  json: { type: 'boolean' },
  timeout: { type: 'string' },
  rate: { type: 'string' },
} satisfies Command['options']

describe('a command line', () => {
  it('reaches its command with options and arguments', async () => {
    const seen: CommandInput[] = []
    const { code } = await run(
      ['work', 'a', '--to', 'x', '-c', 'file', '--to=y', '--json', '--timeout', '1m', '--rate=2MB/s', '--', '--b'],
      async (input) => {
        seen.push(input)
        return 3
      },
    )
    expect(code).toBe(3)
    const { values, positionals } = seen[0]!
    expect(positionals).toEqual(['a', '--b'])
    expect(textsOf(values, 'to')).toEqual(['x', 'y'])
    expect(textOf(values, 'config')).toBe('file')
    expect(textOf(values, 'host')).toBeUndefined()
    expect(isSet(values, 'json')).toBe(true)
    expect(durationOf(values, 'timeout')).toBe(60_000)
    expect(rateOf(values, 'rate')).toBe(2_000_000)
  })

  it.each([
    [['wrok'], 'unknown command wrok (did you mean work?)', 'logcask --help lists the commands'],
    [['toString'], 'unknown command toString', 'logcask --help lists the commands'],
    [['--json', 'work'], 'the command comes first, not --json', 'logcask COMMAND …, see logcask --help'],
    [['work', '--hots', 'a'], 'unknown option --hots (did you mean --host?)', 'logcask help work'],
    [['work', '--zzzzzz'], 'unknown option --zzzzzz', 'logcask help work'],
    [['work', '-z'], 'unknown option -z', 'logcask help work'],
    [['work', '--toString'], 'unknown option --toString', 'logcask help work'],
    [['work', '--host'], '--host needs a value', 'logcask help work'],
    [['work', '--host', '--to'], '--host needs a value, and --to looks like an option', '--host=--to if it is meant'],
    [['work', '--json=1'], '--json takes no value', 'logcask help work'],
    [['work', '--timeout', 'soon'], '--timeout soon: cannot be read', 'write it as 10m, 90s or 1h30m'],
    [['work', '--rate', '20'], '--rate 20: cannot be read', 'write it as 20MB/s or 512KiB/s'],
    [['work', 'a', 'b', 'c', 'd', 'e'], 'too many arguments, from c on', 'logcask work A B'],
    [['work'], 'an argument is missing', 'logcask work A B'],
  ])('%j is refused with exit 2 and what to type', async (argv, message, hint) => {
    const result = await run(argv, async ({ values, positionals }) => {
      durationOf(values, 'timeout')
      rateOf(values, 'rate')
      expectArguments(positionals, 'logcask work A B', 1, 2)
      return 0
    })
    const expected =
      argv[0] === '--json' ? jsonError('invalid', message, hint, 2) : `logcask: ${message}\nfix: ${hint}\n`
    expect(result).toEqual({ code: 2, stdout: '', stderr: expected })
  })

  it('takes an option-like value with =, and - as a value', async () => {
    const values: (string | undefined)[] = []
    await run(['work', '--host=--x', '--config', '-'], async (input) => {
      values.push(textOf(input.values, 'host'), textOf(input.values, 'config'))
      return 0
    })
    expect(values).toEqual(['--x', '-'])
  })
})

describe('an error', () => {
  it.each<[ErrorCode, number]>([
    ['invalid', 2],
    ['unavailable', 75],
    ['refused', 1],
    ['conflict', 1],
    ['corrupt', 1],
    ['internal', 1],
  ])('%s ends with exit %d, its message and its remedy', async (code, exit) => {
    const result = await run(['work'], () => Promise.reject(new LogcaskError(code, 'it broke', { hint: 'mend it' })))
    expect(result).toEqual({ code: exit, stdout: '', stderr: 'logcask: it broke\nfix: mend it\n' })
  })

  it('with --json is one JSON line on stderr, so that stdout stays data', async () => {
    const result = await run(['work', '--json'], () => Promise.reject(new LogcaskError('unavailable', 'later')))
    expect(result).toEqual({ code: 75, stdout: '', stderr: jsonError('unavailable', 'later', undefined, 75) })
  })

  it('of the system says what to do, one of ours that it is a bug', async () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    expect((await run(['work'], () => Promise.reject(full))).stderr).toBe(
      'logcask: ENOSPC: no space left on device, write\nfix: free space on that disk, then run the same again\n',
    )
    const bug = await run(['work'], () => Promise.reject(new TypeError('x is not a function')))
    expect(bug.stderr).toMatch(/^logcask: x is not a function\nfix: this is a bug: .*LOGCASK_DEBUG=1.*\n$/)
    expect(bug.code).toBe(1)
  })

  it('has a stack with LOGCASK_DEBUG=1 only, with all its causes', async () => {
    const error = new LogcaskError('refused', 'outer', { cause: new Error('inner') })
    const fail = () => Promise.reject(error)
    expect((await run(['work'], fail)).stderr).not.toContain('at ')
    expect((await run(['work'], fail, { LOGCASK_DEBUG: '1' })).stderr).toMatch(
      /outer[\s\S]*\n +at [\s\S]*inner[\s\S]*\n +at /,
    )
  })

  it('I9: carries no escapes of a hostile name to the terminal', async () => {
    const hostile = new LogcaskError('corrupt', 'segments/\u001b[2J\u202e: broken', { hint: 'look at \u0007 it' })
    const { stderr } = await run(['work'], () => Promise.reject(hostile))
    expect(stderr).toBe('logcask: segments/\\x1b[2J\\u202e: broken\nfix: look at \\x07 it\n')
  })

  it('of several lines is indented below the first', async () => {
    const { stderr } = await run(['work'], () => Promise.reject(new LogcaskError('invalid', 'two\na\nb')))
    expect(stderr).toBe('logcask: two\n  a\n  b\n')
  })
})

describe('a signal', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s aborts the command, which ends quietly with %d', async (name, exit) => {
    const started = startCommandLine(['work'], { commands: commandsWith(untilAborted) })
    await afterStart()
    started.signal(name)
    expect(await started.code).toBe(exit)
    expect(started.stderr()).toBe('')
  })

  it('that a library answers with its own AbortError ends the same way', async () => {
    const started = startCommandLine(['work'], {
      commands: commandsWith(({ signal }) =>
        untilAborted({ signal }).catch((cause) => {
          throw new LogcaskError('unavailable', 'asked in vain', {
            cause: new DOMException(String(cause), 'AbortError'),
          })
        }),
      ),
    })
    await afterStart()
    started.signal('SIGTERM')
    expect(await started.code).toBe(143)
  })

  it('leaves the exit status to a command that stops in its own way', async () => {
    const started = startCommandLine(['work'], {
      commands: commandsWith(({ signal }) => untilAborted({ signal }).catch(() => 75)),
    })
    await afterStart()
    started.signal('SIGTERM')
    expect(await started.code).toBe(75)
  })

  it('does not hide what went wrong while stopping', async () => {
    const started = startCommandLine(['work'], {
      commands: commandsWith(({ signal }) =>
        untilAborted({ signal }).catch(() =>
          Promise.reject(new LogcaskError('refused', 'the state cannot be written')),
        ),
      ),
    })
    await afterStart()
    started.signal('SIGTERM')
    expect(await started.code).toBe(1)
    expect(started.stderr()).toContain('the state cannot be written')
  })

  it('SIGINT for the second time does not wait', async () => {
    const started = startCommandLine(['work'], { commands: commandsWith(() => new Promise(() => {})) })
    await afterStart()
    started.signal('SIGTERM')
    started.signal('SIGINT')
    expect(await started.code).toBe(130)
  })
})

describe('stdout', () => {
  it('that nobody reads any more ends the command quietly, as SIGPIPE would', async () => {
    const result = await run(['work'], writeForEver, {}, failing('EPIPE'))
    expect(result).toMatchObject({ code: 141, stderr: '' })
  })

  it('that nobody reads any more is not delivered: a command that goes on in spite of it does not end with 0', async () => {
    const ignoring = ({ terminal }: CommandInput) => writeForEver({ terminal }).catch(() => 0)
    expect((await run(['work'], ignoring, {}, failing('EPIPE'))).code).toBe(141)
  })

  it('I6: on a full disk ends with exit 1, also when the last write only fails after the command is done', async () => {
    const once = async ({ terminal }: CommandInput) => {
      await terminal.line('last words')
      return 0
    }
    const result = await run(['work'], once, {}, failing('ENOSPC'))
    expect(result.code).toBe(1)
    expect(result.stderr).toContain('stdout: ENOSPC')
  })
})

function jsonError(code: string, message: string, hint: string | undefined, exit: number): string {
  return `${JSON.stringify({ error: { code, message, hint }, exit })}\n`
}

function commandsWith(work: (input: CommandInput) => Promise<number>): Commands {
  const command: Command = { name: 'work', help: 'logcask work A B', options, run: work }
  return { work: { summary: 'works', load: async () => ({ command }) } }
}

async function run(
  argv: string[],
  work: (input: CommandInput) => Promise<number>,
  env: NodeJS.ProcessEnv = {},
  stdout?: Writable,
) {
  return commandLine(argv, { env, commands: commandsWith(work), ...(stdout ? { stdout } : {}) })
}

function untilAborted({ signal }: { signal: AbortSignal }): Promise<number> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
}

async function writeForEver({ terminal }: Pick<CommandInput, 'terminal'>): Promise<number> {
  for (;;) await terminal.line('y')
}

/** Until the command runs: its loading takes a few turns. */
function afterStart(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function failing(code: string): Writable {
  return new Writable({
    highWaterMark: 1,
    write: (_chunk, _encoding, done) => void setImmediate(() => done(Object.assign(new Error(code), { code }))),
  })
}
