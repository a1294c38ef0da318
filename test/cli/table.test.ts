import { describe, expect, it } from 'vitest'
import { tableLines } from '../../src/cli/terminal/table.ts'

describe('a table', () => {
  it('has its cells in columns, numbers to the right, and no space at the end of a line', () => {
    const rows = [
      ['NAME', 'BYTES', 'STATE'],
      ['a', '1,000', 'live'],
      ['longer', '7', ''],
    ]
    expect(tableLines(rows, [1])).toEqual(['NAME    BYTES  STATE', 'a       1,000  live', 'longer      7'])
  })

  it('counts what a terminal shows: no colours, no accents of their own, two columns for wide characters', () => {
    const rows = [
      ['\u001b[31mred\u001b[39m', '|'],
      ['e\u0301te', '|'],
      ['日', '|'],
      ['🪵', '|'],
    ]
    expect(tableLines(rows)).toEqual(['\u001b[31mred\u001b[39m  |', 'e\u0301te  |', '日   |', '🪵   |'])
  })

  it('of nothing is nothing', () => expect(tableLines([])).toEqual([]))
})
