import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { loadKnown, problemOf } from './known-words.ts'
import { sizingPage, withTables } from './sizing-tables.ts'

const page = await readFile(sizingPage, 'utf8')

it('the tables of docs/sizing.md are what the bounds and prices of now give', () => {
  expect(page).toBe(withTables(page))
  expect(page.match(/<!-- \w+ -->\n\|/g)).toHaveLength(4)
})

it('docs/sizing.md names commands that are there', async () => {
  const known = await loadKnown()
  const spans = [...page.matchAll(/`((?:logcask |npm run )[^`\n]+)`/g)].map(([, span = '']) =>
    span.replace(/ -- \w+$/, ''),
  )
  expect(spans.length).toBeGreaterThan(5)
  expect(spans.flatMap((span) => problemOf(span, known) ?? [])).toEqual([])
})
