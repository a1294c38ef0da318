import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { localFiles } from '../../src/agent/files/local-files.ts'
import { systemClock } from '../../src/base/clock.ts'
import { sha256 } from '../../src/base/hash.ts'
import { openBucket } from '../../src/cli/compose/open-bucket.ts'
import { compareHolding, publishedFiles, readBucketHolding } from '../../src/cli/demo/demo-compare.ts'
import { resultTable } from '../../src/cli/demo/demo-result.ts'
import { WatchedBucket } from '../../src/cli/demo/demo-stage.ts'
import { block, type WrittenFile } from '../../src/cli/demo/demo-writer.ts'
import { createPaint } from '../../src/cli/terminal/terminal.ts'
import { beforeOf, chainStart } from '../../src/format/chain.ts'
import { segmentKey } from '../../src/format/keys.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { commandLine } from './run-command-line.ts'

guardLeaks()

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const linesEach = 3 * 9_000

describe('logcask demo', () => {
  it('I1, I2, I3, I5: a lost bucket, kill -9 and a deleted state change no byte; the commands that it names work', {
    timeout: 120_000,
  }, async () => {
    const directory = join(await tempDirectory('demo'), 'a b')
    const run = spawn(process.execPath, [main, 'demo', '--dir', directory, '--seconds', '3'])
    const output = collect(run)
    const [code] = await once(run, 'close')
    const { stdout, stderr } = output
    expect({ code, stderr: code === 0 ? '' : stderr.join('') }).toEqual({ code: 0, stderr: '' })
    const text = stdout.join('')
    expect(text).toMatch(/^ +written +bucket a +bucket b +server$/m)
    expect(text).toMatch(/^bytes +10,368,000 +10,368,000 +10,368,000 +10,368,000$/m)
    expect(text).toMatch(/^sha256 +[0-9a-f]{8}… +=+ +=+ +=$/m)
    expect(text).toMatch(/^0 lost · 0 doubled · 0 rewritten · 18 files/m)
    const told = stderr.join('')
    for (const event of ['GONE', 'BACK', 'kill -9', 'caught up', 'every byte has arrived'])
      expect(told).toContain(event)
    expect(told).not.toContain('\u001b')

    const commands = text.split('\n').filter((line) => line.startsWith('  ') && line.includes(' main.ts '.trim()))
    expect(commands.map((line) => /main\.ts (\w+) /.exec(line)?.[1])).toEqual(['ls', 'cat', 'why'])
    for (const line of commands) {
      const { stdout } = await promisify(execFile)('sh', ['-c', line])
      expect(stdout).not.toBe('')
    }

    const bucket = await openBucket(new URL(`file://${encodeURI(join(directory, 'b'))}`).href, {}, 'read', systemClock)
    const expected = { logs: ['access.log', 'app.log', 'audit.log'], linesEach }
    const written = await writtenIn(join(directory, 'logs'))
    const before = await readBucketHolding(bucket, 'demo', expected, new AbortController().signal)
    expect(compareHolding(written, expected.logs, before).isEqual).toBe(true)
    await flipByte(join(directory, 'b', 'segments'))
    const after = await readBucketHolding(bucket, 'demo', expected, new AbortController().signal)
    const { isEqual, differences } = compareHolding(written, expected.logs, after)
    expect({ isEqual, count: differences.length }).toEqual({ isEqual: false, count: 1 })
  })

  it.skipIf(process.platform !== 'linux')('leaves no process behind when it is stopped', async () => {
    const directory = await tempDirectory('demo')
    const run = spawn(process.execPath, [main, 'demo', '--dir', directory, '--seconds', '60'])
    const output = collect(run)
    await output.until('ships to bucket a')
    expect((await commandsThatName(directory)).length).toBeGreaterThan(1)
    run.kill('SIGINT')
    expect(await once(run, 'close')).toEqual([130, null])
    expect(await commandsThatName(directory)).toEqual([])
  })

  it('does not touch a directory that holds something', async () => {
    const directory = await tempDirectory('demo')
    await writeFile(join(directory, 'mine'), '')
    const { code, stderr } = await commandLine(['demo', '--dir', directory])
    expect(code).toBe(2)
    expect(stderr).toContain('is not empty')
    expect(await readdir(directory)).toEqual(['mine'])
  })

  it.each(['2', '61', 'x'])('refuses --seconds %s', async (seconds) => {
    const { code, stderr } = await commandLine(['demo', '--seconds', seconds])
    expect(code).toBe(2)
    expect(stderr).toContain('3 to 60')
  })
})

