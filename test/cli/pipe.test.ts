import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { sha256 } from '../../src/base/hash.ts'
import { logcask } from '../scenarios/logcask-process.ts'
import { mainFile } from '../scenarios/main-file.ts'
import { patternBytes } from '../support/pattern-bytes.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { eventually } from './reader-bucket.ts'
import { commandLine } from './run-command-line.ts'

async function place() {
  const directory = await tempDirectory('pipe')
  const url = pathToFileURL(join(directory, 'bucket')).href
  const state = join(directory, 'state')
  const args = (name: string, ...more: string[]) => [
    'ship',
    '-',
    '--as',
    name,
    '--to',
    url,
    '--host',
    'web-1',
    '--state',
    state,
    ...more,
  ]
  /** The files that keep what came in as that name, oldest first. */
  const spooled = async (name: string) => {
    const runs = join(state, 'pipes/runs', encodeURIComponent(name))
    return (await readdir(runs).catch(() => [])).sort().map((run) => join(runs, run, 'pipes', name))
  }
  /** Resolves once so many bytes of a running pipe are kept. */
  const kept = (name: string, bytes: number) =>
    eventually(async () => {
      const file = (await spooled(name)).at(-1) ?? ''
      return (await stat(file).catch(() => undefined))?.size === bytes ? file : undefined
    })
  return { directory, url, state, args, spooled, kept }
}

/** `logcask ARGS` with a pipe to write into. */
function start(args: readonly string[]) {
  const child = spawn(process.execPath, [mainFile, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let stderr = ''
  let stdout = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  child.stdin.on('error', () => {})
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stdout, stderr }))
  return { child, ended, write: (bytes: string | Uint8Array) => child.stdin.write(bytes), end: () => child.stdin.end() }
}

async function run(args: readonly string[], bytes: string | Uint8Array) {
  const running = start(args)
  running.write(bytes)
  running.end()
  return running.ended
}

interface Row {
  name: string
  state: string
  bytes: number
  sha256: string[]
  segments: number
}

async function streamsIn(url: string): Promise<Row[]> {
  const { stdout } = await commandLine(['ls', url, 'web-1', '--json'])
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Row]))
}

