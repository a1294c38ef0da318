import { stripVTControlCharacters } from 'node:util'

/** Rows as lines with their cells in columns, two spaces between; cells of the `right` columns end where the others begin. */
export function tableLines(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths: number[] = []
  for (const row of rows) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, columns(cell))
  return rows.map((row) =>
    row
      .map((cell, at) => {
        const fill = ' '.repeat((widths[at] ?? 0) - columns(cell))
        return right.includes(at) ? fill + cell : cell + fill
      })
      .join('  ')
      .trimEnd(),
  )
}

/** Columns of a terminal that a text takes: no colours, a character each, two for the wide ones of East Asia and emoji. */
function columns(text: string): number {
  let count = 0
  for (const character of stripVTControlCharacters(text)) {
    if (/\p{Mn}|\p{Me}/u.test(character)) continue
    count +=
      /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
        character,
      )
        ? 2
        : 1
  }
  return count
}
