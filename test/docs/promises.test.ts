import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { checkout, type Known, loadKnown, problemOf } from './known-words.ts'
import { type PromiseRow, reasonOf, rowsOf, type ShownTest, spansOf, testsOf, titlesOf } from './promise-table.ts'

const rows = rowsOf(await readFile(join(checkout, 'docs/promises.md'), 'utf8'))
let known: Known
beforeAll(async () => {
  known = await loadKnown()
})

async function problemOfTest({ path, title }: ShownTest): Promise<string | undefined> {
  if (!existsSync(join(checkout, path))) return `${path}: no such file`
  const titles = titlesOf(await readFile(join(checkout, path), 'utf8'))
  return titles.some((one) => one.includes(title)) ? undefined : `${path}: no test "${title}"`
}

async function problemsOf(row: PromiseRow): Promise<string[]> {
  const tests = testsOf(row)
  const problems = [
    ...(await Promise.all(tests.map(problemOfTest))),
    ...spansOf(row.how).map((span) => problemOf(span, known)),
    tests.length === 0 && reasonOf(row) === undefined ? 'has neither a test nor a reason why not' : undefined,
    ...comeTrue(row),
    row.by.every((one) => /^[NRSHJ]$/.test(one)) ? undefined : `${row.by.join(' ')}: nobody is called so`,
    row.promise === '' || row.how === '' ? 'has an empty cell' : undefined,
  ]
  return problems.filter((one) => one !== undefined).map((one) => `row ${row.number}: ${one}`)
}

/** What was not there yet when the row was written, and is there now. */
function comeTrue({ shownBy }: PromiseRow): string[] {
  const awaited = spansOf(/\bnot yet: .*/.exec(shownBy)?.[0] ?? '')
  return awaited
    .filter((span) => span.startsWith('logcask ') && problemOf(span, known) === undefined)
    .map((span) => `${span} is there by now: name the test that shows it`)
}

describe('the table of promises', () => {
  it('has rows of each of the older tools, numbered', () => {
    expect(rows.map(({ number }) => Number(number))).toEqual(rows.map((_, at) => at + 1))
    const counts = [...'NRSHJ'].map((one) => rows.filter(({ by }) => by.includes(one)).length)
    for (const count of counts) expect(count).toBeGreaterThanOrEqual(9)
  })

  it.each(rows)('row $number: $promise', async (row) => {
    expect(await problemsOf(row)).toEqual([])
  })
})

describe('the walk along the table', () => {
  const row: PromiseRow = {
    number: '7',
    promise: 'p',
    by: ['N'],
    how: 'h',
    shownBy: '`test/docs/promises.test.ts` "the walk along"',
  }

  it.each<[string, Partial<PromiseRow>, string | undefined]>([
    ['a test that exists', {}, undefined],
    ['a file that does not', { shownBy: '`test/docs/none.test.ts` "the walk"' }, 'no such file'],
    ['a title that is no test', { shownBy: '`test/docs/promises.test.ts` "ship it"' }, 'no test "ship it"'],
    ['neither a test nor a reason', { shownBy: 'surely' }, 'has neither'],
    ['a reason', { shownBy: 'why not: nobody can measure it here' }, undefined],
    ['what is awaited', { shownBy: 'not yet: `logcask teleport` between two machines' }, undefined],
    ['what is there by now', { shownBy: 'not yet: `logcask ship` to a bucket' }, 'is there by now'],
    ['nobody who promised it', { by: ['X'] }, 'nobody'],
    ['an option that is there', { how: '`logcask ship PATH --to URL`, `logcask agent -c FILE`' }, undefined],
    ['an option that is not', { how: '`logcask ship PATH --two URL`' }, 'no --two'],
    ['a short option that is not', { how: '`logcask agent -x`' }, 'no -x'],
    ['a command that is not', { how: '`logcask shop`' }, 'no such command'],
    ['settings that are there', { how: '`sources[].rename.from`, `sources[].after: delete`, `rate`' }, undefined],
    ['a setting that is not', { how: '`sources[].excludes`' }, 'no such setting'],
    ['a value that is not', { how: '`sources[].after: shred`' }, 'not allowed'],
    ['an import that is not', { how: "`import { ship, sell } from 'logcask'`" }, 'there is no sell'],
    ['a script that is not', { how: '`npm run away`' }, 'no such script'],
    ['a word that is not', { how: '`{mother}`' }, 'neither a command'],
  ])('%s', async (_, change, problem) => {
    const problems = await problemsOf({ ...row, ...change })
    expect(problems).toEqual(problem === undefined ? [] : [expect.stringContaining(problem)])
  })
})
