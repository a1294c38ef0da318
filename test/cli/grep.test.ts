import { describe, expect, it } from 'vitest'
import { sha256 } from '../../src/base/hash.ts'
import { matcherOf } from '../../src/cli/read/grep-match.ts'
import { OrderedOutput } from '../../src/cli/read/ordered-output.ts'
import { serveApi } from '../server/api-fixture.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { storedStream } from '../support/stored-stream.ts'
import { diskBucket } from './reader-bucket.ts'
import { commandLine } from './run-command-line.ts'

guardLeaks()

const older = '20261119T101500123456789Z-1'
const newer = '20261120T101500123456789Z-2'
const log = '/var/log/app.log'

async function setUp() {
  const disk = await diskBucket()
  const { bucket } = disk
  const first = storedStream(bucket, 'web-1', older, log)
  await first.append('GET /old 500\n')
  await first.seal()
  const second = storedStream(bucket, 'web-1', newer, log)
  // A line that spans three segments, and a last one without a newline.
  for (const part of ['GET /a 200\nGET /b', ' 5', '00\nPOST /c 500\nget /d 200']) await second.append(part)
  await storedStream(bucket, 'web-2', newer, log).append('GET /e 500\n')
  await storedStream(bucket, 'db-1', newer, '/var/log/db.log').append('500 rows\n')
  const { port } = await serveApi({ bucket })
  return { ...disk, second, server: `http://127.0.0.1:${port}` }
}

describe.each(['url', 'server'] as const)('grep of a %s', (kind) => {
  it.each([
    [['500', 'web-1', log], 0, 'GET /b 500\nPOST /c 500\n'],
    [['500', 'web-1', log, '--all'], 0, 'GET /old 500\nGET /b 500\nPOST /c 500\n'],
    [['-n', '500$', 'web-1', 'app.log'], 0, '2:GET /b 500\n3:POST /c 500\n'],
    [['-c', '500', 'web-1', log], 0, '2\n'],
    [['-l', '500', 'web-1', log], 0, `web-1:${log}\n`],
    [['-v', '500', 'web-1', log], 0, 'GET /a 200\nget /d 200\n'],
    [['-i', '^get', 'web-1', log], 0, 'GET /a 200\nGET /b 500\nget /d 200\n'],
    [['-m', '1', '500', 'web-1', log, '--all'], 0, 'GET /old 500\n'],
    [['-F', '/b 5', 'web-1', log], 0, 'GET /b 500\n'],
    [['-F', '.', 'web-1', log], 1, ''],
    [['-Fi', 'POST /C', 'web-1', log], 0, 'POST /c 500\n'],
    [['-e', '/a', '-e', '/c', 'web-1', log], 0, 'GET /a 200\nPOST /c 500\n'],
    [['nothing', 'web-1', log], 1, ''],
    [['-c', 'nothing', 'web-1', log], 1, '0\n'],
    [['500', 'web-*', 'app.log'], 0, `web-1:${log}:GET /b 500\nweb-1:${log}:POST /c 500\nweb-2:${log}:GET /e 500\n`],
    [['-c', '500'], 0, `db-1:/var/log/db.log:1\nweb-1:${log}:2\nweb-2:${log}:1\n`],
    [['-l', 'rows'], 0, 'db-1:/var/log/db.log\n'],
    [['-in', 'POST', 'web-?', '*'], 0, `web-1:${log}:3:POST /c 500\n`],
    [['500', 'web-1', log, '--since', '1h'], 0, 'GET /old 500\nGET /b 500\nPOST /c 500\n'],
    [['500', 'web-1', log, '--until', '2026-01-01'], 1, ''],
  ])('%j', async (args, code, stdout) => {
    const place = await setUp()
    const at = args.findIndex((word) => !word.startsWith('-') && !/^\d$|^\/[ac]$/.test(word))
    const isExpression = args[0] === '-e'
    const words = args.toSpliced(isExpression ? 4 : at + 1, 0, place[kind])
    expect(await commandLine(['grep', ...words])).toMatchObject({ code, stdout })
  })

  it('--json says where each line is', async () => {
    const place = await setUp()
    const { stdout } = await commandLine(['grep', '500', place[kind], 'web-1', log, '--json', '-m', '1'])
    expect(JSON.parse(stdout)).toEqual({
      host: 'web-1',
      name: log,
      stream: newer,
      line: 2,
      offset: 11,
      text: 'GET /b 500',
    })
  })

  it('tells gaps, and what it left out', async () => {
    const place = await setUp()
    await place.second.gap('truncated', place.second.content.length, 1000)
    const { code, stderr } = await commandLine(['grep', 'old', place[kind], 'web-1', 'app.log'])
    expect([code, stderr]).toEqual([1, expect.stringContaining('gap at')])
    expect(stderr).toContain('--all')
  })
})

