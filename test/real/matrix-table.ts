/** The table of docs/stores.md that `npm run matrix` keeps. All pure. */
export interface Finding {
  check: string
  state: string
  seen: string
}

export interface MatrixRow {
  /** Name and version. */
  store: string
  date: string
  verdict: 'may be used' | 'refused'
  findings: readonly Finding[]
}

const begin = '<!-- npm run matrix writes from here -->'
const end = '<!-- to here -->'
const head = ['| store | `logcask doctor` says | what was seen | tried on |', '|---|---|---|---|']

export function renderRows(rows: readonly (MatrixRow | string)[]): string {
  return [...head, ...rows.map((row) => (typeof row === 'string' ? row : lineOf(row)))].join('\n')
}

/** The table's lines as they stand; none where it was never written. */
export function parseRows(page: string): string[] {
  const inner = page.slice(page.indexOf(begin) + begin.length, page.indexOf(end))
  return inner.split('\n').filter((line) => line.startsWith('| ') && !head.includes(line))
}

/** New rows take the place of those of the same store, whatever its version. */
export function mergeRows(before: readonly string[], rows: readonly MatrixRow[]): (MatrixRow | string)[] {
  const nameOf = (store: string): string => store.split(' ')[0] ?? ''
  const renewed = new Set(rows.map(({ store }) => nameOf(store)))
  return [...rows, ...before.filter((line) => !renewed.has(nameOf(line.slice(2))))]
}

/** Throws where the page has lost its marks. */
export function replaceBetween(page: string, table: string): string {
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from) throw new Error(`docs/stores.md: put ${begin} and ${end} back, each on a line of its own`)
  return `${page.slice(0, from + begin.length)}\n\n${table}\n\n${page.slice(to)}`
}

function lineOf({ store, date, verdict, findings }: MatrixRow): string {
  const failed = findings.filter(({ state }) => state === 'failed')
  const last = findings.at(-1)
  // Where all is well, the hardest check says it best.
  const seen =
    failed.length > 0
      ? failed.map((finding) => `${finding.check}: ${finding.seen}`).join('; ')
      : `${findings.map(({ check }) => check).join(', ')}: as it must be (${last?.seen ?? ''})`
  const cells = [store, verdict, seen.replace(/s3:\/\/\S+: /g, ''), date]
  return `| ${cells.map((text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
}
