import packageJson from '../../package.json' with { type: 'json' }
import type { Command } from './command.ts'
import type { Commands } from './commands.ts'
import { tableLines } from './terminal/table.ts'
import type { Paint } from './terminal/terminal.ts'

export const version: string = packageJson.version

/** `logcask --help`. */
export function overview(commands: Commands, paint: Paint): string {
  const list = tableLines(Object.entries(commands).map(([name, { summary }]) => [`  ${paint.bold(name)}`, summary]))
  return `logcask ${version}: ships append-only files to object storage, every byte once, none ever rewritten

${paint.bold('Commands')}
${list.join('\n')}

${paint.bold('Everywhere')}
  -h, --help     of a command, with examples: logcask help ship
  -q, --quiet    only what is wrong (stderr), and the data (stdout)
  --no-color     as NO_COLOR=1
  --json         where a machine may read; an error is then one JSON line on stderr
  --version

${paint.bold('Start')}
  logcask demo                                          see it survive kill -9, in 30 seconds
  logcask ship /var/log/nginx --to file:///mnt/backup   once, every byte, and again: nothing
  logcask ls file:///mnt/backup                         what is there

Exit status: 0 done · 1 failed · 2 usage or configuration · 3 delivered, with gaps or forks · 75 not all delivered in time`
}

/** `logcask help <command>`. */
export function commandHelp(command: Command, summary: string, paint: Paint): string {
  return `${paint.bold(`logcask ${command.name}`)}: ${summary}

${command.help.trim()}

Everywhere: --quiet, --no-color, --help`
}
