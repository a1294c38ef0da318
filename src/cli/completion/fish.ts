import type { CompletedCommand, CompletedOption } from './option-table.ts'

export function fishCompletion(commands: readonly CompletedCommand[]): string {
  const names = commands.map(({ name }) => name)
  const lines = commands.flatMap(({ name, summary, options }) => [
    `complete -c logcask -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`,
    ...options.map((option) => `complete -c logcask -n '__fish_seen_subcommand_from ${name}' ${wordsFor(option)}`),
  ])
  return `# logcask completion fish
${lines.join('\n')}
complete -c logcask -n '__fish_seen_subcommand_from help' -f -a '${names.filter((name) => name !== 'help').join(' ')}'
complete -c logcask -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'
`
}

function wordsFor({ name, short, about, takes }: CompletedOption): string {
  const argument = takes === 'nothing' ? '-f' : takes === 'value' ? '-x' : '-r -F'
  return [
    `-l ${name}`,
    ...(short === undefined ? [] : [`-s ${short}`]),
    argument,
    ...(about === '' ? [] : [`-d ${quoted(about)}`]),
  ].join(' ')
}

/** Fish knows \' and \\ inside single quotes. */
function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`
}
