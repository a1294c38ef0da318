import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addTallies, formatTally, parseTally } from './tally.ts'

const checkout = join(import.meta.dirname, '../..')

describe('tally', () => {
  it('reads what it writes, as the last line only', () => {
    const tally = { passed: 12, failed: 0, skipped: 3 }
    expect(parseTally(`noise\n${formatTally(tally)}\n`)).toEqual(tally)
    expect(parseTally(`${formatTally(tally)}\nand then it crashed\n`)).toBeUndefined()
    expect(parseTally('')).toBeUndefined()
  })

  it('adds', () => {
    expect(addTallies({ passed: 1, failed: 2, skipped: 3 }, { passed: 10, failed: 20, skipped: 30 })).toEqual({
      passed: 11,
      failed: 22,
      skipped: 33,
    })
  })
})

describe('the reporter', () => {
  let dir: string
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'logcask-tally-'))
    await symlink(join(checkout, 'node_modules'), join(dir, 'node_modules'))
    await writeFile(join(dir, 'package.json'), '{"type":"module"}')
    const reporter = join(import.meta.dirname, 'tally-reporter.ts')
    await writeFile(
      join(dir, 'vitest.config.ts'),
      `import { TallyReporter } from ${JSON.stringify(reporter)}\nexport default { test: { reporters: ['default', new TallyReporter()] } }\n`,
    )
  })
  afterAll(() => rm(dir, { recursive: true, force: true }))

  async function run(name: string, source: string): Promise<{ code: number; output: string }> {
    await mkdir(join(dir, name))
    await writeFile(join(dir, name, 'made-up.test.ts'), `import { beforeAll, describe, it } from 'vitest'\n${source}`)
    const vitest = join(checkout, 'node_modules/vitest/vitest.mjs')
    return await new Promise((resolve) => {
      execFile(process.execPath, [vitest, 'run', '--root', dir, '--dir', name], { cwd: dir }, (error, stdout) =>
        resolve({ code: error ? Number(error.code) : 0, output: stdout }),
      )
    })
  }

  it('counts passed, failed and skipped tests', async () => {
    const { code, output } = await run(
      'mixed',
      `it('a', () => {}); it('b', () => { throw new Error() }); it.skipIf(true)('c', () => {})`,
    )
    expect(parseTally(output)).toEqual({ passed: 1, failed: 1, skipped: 1 })
    expect(code).toBe(1)
  })

  it.each([
    ['a file that cannot be collected', `throw new Error()`],
    ['a hook that fails', `describe('x', () => { beforeAll(() => { throw new Error() }); it('a', () => {}) })`],
    ['an error outside of every test', `it('a', () => { Promise.reject(new Error()) })`],
  ])('counts %s as failed', async (name, source) => {
    const { code, output } = await run(name.replaceAll(' ', '-'), source)
    expect(parseTally(output)?.failed).toBeGreaterThan(0)
    expect(code).toBe(1)
  })
})
