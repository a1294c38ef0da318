/** The command lines of ours in a script, as words: what a shell would take off is off, what it would put in is not in. */
export function ourCommands(script: string): string[][] {
  const text = script.replaceAll('\\\n', ' ')
  const found: string[][] = []
  for (const { index, 0: word } of text.matchAll(/(?<![\w/.=-])logcask (?=(?:[a-z]+|--version)(?:[\s)]|$))/gm)) {
    const before = text.slice(text.lastIndexOf('\n', index) + 1, index)
    if (!/(?:^|\s)#/.test(before) && !/--?\w+ $/.test(before)) found.push(wordsOf(text.slice(index + word.length)))
  }
  return found
}

/** Words up to the end of a simple command. */
export function wordsOf(text: string): string[] {
  const words: string[] = []
  const one = /\s*(?:'[^']*'|"(?:\$\([^)]*\)|[^"\\]|\\.)*"|\$\([^)]*\)|<[a-z]+>|\\.|[^\s'"|&;()<>\\])+/y
  for (let rest = one.exec(text); rest !== null; rest = one.exec(text)) {
    const word = rest[0]
    if (/\n\s*\S/.test(word) || word.trimStart().startsWith('#')) break
    words.push(word.trim().replaceAll(/'([^']*)'|"((?:[^"\\]|\\.)*)"/g, (_, single, double) => single ?? double))
  }
  return words
}

/** Simple commands of a script, a line each: without comments, continuations put together. */
export function linesOf(script: string): string[] {
  return script
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.replace(/(?:^|\s+)#.*$/, ''))
    .filter((line) => line.trim() !== '')
}

/** What goes on until it is stopped. */
export function isEndless(line: string): boolean {
  const [command = '', ...options] = ourCommands(line)[0] ?? []
  if (options.some((one) => ['--once', '--dry-run', '--check', '--new-token'].includes(one))) return false
  return ['agent', 'compact', 'serve', 'sync'].includes(command) || options.includes('--follow')
}
