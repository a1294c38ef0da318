import type { CompletedCommand, CompletedOption } from './option-table.ts'
import { wordsOf } from './shell-words.ts'

/** For bash ≥ 4, with or without the bash-completion package. */
export function bashCompletion(commands: readonly CompletedCommand[]): string {
  const names = commands.map(({ name }) => name)
  const cases = commands
    .filter(({ options }) => options.length > 0)
    .map(({ name, options }) => {
      const taking = (kind: CompletedOption['takes']) => options.filter(({ takes }) => takes === kind).flatMap(wordsOf)
      return [
        `    ${name})`,
        `      options='${options.flatMap(wordsOf).join(' ')}'`,
        `      files='${taking('file').join(' ')}'`,
        `      directories='${taking('directory').join(' ')}'`,
        `      values='${taking('value').join(' ')}'`,
        '      ;;',
      ].join('\n')
    })
  return `# logcask completion bash
_logcask() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]}
  local options='' files='' directories='' values=''
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W '${names.join(' ')} --help --version' -- "$word")
    return
  fi
  case $command in
    help)
      mapfile -t COMPREPLY < <(compgen -W '${names.filter((name) => name !== 'help').join(' ')}' -- "$word")
      return
      ;;
    completion)
      mapfile -t COMPREPLY < <(compgen -W 'bash zsh fish' -- "$word")
      [[ $word == -* ]] || return
      ;;
  esac
  case $command in
${cases.join('\n')}
  esac
  if [[ " $directories " == *" $before "* ]]; then
    mapfile -t COMPREPLY < <(compgen -d -- "$word")
  elif [[ " $files " == *" $before "* ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  elif [[ " $values " == *" $before "* ]]; then
    :
  elif [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  fi
}
complete -o filenames -F _logcask logcask
`
}
