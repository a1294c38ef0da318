import { execFile, spawnSync } from 'node:child_process'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { sha256 } from '../../src/base/hash.ts'
import { createDirectoryBucket } from '../../src/bucket/directory.ts'
import { commandLine } from '../cli/run-command-line.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { checkout } from './known-words.ts'

/** docs/format.md is enough to write another reader: this one is Python's, and reads what ours reads. */
const reader = join(checkout, 'docs/format/reader.py')
const golden = join(checkout, 'test/format/golden')
const hasPython = spawnSync('python3', ['--version']).status === 0

const expected = [
  ['7', 'sealed', '0-zz', '/var/log/caf\udce9 日本.log'],
  ['7990', 'sealed', '20261120T101500123456789Z-1a2b', '/var/log/app.log'],
  ['21', 'gap', '20261120T101501000000000Z-1a2c', '/var/log/cut.log'],
  ['14', 'open', '20261120T101501000000000Z-1a2c.1', '/var/log/cut.log'],
  ['14', 'open', '20261120T101502000000000Z-1a2d', '/srv/fork.log'],
  ['37', 'open', '20261120T101502000000000Z-1a2d.1', '/srv/fork.log'],
  ['0', 'sealed', '20261120T101503000000000Z-1a2e', '/var/log/empty.log'],
] as const

async function python(...args: string[]): Promise<Buffer> {
  const { stdout } = await promisify(execFile)('python3', [reader, ...args], { encoding: 'buffer' })
  return stdout
}

describe('the golden bucket of format v1', () => {
  // A copy, with the mark that the embedded store wants beside what it reads: it is no part of the format.
  const copied = async (): Promise<string> => {
    const directory = await tempDirectory('golden')
    const bucket = createDirectoryBucket({ root: directory, create: true }, systemClock)
    await bucket.put('probes/web-1/made', Buffer.from('x'), { mode: 'create' })
    await cp(golden, directory, { recursive: true })
    return directory
  }

  it('is read by us', async () => {
    const bucket = `file://${await copied()}`
    const { code, stdout } = await commandLine(['ls', bucket, 'web-1', '--json'])
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { bytes: number; stream: string; name: string; strays: number })
    expect(code).toBe(0)
    expect(rows.map(({ bytes, stream, name }) => [String(bytes), stream, name]).sort()).toEqual(
      expected.map(([bytes, , stream, name]) => [bytes, stream, name]).sort(),
    )
    expect(rows.filter(({ strays }) => strays > 0).map(({ name }) => name)).toEqual(['/var/log/app.log'])
  })

  it.skipIf(!hasPython)('is read by another reader, made from docs/format.md (needs python3)', async () => {
    const rows = (await python('ls', golden)).toString().trim().split('\n')
    expect(rows.map((row) => row.split('\t'))).toEqual(
      expected.map(([bytes, state, stream, path]) => [bytes, state, 'web-1', stream, expect.toSatisfy(isPath(path))]),
    )
    for (const row of rows) {
      const [bytes, , host = '', stream = ''] = row.split('\t')
      expect((await python('cat', golden, host, stream)).byteLength).toBe(Number(bytes))
    }
    expect(sha256(await python('cat', golden, 'web-1', '20261120T101500123456789Z-1a2b'))).toBe(
      '938137f16e73c941f05f5f99f79a6b7a6bdb2b4770685799fa5eab638425825b',
    )
  })

  it('the reader is short', async () => {
    const { stdout } = await promisify(execFile)('wc', ['-l', reader])
    expect(Number.parseInt(stdout, 10)).toBeLessThan(100)
  })
})

const isPath = (path: string) => (text: unknown) => typeof text === 'string' && JSON.parse(text) === path
