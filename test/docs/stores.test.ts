import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { type MatrixRow, mergeRows, parseRows, renderRows, replaceBetween } from '../real/matrix-table.ts'
import { realServers } from '../real/servers.ts'

const page = new URL('../../docs/stores.md', import.meta.url)

describe('docs/stores.md', () => {
  it('has a row for each server that CI runs, and says of each what its suite holds it to', async () => {
    const rows = parseRows(await readFile(page, 'utf8'))
    for (const { name, isRefused } of realServers) {
      const row = rows.find((line) => line.startsWith(`| ${name} `))
      expect(row, name).toMatch(isRefused ? /\| refused \|/ : /\| may be used \|/)
    }
  })

  const row = (store: string, date: string): MatrixRow => ({
    store,
    date,
    verdict: 'refused',
    findings: [
      { check: 'create', state: 'ok', seen: 'created' },
      { check: 'duplicate', state: 'failed', seen: 'a | b' },
    ],
  })

  it('a new row takes the place of that store, others stay', () => {
    const before = parseRows(
      `<!-- npm run matrix writes from here -->\n${renderRows([row('a 1', 'x'), row('b 1', 'x')])}\n<!-- to here -->`,
    )
    const merged = renderRows(mergeRows(before, [row('a 2', 'y')]))
      .split('\n')
      .slice(2)
    expect(merged).toEqual(['| a 2 | refused | duplicate: a \\| b | y |', '| b 1 | refused | duplicate: a \\| b | x |'])
  })

  it('a page without its marks is left alone', () => {
    expect(() => replaceBetween('# Stores', '')).toThrow('put <!--')
  })
})
