/** A row of docs/promises.md. */
export interface PromiseRow {
  number: string
  promise: string
  /** Letters of who promised it. */
  by: string[]
  how: string
  shownBy: string
}

/** What a row names as its proof: a part of the title of a test in a file. */
export interface ShownTest {
  path: string
  title: string
}

export function rowsOf(markdown: string): PromiseRow[] {
  const rows: PromiseRow[] = []
  for (const line of markdown.split('\n')) {
    const [, number = '', promise = '', by = '', how = '', shownBy = ''] = line.split('|').map((cell) => cell.trim())
    if (/^\d+$/.test(number)) rows.push({ number, promise, by: by.split(/\s+/), how, shownBy })
  }
  return rows
}

export function testsOf({ shownBy }: Pick<PromiseRow, 'shownBy'>): ShownTest[] {
  return [...shownBy.matchAll(/`(test\/[^`]+)` "([^"]+)"/g)].map(([, path = '', title = '']) => ({ path, title }))
}

/** What a row says instead of a test, or beside it. */
export function reasonOf({ shownBy }: Pick<PromiseRow, 'shownBy'>): string | undefined {
  return /\b(?:not yet|why not(?: more)?): *(\S.{10,})/.exec(shownBy)?.[1]
}

/**
 * Titles of a test file: the strings that `describe`, `it` and what is called like them take before their function. Those
 * that a table makes are as they stand there, `${…}` and `%s` included.
 */
export function titlesOf(source: string): string[] {
  const strings =
    /(?<=\(\s*)(['"`])((?:\\.|(?!\1)[^\\])*)\1\s*,\s*(?=async\b|\(|\{|function\b|[A-Za-z]*[tT]imeout\b|\[)/g
  return [...source.matchAll(strings)].map(([, , title = '']) => title.replaceAll(/\\(['"`])/g, '$1'))
}

/** What is in code spans of a text, in its order. */
export function spansOf(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span)
}
