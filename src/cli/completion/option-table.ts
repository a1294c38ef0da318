import type { ParseArgsOptionsConfig } from 'node:util'
import { type Command, frameOptions } from '../command.ts'
import type { Commands } from '../commands.ts'

/** A command as completion knows it: all of it comes from what the command itself is parsed and explained by. */
export interface CompletedCommand {
  name: string
  summary: string
  options: readonly CompletedOption[]
}

export interface CompletedOption {
  name: string
  short: string | undefined
  /** Out of the help text; empty where it has no line for it. */
  about: string
  takes: 'nothing' | 'file' | 'directory' | 'value'
}

export async function completedCommands(commands: Commands): Promise<CompletedCommand[]> {
  const names = Object.keys(commands)
  const all = await Promise.all(
    Object.entries(commands).map(async ([name, { summary, load }]) => {
      const { command } = await load()
      return { name, summary, options: optionsOf(command) }
    }),
  )
  return [...all, { name: 'help', summary: `of a command: ${names.slice(0, 3).join(', ')} …`, options: [] }]
}

function optionsOf(command: Command): CompletedOption[] {
  const table: ParseArgsOptionsConfig = { ...command.options, ...frameOptions }
  return Object.entries(table).map(([name, { type, short }]) => {
    const { argument, about } = helpOf(command.help, name)
    return { name, short, about, takes: type === 'boolean' ? 'nothing' : takesOf(argument) }
  })
}

/** `  -f, --follow    goes on …` and `  --ca FILE   trust …` of a help text. */
function helpOf(help: string, name: string): { argument: string; about: string } {
  const line = new RegExp(`(?:^|\\s)--${name}(?: ([A-Z][A-Z|]*|[a-z]-[a-z]))?(?:\\s{2,}|: )(\\S.*)?$`, 'm').exec(help)
  const argument = line?.[1] ?? new RegExp(`--${name} ([A-Z][A-Z|]*)`).exec(help)?.[1] ?? ''
  // What stands behind two more spaces is another option's; the first clause is enough beside an option.
  const about = (line?.[2] ?? '').split(/\s{2,}| \(|[.:;] |[.:;,]$/)[0] ?? ''
  return { argument, about: about.startsWith('-') ? '' : about }
}

function takesOf(argument: string): CompletedOption['takes'] {
  if (/FILE|PATH/.test(argument)) return 'file'
  return /DIR/.test(argument) ? 'directory' : 'value'
}