describe('grep', () => {
  it('gives bytes as they are into a pipe, and nothing that moves a cursor to a terminal', async () => {
    const { bucket, url } = await diskBucket()
    await storedStream(bucket, 'h', newer, '/a').append(Buffer.from('x\u001b[2J\xff\ty\n', 'latin1'))
    expect((await commandLine(['grep', 'x', url, 'h', '/a'])).stdout).toBe(
      Buffer.from('x\u001b[2J\xff\ty\n', 'latin1').toString(),
    )
    const shown = await commandLine(['grep', 'x', url, 'h', '/a', '--no-color'], { isTTY: true })
    expect(shown.stdout).toContain('x\\x1b[2J')
    expect(shown.stdout).toContain('\ty')
  })

  it('escapes what a host called its files, wherever a name stands', async () => {
    const { bucket, url } = await diskBucket()
    const stored = storedStream(bucket, 'h', newer, '/a\u001b[2J\n\u202eb')
    await stored.append('x\n')
    await stored.gap('truncated', 2, 9)
    for (const args of [['x'], ['-l', 'x'], ['-c', 'x']]) {
      const { stdout, stderr } = await commandLine(['grep', ...args, url])
      expect(stdout.startsWith('h:/a\\x1b[2J\\x0a\\u202eb')).toBe(true)
      for (const hostile of ['\u001b', '\u202e']) expect(`${stdout}${stderr}`).not.toContain(hostile)
    }
    expect((await commandLine(['cat', url, '*', '*'])).stdout).toBe('x\n')
  })

  it('searches lines longer than a MiB in pieces, and says so', async () => {
    const { bucket, url } = await diskBucket()
    const stored = storedStream(bucket, 'h', newer, '/long')
    for (let at = 0; at < 5; at++) await stored.append(Buffer.alloc(600_000, 'x'))
    await stored.append('needle\nshort needle\n')
    const { code, stdout, stderr } = await commandLine(['grep', '-c', 'needle', url, 'h', '/long'])
    expect([code, stdout]).toEqual([0, '2\n'])
    expect(stderr).toContain('were searched in pieces')
  })

  it('prints many files in one order, whichever comes first', async () => {
    const { bucket, url } = await diskBucket()
    const hosts = Array.from({ length: 40 }, (_, at) => `h${String(at).padStart(2, '0')}`)
    for (const host of hosts) {
      const stored = storedStream(bucket, host, newer, '/a')
      for (let at = 0; at < (host < 'h05' ? 20 : 1); at++) await stored.append(`${host} ${at}\n`)
    }
    const { stdout } = await commandLine(['grep', '0$', url, '*', '/a'])
    const names = stdout.split('\n').flatMap((line) => line.split(':')[0] || [])
    expect(names).toEqual(names.toSorted())
    expect(new Set(names)).toEqual(new Set(hosts))
  })

  it('searches several places at once', async () => {
    const [one, two] = [await setUp(), await diskBucket()]
    await storedStream(two.bucket, 'eu-1', newer, '/b').append('500 elsewhere\n')
    const { stdout } = await commandLine(['grep', '500', one.url, '--also', two.url, '*', '/*b*'])
    expect(stdout).toBe('db-1:/var/log/db.log:500 rows\neu-1:/b:500 elsewhere\n')
  })

  it('exits 2 for wrong usage, and where something could not be read', async () => {
    const { url, bucket, second } = await setUp()
    const grep = async (...args: string[]) => {
      const { code, stderr } = await commandLine(['grep', ...args])
      return [code, stderr]
    }
    expect(await grep()).toEqual([2, expect.stringContaining('logcask grep PATTERN URL')])
    expect(await grep('(', url)).toEqual([2, expect.stringContaining('-F takes it as text')])
    expect(await grep('x', url, 'web-1', 'none')).toEqual([2, expect.stringContaining('no stream is called none')])
    expect(await grep('-m', '0', 'x', url)).toEqual([2, expect.any(String)])
    expect(await grep('-n', 'x', url, '--since', '1h')).toEqual([2, expect.any(String)])
    expect(await grep('x', 'http://127.0.0.1:9')).toEqual([2, expect.stringContaining('ECONNREFUSED')])
    await second.seal({ sha256: sha256(Buffer.from('another')) })
    expect(await grep('500', url, 'web-1', log)).toEqual([2, expect.stringContaining("is not its seal's")])
    expect(bucket.url).toBe(url)
  })
})

describe('a line', () => {
  const options = { isFixed: false, ignoresCase: false, isInverted: false }
  it.each([
    ['ż.ł', 'zażółć', options, true],
    ['^.$', Buffer.from([0xff]), options, true],
    ['a\\-b', 'a-b', options, true],
    ['[a]+', '[a]+', { ...options, isFixed: true }, true],
    ['[A]+', '[a]+', { ...options, isFixed: true, ignoresCase: true }, true],
    ['Ż', 'ż', { ...options, ignoresCase: true }, true],
    ['a', 'b', { ...options, isInverted: true }, true],
    ['', 'b', options, true],
  ])('%j fits %j with %j: %j', (pattern, line, how, expected) => {
    expect(matcherOf([pattern], how)(Buffer.from(line))).toBe(expected)
  })
})

it('output of works at once comes in their order, within bounds', async () => {
  const written: string[] = []
  const output = new OrderedOutput(async (bytes) => void written.push(Buffer.from(bytes).toString()))
  const [one, two, three] = [output.begin(), output.begin(), output.begin()]
  await three.write(Buffer.from('5'))
  await two.write(Buffer.from('3'))
  let isHeld = true
  const large = two.write(Buffer.alloc(2 * 1024 * 1024)).then(() => {
    isHeld = false
  })
  await one.write(Buffer.from('1'))
  await one.write(Buffer.from('2'))
  expect([isHeld, written]).toEqual([true, ['1', '2']])
  await one.close()
  await large
  const closing = three.close()
  await two.write(Buffer.from('4'))
  await two.close()
  await closing
  expect(written.filter((text) => text.length === 1)).toEqual(['1', '2', '3', '4', '5'])
})
