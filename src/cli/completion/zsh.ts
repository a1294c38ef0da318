import type { CompletedCommand, CompletedOption } from './option-table.ts'
import { quoted } from './shell-words.ts'

/** As a file `_logcask` in a directory of $fpath, or sourced after compinit. */
export function zshCompletion(commands: readonly CompletedCommand[]): string {
  const cases = commands
    .filter(({ options }) => options.length > 0)
    .map(({ name, options }) => {
      const specs = options.flatMap(specsOf).map((spec) => `        ${quoted(spec)} \\`)
      const rest = name === 'completion' ? "'*:shell:(bash zsh fish)'" : "'*:file:_files'"
      return `      ${name})\n        _arguments -s \\\n${specs.join('\n')}\n        ${rest}\n        ;;`
    })
  return `#compdef logcask
# logcask completion zsh
_logcask() {
  local -a commands
  commands=(
${commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`).join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe 'command' commands
    return
  fi
  local command=\${words[2]}
  if [[ $command == help ]]; then
    _describe 'command' commands
    return
  fi
  shift words
  ((CURRENT--))
  case $command in
${cases.join('\n')}
  esac
}
compdef _logcask logcask
`
}

function specsOf({ name, short, about, takes }: CompletedOption): string[] {
  const text = about.replace(/[[\]:\\]/g, ' ')
  const argument =
    takes === 'nothing'
      ? ''
      : takes === 'file'
        ? ':file:_files'
        : takes === 'directory'
          ? ':directory:_files -/'
          : ':value: '
  const words = [...(short === undefined ? [] : [`-${short}`]), `--${name}`]
  return words.map((word) => `*${word}[${text}]${argument}`)
}
