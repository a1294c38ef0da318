import { type Command, expectArguments, usageError } from './command.ts'
import { bashCompletion } from './completion/bash.ts'
import { fishCompletion } from './completion/fish.ts'
import { completedCommands } from './completion/option-table.ts'
import { zshCompletion } from './completion/zsh.ts'
import { exits } from './exit.ts'

const shells = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const

export const command: Command = {
  name: 'completion',
  options: {},
  help: `
logcask completion bash|zsh|fish

Prints what lets your shell complete commands and options with the Tab key. It is made of the commands' own option
tables: print it again after an upgrade.

Examples
  logcask completion bash > /etc/bash_completion.d/logcask
  logcask completion zsh > /usr/local/share/zsh/site-functions/_logcask
  logcask completion fish > ~/.config/fish/completions/logcask.fish
  source <(logcask completion bash)
`,
  async run({ positionals, terminal }) {
    expectArguments(positionals, 'logcask completion bash|zsh|fish', 1, 1)
    const [shell = ''] = positionals
    if (!Object.hasOwn(shells, shell)) throw usageError(`${shell}: is none of bash, zsh, fish`, 'name one of them')
    // Loaded here: the list of commands names this one, too.
    const { commands } = await import('./commands.ts')
    await terminal.write(shells[shell as keyof typeof shells](await completedCommands(commands)))
    return exits.done
  },
}