describe('the comparison', () => {
  const text = block('app.log', 0, 4, 0)
  const stream = '20261121T120000000000000Z-1'
  const written: WrittenFile[] = [{ stream, bytes: text.byteLength, sha256: sha256(text) }]

  it.each<[string, Buffer, Partial<ReturnType<typeof compareHolding>>]>([
    ['the same bytes are equal', text, { isEqual: true, lost: 0, doubled: 0, differences: [] }],
    ['one byte in a line', edited(text, 100), { isEqual: false, lost: 0, doubled: 0 }],
    ['one byte in a number', edited(text, 12), { isEqual: false, lost: 1, doubled: 0 }],
    ['a line less', text.subarray(0, 384), { isEqual: false, lost: 1, doubled: 0 }],
    ['a torn line', text.subarray(0, 400), { isEqual: false, lost: 1, doubled: 0 }],
    ['a line twice', Buffer.concat([text, text.subarray(0, 128)]), { isEqual: false, lost: 0, doubled: 1 }],
    ['nothing', Buffer.alloc(0), { isEqual: false, lost: 4, doubled: 0 }],
  ])('%s', async (_name, stored, expected) => {
    const found = await holdingOf(stream, stored)
    expect(compareHolding(written, ['app.log'], found)).toMatchObject(expected)
  })

  it('another stream than was written is a difference, even of equal bytes', async () => {
    const found = await holdingOf(`${stream}.1`, text)
    expect(compareHolding(written, ['app.log'], found).differences).toEqual([
      `${stream}: is missing`,
      `${stream}.1: was never written`,
    ])
  })

  it('I2: an object that changed or went is counted as rewritten; a bucket that is away decides nothing', async () => {
    const directory = await tempDirectory('demo')
    const root = join(directory, 'b')
    const bucket = await openBucket(`file://${root}`, {}, 'write', systemClock, { create: true })
    const key = segmentKey('demo', stream, 0, beforeOf(chainStart))
    await bucket.put(key, text, { mode: 'create' })
    const watched = new WatchedBucket(root, bucket)
    expect([await watched.look(), watched.bytes, watched.rewritten]).toEqual([true, 512, 0])
    await watched.takeAway()
    expect([await watched.look(), watched.rewritten]).toEqual([false, 0])
    await watched.bringBack()
    expect([await watched.look(), watched.rewritten]).toEqual([true, 0])
    await writeFile(join(root, key), 'other')
    expect([await watched.look(), watched.rewritten]).toEqual([true, 1])
  })

  it('a published file that is still being made is not counted', async () => {
    const directory = await tempDirectory('demo')
    await mkdir(join(directory, 'demo'))
    for (const name of [`app.log~${stream}`, `.~${stream}.new`, `app~1.log`])
      await writeFile(join(directory, 'demo', name), '')
    expect(await publishedFiles(directory)).toEqual([join(directory, 'demo', `app.log~${stream}`)])
  })

  it('the table says which place differs, and how', async () => {
    const places = [
      { name: 'bucket a', ...compareHolding(written, ['app.log'], await holdingOf(stream, edited(text, 100))) },
    ]
    const lines = resultTable({ written, places, rewritten: 0, isEqual: false }, createPaint(false))
    expect(lines[3]).toMatch(/≠$/)
    expect(lines[4]).toBe(`bucket a: ${stream}: has other bytes than were written`)
  })
})

function edited(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = 0x58
  return copy
}

async function holdingOf(stream: string, bytes: Buffer) {
  const root = join(await tempDirectory('demo'), 'bucket')
  const bucket = await openBucket(`file://${root}`, {}, 'write', systemClock, { create: true })
  const first = segmentKey('demo', stream, 0, beforeOf(chainStart))
  if (bytes.byteLength > 0) await bucket.put(first, bytes, { mode: 'create' })
  else await bucket.put('probes/demo/x', Buffer.from('x'), { mode: 'create' })
  return readBucketHolding(bucket, 'demo', { logs: ['app.log'], linesEach: 4 }, new AbortController().signal)
}

async function writtenIn(logs: string): Promise<WrittenFile[]> {
  const files = localFiles({ birthTimes: true, spoolDirectory: logs })
  return Promise.all(
    (await readdir(logs)).map(async (name) => {
      const bytes = await readFile(join(logs, name))
      const stream = files.peek(join(logs, name), false)?.identity ?? ''
      return { stream, bytes: bytes.byteLength, sha256: sha256(bytes) }
    }),
  )
}

async function flipByte(directory: string): Promise<void> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const segment = entries.find((entry) => entry.isFile() && /^\d{20}-[0-9a-f]{16}$/.test(entry.name))
  const path = join(segment?.parentPath ?? '', segment?.name ?? '')
  const bytes = await readFile(path)
  bytes[50] = (bytes[50] ?? 0) ^ 1
  await writeFile(path, bytes)
}

async function commandsThatName(directory: string): Promise<string[]> {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const commands = await Promise.all(processes.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')))
  return commands.filter((command) => command.includes(directory))
}

function collect(child: ReturnType<typeof spawn>): {
  stdout: string[]
  stderr: string[]
  until(text: string): Promise<void>
} {
  const stdout: string[] = []
  const stderr: string[] = []
  child.stdout?.on('data', (chunk) => stdout.push(String(chunk)))
  const waiting = new Map<string, () => void>()
  child.stderr?.on('data', (chunk) => {
    stderr.push(String(chunk))
    for (const [text, resolve] of waiting) if (stderr.join('').includes(text)) resolve()
  })
  return { stdout, stderr, until: (text) => new Promise((resolve) => waiting.set(text, resolve)) }
}
