import { spawnSync } from 'node:child_process'
import { chmod, link, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openState } from '../../src/agent/state/state.ts'
import { systemClock } from '../../src/base/clock.ts'
import { forEachConcurrently } from '../../src/base/concurrency.ts'
import { sha256 } from '../../src/base/hash.ts'
import { pathFromBytes } from '../../src/base/path-bytes.ts'
import { logcask, type RunOptions } from '../scenarios/logcask-process.ts'
import { compareWithFiles, contentsOf, type Holdings, holdingsBelow, holdingsOf } from '../scenarios/stored-content.ts'
import { faultS3 } from '../support/fault-s3-fixture.ts'
import { patternBytes } from '../support/pattern-bytes.ts'
import { tempDirectory } from '../support/temp-directory.ts'

/** Path (as the system has it) → content. */
type OddFiles = Map<string, { bytes: Uint8Array; system: string | Buffer }>

/** Every name that a file system takes and a program trips over, below `logs`. */
async function makeOddFiles(logs: string): Promise<OddFiles> {
  const files: OddFiles = new Map()
  const add = async (name: string | Buffer, bytes: Uint8Array): Promise<void> => {
    const system = Buffer.concat([Buffer.from(`${logs}/`), Buffer.from(name)])
    await writeFile(system, bytes)
    files.set(pathFromBytes(system), { bytes, system })
  }
  await mkdir(join(logs, 'deep/er/[x] and {y}'), { recursive: true })
  await mkdir(join(logs, '.hidden'))
  await mkdir(join(logs, 'two\nlines'))
  const texts = [
    'plain.log',
    'with space.log',
    ' leading and trailing ',
    'line\nend.log',
    'carriage\rreturn',
    'line\u2028and\u2029paragraph',
    // Half of each of these is what a line end looks like while the scan hides it.
    '🐊 🐍 🐨 🐩',
    'tab\tand "quotes" and \'single\'',
    'back\\slash',
    '[x].log',
    '[!x]*?{a,b}(c)+@!.log',
    '*',
    '**',
    '-rf',
    '--to',
    '.hidden.log',
    'ünï — 日本語 🪵.log',
    'e\u0301 decomposed',
    '%41 %2F ? # & + ; =',
    '\u001b[31mred\u001b[0m\u0007',
    `${'n'.repeat(255)}`,
    `${'ü'.repeat(127)}`,
    'deep/er/nested.log',
    'deep/er/[x] and {y}/inner.log',
    '.hidden/inside.log',
    'two\nlines/inside.log',
  ]
  for (const [at, name] of texts.entries()) await add(name, Buffer.from(`${at} ${'text '.repeat(at * 50)}`))
  await add('empty', Buffer.alloc(0))
  await add('empty too', Buffer.alloc(0))
  await add('nul bytes', Buffer.alloc(5_000))
  await add('one byte', Buffer.from('x'))
  await add('twin a', Buffer.from('the same content'))
  await add('twin b', Buffer.from('the same content'))
  await add('several segments', patternBytes(9_000_001, 3))
  if (process.platform === 'linux') {
    await add(Buffer.from([0x62, 0x61, 0x64, 0xff, 0xfe, 0x2e, 0x6c, 0x6f, 0x67]), Buffer.from('no UTF-8'))
    await add(Buffer.from([0xc3, 0x28, 0x0a, 0x80]), Buffer.from('no UTF-8, and a line end'))
    await add(Buffer.concat([Buffer.alloc(254, 0x61), Buffer.from([0xff])]), Buffer.from('long, no UTF-8'))
  }
  return files
}

/** What is no regular file, and must neither be shipped nor waited for. */
async function makeOtherThings(logs: string): Promise<void> {
  await symlink('plain.log', join(logs, 'link.log'))
  await symlink('/etc', join(logs, 'link-to-directory'))
  await symlink('nowhere', join(logs, 'dangling'))
  await symlink('.', join(logs, 'loop'))
  expect(spawnSync('mkfifo', [join(logs, 'fifo.log')]).status).toBe(0)
  const socket = createServer()
  await new Promise<void>((resolve) => socket.listen(join(logs, 's'), resolve))
  onTestFinished(() => void socket.close())
}

