import { readdir, readFile } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  checkBans,
  checkDirection,
  checkImportTime,
  checkLength,
  checkName,
  checkRoom,
  checkSkips,
  findCycles,
} from './rules.ts'

const checkout = join(import.meta.dirname, '../..')

async function filesUnder(room: string): Promise<string[]> {
  const entries = await readdir(join(checkout, room), { recursive: true, withFileTypes: true })
  return (
    entries
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      // Tools of a suite that has a package.json of its own.
      .filter((entry) => !`${entry.parentPath}${sep}`.includes(`${sep}node_modules${sep}`))
      .map((entry) =>
        join(entry.parentPath, entry.name)
          .slice(checkout.length + 1)
          .split(sep)
          .join('/'),
      )
  )
}

describe('the sources', () => {
  let sources: Map<string, string>
  beforeAll(async () => {
    const paths = await filesUnder('src')
    sources = new Map(
      await Promise.all(paths.map(async (path) => [path, await readFile(join(checkout, path), 'utf8')] as const)),
    )
    expect(sources.size).toBeGreaterThan(20)
  })

  /** What the rule finds in all of them. */
  const everywhere = (rule: (path: string, source: string) => string[]): string[] =>
    [...sources].flatMap(([path, source]) => rule(path, source))

  it('are each in a room', () => expect(everywhere(checkRoom)).toEqual([]))
  it('import downwards only', () => expect(everywhere(checkDirection)).toEqual([]))
  it('import in no circle', () => expect(findCycles(sources)).toEqual([]))
  it('are short', () => expect(everywhere(checkLength)).toEqual([]))
  it('call nothing that is banned', () => expect(everywhere(checkBans)).toEqual([]))
  it('do nothing when imported', () => expect(everywhere(checkImportTime)).toEqual([]))
})

it('every file name is kebab-case and says something', async () => {
  const paths = (await Promise.all(['src', 'test', 'bench', 'packaging'].map(filesUnder))).flat()
  expect(paths.flatMap(checkName)).toEqual([])
})

it('every test runs, or says why not', async () => {
  const paths = (await filesUnder('test')).filter((path) => path.endsWith('.test.ts'))
  const found = await Promise.all(
    paths.map(async (path) => checkSkips(path, await readFile(join(checkout, path), 'utf8'))),
  )
  expect(found.flat()).toEqual([])
})