describe('command | logcask ship -', () => {
  it('a short output is one sealed stream of that name, and nothing is left behind', async () => {
    const { url, args, spooled } = await place()
    const { code, stdout, stderr } = await run(args('jobs/nightly.log', '--receipt'), 'all is well\n')
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('1 segment sent') })
    expect(stdout).toContain(`12  ${sha256(Buffer.from('all is well\n'))}  `)
    expect(stdout).toContain('  /pipes/jobs/nightly.log\n')
    expect((await commandLine(['cat', url, 'web-1', 'nightly.log'])).stdout).toBe('all is well\n')
    expect(await streamsIn(url)).toMatchObject([{ name: '/pipes/jobs/nightly.log', state: 'sealed', segments: 1 }])
    expect(await spooled('jobs/nightly.log')).toEqual([])
  })

  it('no output is an empty file', async () => {
    const { url, args } = await place()
    expect((await run(args('empty.log'), '')).code).toBe(0)
    expect(await streamsIn(url)).toMatchObject([{ name: '/pipes/empty.log', state: 'sealed', bytes: 0 }])
  })

  it.each(['dump.sql', 'dump.sql.gz'])('I1: can be read while it grows, and is whole at its end (%s)', async (name) => {
    const { url, args } = await place()
    const [first, second] = [patternBytes(5_000_000, 1), patternBytes(1_000_000, 2)]
    const running = start(args(name))
    running.write(first)
    await eventually(async () => ((await streamsIn(url))[0]?.bytes === first.length ? true : undefined))
    expect(await streamsIn(url)).toMatchObject([{ state: 'live' }])
    running.write(second)
    running.end()
    expect(await running.ended).toMatchObject({ code: 0 })
    const whole = sha256(Buffer.concat([first, second]))
    expect(await streamsIn(url)).toMatchObject([{ state: 'sealed', bytes: 6_000_000, sha256: [whole] }])
  })

  it('the same output twice is two streams', async () => {
    const { url, args } = await place()
    const bytes = patternBytes(100_000, 3)
    for (let at = 0; at < 2; at++) expect((await run(args('report'), bytes)).code).toBe(0)
    expect((await run(args('report'), Buffer.concat([bytes, Buffer.from('more')]))).code).toBe(0)
    expect((await streamsIn(url)).map((row) => row.bytes).sort()).toEqual([100_000, 100_000, 100_004])
  })

  it('I1: killed in between, what came in is delivered by the next run, and other runs say so', async () => {
    const { directory, url, state, args, kept } = await place()
    const running = start(args('job.log'))
    const lines = Buffer.from('line\n'.repeat(20_000))
    running.write(lines)
    await kept('job.log', lines.length)
    running.child.kill('SIGKILL')
    await running.ended
    await writeFile(join(directory, 'other.log'), 'other\n')
    const other = ['ship', join(directory, 'other.log'), '--to', url, '--host', 'web-1', '--state', state]
    const told = await logcask(other)
    expect(told.code).toBe(0)
    expect(told.stderr).toContain('not all that was piped in as job.log was delivered')
    expect(told.stderr).toContain(`logcask ship - --as job.log --to URL --state ${state} < /dev/null`)
    const config = join(directory, 'agent.yaml')
    const sources = [{ name: 'other', include: [join(directory, 'other.log')] }]
    await writeFile(config, JSON.stringify({ host: 'web-1', state, sources, destinations: [{ url }] }))
    expect(await logcask(['agent', '-c', config, '--once'])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('not all that was piped in as job.log was delivered'),
    })
    expect(await logcask(['drain', '-c', config])).toMatchObject({
      code: 75,
      stderr: expect.stringContaining('not all that was piped in as job.log was delivered'),
    })
    expect(await run(args('job.log'), 'the next run\n')).toMatchObject({ code: 0 })
    expect((await logcask(['drain', '-c', config])).code).toBe(0)
    const rows = (await streamsIn(url)).filter(({ name }) => name.startsWith('/pipes/'))
    expect(rows.map(({ name, bytes, state }) => `${name} ${bytes} ${state}`).sort()).toEqual([
      '/pipes/job.log 100000 sealed',
      '/pipes/job.log 13 sealed',
    ])
    expect((await logcask(other)).stderr).not.toContain('piped in')
  })

  it('stopped or refused, it says where the bytes are and how to go on; with no input only these are delivered', async () => {
    const { directory, url, args, spooled, kept } = await place()
    const running = start(args('job.log'))
    running.write('first\n')
    const first = await kept('job.log', 6)
    running.child.kill('SIGTERM')
    const { code, stderr } = await running.ended
    expect(code).toBe(143)
    expect(stderr).toContain(`6 B of what was piped in is kept in ${first}`)
    expect(stderr).toMatch(/^fix: .*logcask ship - --as job\.log --to file:\S+ --state \S+ < \/dev\/null$/m)
    await writeFile(join(directory, 'a file'), '')
    const nowhere = args('job.log').map((one) => (one === url ? pathToFileURL(join(directory, 'a file/b')).href : one))
    const refused = await run(nowhere, 'second\n')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('7 B of what was piped in is kept in')
    expect(await run(args('job.log'), '')).toMatchObject({ code: 0 })
    expect((await commandLine(['ls', url, 'web-1'])).stdout).not.toContain(' 0 B')
    expect((await streamsIn(url)).map(({ bytes, state }) => `${bytes} ${state}`).sort()).toEqual([
      '6 sealed',
      '7 sealed',
    ])
    expect(await spooled('job.log')).toEqual([])
  })

  it('stopped before anything came, it leaves nothing', async () => {
    const { url, args, kept, spooled } = await place()
    const running = start(args('job.log'))
    await kept('job.log', 0)
    running.child.kill('SIGKILL')
    await running.ended
    expect((await run(args('job.log'), 'a line\n')).code).toBe(0)
    expect(await streamsIn(url)).toMatchObject([{ bytes: 7, state: 'sealed' }])
    expect(await spooled('job.log')).toEqual([])
  })

  it('I5: a destination that refuses is said at once, and delays no other; its bytes are kept', async () => {
    const { directory, url, args, spooled } = await place()
    await writeFile(join(directory, 'a file'), '')
    const nowhere = pathToFileURL(join(directory, 'a file/b')).href
    const running = start(args('job.log', '--to', nowhere))
    running.write('while it runs\n')
    await eventually(async () => ((await streamsIn(url))[0]?.bytes === 14 ? true : undefined))
    running.end()
    const { code, stderr } = await running.ended
    expect(code).toBe(1)
    expect(stderr.indexOf(join(directory, 'a file'))).toBeGreaterThanOrEqual(0)
    expect(stderr).toContain('not all is delivered: 14 B of what was piped in is kept in')
    expect(await streamsIn(url)).toMatchObject([{ state: 'sealed', bytes: 14 }])
    expect(await spooled('job.log')).toHaveLength(1)
    // One destination fewer, and it is done.
    expect((await run(args('job.log'), '')).code).toBe(0)
    expect(await spooled('job.log')).toEqual([])
    expect(await streamsIn(url)).toHaveLength(1)
  })

  it('several run at once beside each other, also of one name', async () => {
    const { url, args } = await place()
    const all = await Promise.all(['a', 'a', 'b'].map((name, at) => run(args(name), `${at}\n`)))
    expect(all.map(({ code }) => code)).toEqual([0, 0, 0])
    expect((await streamsIn(url)).map(({ name }) => name).sort()).toEqual(['/pipes/a', '/pipes/a', '/pipes/b'])
  })

  it.each([
    [['ship', '-', '--to', 'file:///nowhere'], 'logcask ship - --as NAME'],
    [['ship', '-', '/etc/hosts', '--as', 'a', '--to', 'file:///nowhere'], 'goes with no other PATH'],
    [['ship', '-', '--as', '../a', '--to', 'file:///nowhere'], 'is no name'],
    [['ship', '-', '--as', 'a/', '--to', 'file:///nowhere'], 'is no name'],
    [['ship', '-', '--as', '{filename}', '--to', 'file:///nowhere'], 'takes no template'],
    [['ship', '-', '--as', 'a', '--dry-run', '--to', 'file:///nowhere'], '--dry-run is of no use'],
    [['ship', '-', '--as', 'a'], 'no destination is named'],
  ])('%s is refused with what to write', async (args, message) => {
    const { code, stderr } = await commandLine(args)
    expect(code).toBe(2)
    expect(stderr).toContain(message)
    expect(stderr).toContain('fix: ')
  })
})