async function setUp() {
  const directory = await tempDirectory('ship')
  const logs = join(directory, 'logs')
  const state = join(directory, 'state')
  const root = join(directory, 'bucket')
  await mkdir(logs)
  const server = await faultS3()
  const to = ['--to', `file://${root}`, '--to', 's3://bucket/prefix', '--endpoint', server.endpoint]
  const ship = (more: string[] = [], options?: RunOptions) =>
    logcask(['ship', logs, ...to, '--state', state, '--host', 'web-1', ...more], options)
  const urls = [`file://${root}`, `s3://bucket/prefix?endpoint=${server.endpoint}`] as const
  const stores = async (): Promise<Holdings[]> => [
    await holdingsBelow(root),
    new Map([...holdingsOf(server.objects)].map(([key, body]) => [key.replace(/^prefix\//, ''), body])),
  ]
  return { directory, logs, state, root, server, urls, ship, stores }
}

describe('ship of a directory full of odd files, to a directory and to S3', () => {
  it('I1: each is there with its bytes; again, and again without state, sends no segment', async () => {
    const { logs, state, server, ship, stores } = await setUp()
    const files = await makeOddFiles(logs)
    await makeOtherThings(logs)

    const first = await ship(['--receipt', '--json'])
    expect(first.stderr).toMatch(`${files.size} files · `)
    expect(first.code).toBe(0)

    // The receipt: exact names, the right hashes, both destinations.
    const receipt = lines(first.stdout).map((line) => JSON.parse(line) as Record<string, unknown>)
    const told = receipt.map(({ path, length, sha256, destinations }) => [path, length, sha256, destinations])
    const wanted = [...files].map(([path, { bytes }]) => [path, bytes.byteLength, sha256(bytes), expect.any(Array)])
    expect(told.sort(byFirst)).toEqual(wanted.sort(byFirst))
    for (const { destinations } of receipt) expect(destinations).toHaveLength(2)

    for (const holdings of await stores()) {
      const contents = [...contentsOf(holdings).values()].map(({ content, strays }) => [sha256(content), strays])
      expect(contents.sort(byFirst)).toEqual([...files.values()].map(({ bytes }) => [sha256(bytes), 0]).sort(byFirst))
    }

    const before = (await stores()).map((holdings) => [...holdings.keys()])
    const asked = server.requests.length
    const second = await ship()
    expect(second.stderr).toContain(`${files.size} files already there, verified · 0 segments sent`)
    expect(second.code).toBe(0)
    // A duplicate that must be refused is all that is written: nobody may have turned the store meanwhile.
    const puts = server.requests.slice(asked).filter(({ operation }) => operation === 'PutObject')
    expect(puts.map(({ status }) => status)).toEqual([412])

    await rm(state, { recursive: true })
    const third = await ship()
    expect(third.stderr).toContain(`${files.size} files already there, verified · 0 segments sent`)
    expect(third.code).toBe(0)
    expect((await stores()).map((holdings) => [...holdings.keys()])).toEqual(before)
  })

  it('I1: cat gives the bytes of each by its name, or by its stream where no argument can name it', async () => {
    const { logs, urls, ship } = await setUp()
    const files = await makeOddFiles(logs)
    const receipt = lines((await ship(['--receipt', '--json'])).stdout).map(
      (line) => JSON.parse(line) as { path: string; stream: string },
    )
    const cat = async ([at, { path, stream }]: [number, (typeof receipt)[number]]): Promise<void> => {
      // Every other one from every other store: both are compared whole above.
      const url = urls[at % urls.length] ?? ''
      const what = path.isWellFormed() ? [path] : ['--stream', stream]
      const { stdout, stderr, code } = await logcask(['cat', url, 'web-1', ...what])
      expect([path, sha256(stdout), code], stderr).toEqual([path, sha256(files.get(path)?.bytes ?? Buffer.alloc(0)), 0])
    }
    await forEachConcurrently([...receipt.entries()], 2, cat)
    // A process a file.
  }, 240_000)

  it('a receipt for people is a line per file whatever its name, and ends with no escape of a name', async () => {
    const { logs, ship } = await setUp()
    const files = await makeOddFiles(logs)
    const { stdout, code } = await ship(['--receipt'])
    expect(code).toBe(0)
    expect(lines(stdout)).toHaveLength(files.size)
    expect(stdout.includes(0x1b)).toBe(false)
    expect(stdout.includes(0x07)).toBe(false)
  })

  it('a dry run lists them, and writes nothing anywhere', async () => {
    const { directory, logs, server, ship } = await setUp()
    const files = await makeOddFiles(logs)
    await makeOtherThings(logs)
    const { stdout, stderr, code } = await ship(['--dry-run', '--json'])
    expect(code).toBe(0)
    expect(stderr).toContain('nothing was sent')
    const told = lines(stdout).map((line) => JSON.parse(line) as { path: string; length: number })
    expect(told.map(({ path, length }) => [path, length]).sort(byFirst)).toEqual(
      [...files].map(([path, { bytes }]) => [path, bytes.byteLength]).sort(byFirst),
    )
    expect(server.requests).toEqual([])
    const { readdir } = await import('node:fs/promises')
    expect(await readdir(directory)).toEqual(['logs'])
  })

  it('names that were given are meant as they are written, patterns as patterns', async () => {
    const { directory, logs, state, root } = await setUp()
    for (const name of ['[x].log', 'x.log', 'y.log', 'a b.log']) await writeFile(join(logs, name), name)
    const ship = (path: string, more: string[] = []) =>
      logcask(['ship', path, '--to', `file://${root}`, '--state', state, '--dry-run', ...more], { cwd: logs })
    expect(lines((await ship('[x].log')).stdout)).toEqual([`7  ${logs}/[x].log`])
    expect(lines((await ship('[xy].log')).stdout).sort()).toEqual([`5  ${logs}/x.log`, `5  ${logs}/y.log`])
    expect(lines((await ship('*.log', ['--exclude', '*x*'])).stdout).sort()).toEqual([
      `5  ${logs}/y.log`,
      `7  ${logs}/a b.log`,
    ])
    expect(lines((await ship(join(directory, 'logs/'))).stdout)).toHaveLength(4)
  })

  it('a link that is named is meant, one that is found is not', async () => {
    const { logs, state, root } = await setUp()
    await writeFile(join(logs, 'real.log'), 'real')
    await symlink('real.log', join(logs, 'link.log'))
    const { stdout } = await logcask(
      ['ship', join(logs, 'link.log'), '--to', `file://${root}`, '--state', state, '--dry-run'],
      {},
    )
    expect(lines(stdout)).toEqual([`4  ${logs}/real.log`])
  })

  it('a file that grew since is sent on, and only that', async () => {
    const { logs, ship, stores } = await setUp()
    const path = join(logs, 'app.log')
    await writeFile(path, 'one\n')
    expect((await ship()).code).toBe(0)
    await writeFile(path, 'two\n', { flag: 'a' })
    const { code, stderr } = await ship()
    expect(stderr).toContain('2 segments sent')
    expect(code).toBe(0)
    for (const holdings of await stores()) {
      expect(compareWithFiles(new Map([[path, await readFile(path)]]), holdings)).toMatchObject({ lost: 0, doubled: 0 })
      expect([...contentsOf(holdings).values()][0]?.seals).toEqual([`8-${sha256(Buffer.from('one\ntwo\n'))}`])
    }
  })
})

describe('ship with input that is wrong', () => {
  const isRoot = process.getuid?.() === 0

  it('I6: says which file cannot be read, delivers the others, and fails', async () => {
    const { directory, logs, ship, stores } = await setUp()
    await writeFile(join(logs, 'good.log'), 'good')
    await writeFile(join(logs, 'secret.log'), 'secret')
    await chmod(join(logs, 'secret.log'), 0)
    await chmod(directory, 0o777)
    const { code, stderr } = await ship([], isRoot ? { uid: 65534, gid: 65534 } : {})
    expect(stderr).toContain(`${join(logs, 'secret.log')}: cannot read`)
    expect(stderr).toMatch(/fix: let this user read it/)
    expect(code).toBe(1)
    const dry = await ship(['--dry-run'], isRoot ? { uid: 65534, gid: 65534 } : {})
    expect([dry.code, dry.stdout.toString()]).toEqual([1, `4  ${join(logs, 'good.log')}\n`])
    expect(dry.stderr).toContain(`cannot read ${join(logs, 'secret.log')}: EACCES`)
    for (const holdings of await stores())
      expect([...contentsOf(holdings).values()].map(({ content }) => content.toString())).toEqual(['good'])
  })

  it('I4, I6: says which directory cannot be searched, delivers the rest, and fails', async () => {
    const { directory, logs, ship, stores } = await setUp()
    await mkdir(join(logs, 'closed'))
    await writeFile(join(logs, 'good.log'), 'good')
    await writeFile(join(logs, 'closed/inside.log'), 'inside')
    await chmod(join(logs, 'closed'), 0)
    await chmod(directory, 0o777)
    const { code, stderr } = await ship([], isRoot ? { uid: 65534, gid: 65534 } : {})
    expect(stderr).toContain(`${join(logs, 'closed')}: cannot be searched: EACCES`)
    expect(stderr).toMatch(/fix: let this user/)
    expect(code).toBe(1)
    for (const holdings of await stores()) expect(contentsOf(holdings).size).toBe(1)
    await chmod(join(logs, 'closed'), 0o755)
  })

  it('a path that does not exist is no empty one', async () => {
    const { logs, root, state } = await setUp()
    const { code, stderr } = await logcask(['ship', join(logs, 'nope.log'), '--to', `file://${root}`, '--state', state])
    expect(stderr).toMatch(/nope\.log: no such file or directory\nfix: check the name/)
    expect(code).toBe(2)
  })

  it('an empty argument, an empty destination and one that is named twice are usage errors', async () => {
    const { logs, root, state } = await setUp()
    const ship = (...args: string[]) => logcask(['ship', '--state', state, ...args])
    const url = `file://${root}`
    for (const [args, message] of [
      [['', '--to', url], /an argument is empty: it names no file\nfix: /],
      [[logs, '--to', ''], /--to is empty: it names no destination\nfix: --to file:/],
      [[logs, '--to', url, '--to', `${url}/`], /is named twice\nfix: /],
      [[logs, '--to', 's3://b/p', '--to', 's3://b/p/?endpoint=http://a', '--endpoint', 'http://a'], /is named twice/],
    ] as const) {
      const { code, stderr } = await ship(...args)
      expect(stderr).toMatch(message)
      expect(code).toBe(2)
    }
  })

  it('I6: a named file that cannot be read is no pattern that matches nothing', async () => {
    const { directory, logs, root, state } = await setUp()
    await writeFile(join(logs, 'secret.log'), 'secret')
    await chmod(join(logs, 'secret.log'), 0)
    await chmod(directory, 0o777)
    const args = ['ship', join(logs, 'secret.log'), '--to', `file://${root}`, '--state', state]
    const { code, stderr } = await logcask(args, isRoot ? { uid: 65534, gid: 65534 } : {})
    expect(stderr).toMatch(/secret\.log: cannot read[\s\S]*\nnothing was sent\n$/)
    expect(stderr).not.toContain('no file matches')
    expect(code).toBe(1)
  })

  it('while an agent has the state, names another one first', async () => {
    const { logs, root, state } = await setUp()
    const held = await openState(state, 'web-1', systemClock)
    onTestFinished(() => held.close())
    const { code, stderr } = await logcask(['ship', logs, '--to', `file://${root}`, '--state', state])
    expect(stderr).toMatch(/another logcask works here[\s\S]*\nfix: run this with --state DIR, .*; or stop it first/)
    expect(code).toBe(1)
  })

  it('what is no file is refused by name', async () => {
    const { logs, root, state } = await setUp()
    await makeOtherThings(logs)
    const ship = (name: string) =>
      logcask(['ship', join(logs, name), '--to', `file://${root}`, '--state', state, '--dry-run'])
    for (const [name, message] of [
      ['fifo.log', /fifo\.log: is neither a file nor a directory: nothing was sent\nfix: /],
      ['s', /s: is neither a file nor a directory: nothing was sent\nfix: /],
      ['dangling', /dangling: is a link to what does not exist\nfix: /],
    ] as const) {
      const { code, stderr } = await ship(name)
      expect(stderr).toMatch(message)
      expect(code).toBe(2)
    }
  })

  it('the same file by several names is one', async () => {
    const { logs, ship } = await setUp()
    await writeFile(join(logs, 'app.log'), 'line\n')
    await link(join(logs, 'app.log'), join(logs, 'hard.log'))
    const args = [join(logs, 'app.log'), `${logs}/../logs/hard.log`, `${logs}/*.log`]
    const { code, stderr, stdout } = await ship(['--receipt', ...args])
    expect(stderr).toContain('1 file · 5 B')
    expect(lines(stdout)).toHaveLength(1)
    expect(code).toBe(0)
  })

  it('a pattern that matches nothing says so', async () => {
    const { logs, root, state } = await setUp()
    const args = ['ship', join(logs, '*.nope'), '--to', `file://${root}`, '--state', state]
    const { code, stderr } = await logcask(args)
    expect(stderr).toContain(`no file matches ${join(logs, '*.nope')}: nothing to do`)
    expect(code).toBe(0)
  })

  it.each([
    ['ftp://host/dir', /unknown scheme ftp:/],
    ['s4://bucket', /unknown scheme s4:\nfix: did you mean s3:/],
    ['/mnt/nas', /is no URL\nfix: write file:\/\/\/mnt\/nas/],
    ['s3://', /s3:\/\//],
    ['file://relative/dir', /names no absolute path/],
  ])('%s as a destination is refused with what to write', async (url, message) => {
    const { logs, state } = await setUp()
    await writeFile(join(logs, 'a.log'), 'a')
    const { code, stderr } = await logcask(['ship', logs, '--to', url, '--state', state])
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/\nfix: /)
    expect(code).toBe(2)
  })

  it.each([
    [['--timeout', 'soon'], /--timeout soon: cannot be read\nfix: write it as 10m/],
    [['--rate', '0'], /--rate 0: cannot be read/],
    [['--receit'], /unknown option --receit \(did you mean --receipt\?\)/],
    [['--host', ''], /host "": is empty/],
  ])('%j is refused with what to write', async (more, message) => {
    const { logs, root, state } = await setUp()
    await writeFile(join(logs, 'a.log'), 'a')
    const { code, stderr } = await logcask(['ship', logs, '--to', `file://${root}`, '--state', state, ...more])
    expect(stderr).toMatch(message)
    expect(code).toBe(2)
  })
})

function lines(output: Buffer): string[] {
  return output
    .toString()
    .split('\n')
    .filter((line) => line !== '')
}

function byFirst(a: readonly unknown[], b: readonly unknown[]): number {
  return String(a[0]) < String(b[0]) ? -1 : 1
}
