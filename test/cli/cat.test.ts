import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { sha256 } from '../../src/base/hash.ts'
import { matchPath } from '../../src/cli/read/read-names.ts'
import { parseRange } from '../../src/cli/read/read-range.ts'
import { gapKey, sealKey, segmentKey } from '../../src/format/keys.ts'
import { encodeOrigin } from '../../src/format/origin.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { storedStream, storeWithStrays } from '../support/stored-stream.ts'
import { diskBucket, eventually } from './reader-bucket.ts'
import { commandLine, startCommandLine } from './run-command-line.ts'

guardLeaks()

const older = '20261119T101500123456789Z-1a2b'
const newer = '20261120T101500123456789Z-1a2c'
const newest = '20261121T101500123456789Z-1a2d'

async function setUp() {
  const disk = await diskBucket()
  const first = storedStream(disk.bucket, 'web-1', older, '/var/log/a.log')
  for (const text of ['one\n', 'two\n']) await first.append(text)
  await first.seal()
  const second = storedStream(disk.bucket, 'web-1', newer, '/var/log/a.log')
  for (const text of ['three\n', 'four\n', 'five\n']) await second.append(text)
  return { ...disk, first, second, cat: (...args: string[]) => commandLine(['cat', disk.url, 'web-1', ...args]) }
}

describe('cat', () => {
  it('prints the newest stream of a name, and says that there are others', async () => {
    const { cat } = await setUp()
    const { code, stdout, stderr } = await cat('/var/log/a.log')
    expect([code, stdout]).toEqual([0, 'three\nfour\nfive\n'])
    expect(stderr).toContain(`the newest stream, ${newer}; 1 older: --all prints them too`)
    expect(stderr).toContain('bytes 0–16 · chain verified')
  })

  it('takes the end of a name where that is clear', async () => {
    const { cat, bucket } = await setUp()
    expect((await cat('a.log')).stdout).toBe('three\nfour\nfive\n')
    await storedStream(bucket, 'web-1', newest, '/srv/a.log').append('other')
    expect((await cat('log/a.log')).stdout).toBe('three\nfour\nfive\n')
    const several = await cat('a.log')
    expect(several.code).toBe(2)
    expect(several.stderr).toContain('/srv/a.log')
    expect(several.stderr).toContain('/var/log/a.log')
    expect(several.stderr).toContain('--stream ID')
  })

  it('prints all streams of a name in the order of their birth', async () => {
    const { cat } = await setUp()
    const { code, stdout, stderr } = await cat('a.log', '--all')
    expect([code, stdout]).toEqual([0, 'one\ntwo\nthree\nfour\nfive\n'])
    expect(stderr).toContain('SHA-256 as sealed')
  })

  it('prints one stream by its id', async () => {
    const { cat } = await setUp()
    expect(await cat('--stream', older)).toMatchObject({ code: 0, stdout: 'one\ntwo\n' })
    expect(await cat('--stream', 'x')).toMatchObject({ code: 2, stderr: expect.stringContaining("no stream's id") })
  })

  it('says nothing with --quiet where all is well', async () => {
    const { cat } = await setUp()
    expect(await cat('a.log', '--quiet')).toEqual({ code: 0, stdout: 'three\nfour\nfive\n', stderr: '' })
  })

  it('refuses names and hosts that are none', async () => {
    const { cat, url } = await setUp()
    expect(await cat('b.log')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('no stream is called'),
    })
    expect(await commandLine(['cat', url, 'web-2', 'a.log'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('did you mean web-1?'),
    })
    expect(await cat()).toMatchObject({ code: 2 })
    expect(await cat('a.log', '--all', '--follow')).toMatchObject({ code: 2 })
    expect(await cat('a.log', '--follow', '--range', '0-5')).toMatchObject({ code: 2 })
  })

  it.each([
    ['0-5', 'three'],
    ['6-10', 'four'],
    ['4-9', 'e\nfou'],
    ['11-', 'five\n'],
    ['10-11', '\n'],
    ['15-1000', '\n'],
    ['16-17', ''],
    ['900-901', ''],
  ])('--range %s prints %j', async (range, expected) => {
    const { cat } = await setUp()
    expect(await cat('a.log', '--range', range)).toMatchObject({ code: 0, stdout: expected })
  })

  it('gives identical bytes whatever the segmentation, whole and in ranges, with strays mixed in', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const random = seededRandom(seed)
      const { bucket, url } = await diskBucket()
      const stored = storedStream(bucket, 'h', older, '/a')
      const content = Buffer.from(Array.from({ length: random.int(1, 60_000) }, () => random.int(32, 126)))
      await storeWithStrays(stored, content, random)
      await stored.seal()
      const text = content.toString()
      const whole = await commandLine(['cat', url, 'h', '/a'])
      expect(whole.stdout === text, `seed ${seed}`).toBe(true)
      expect(whole.stderr).toContain('SHA-256 as sealed')
      const [start, end] = [random.int(0, text.length - 1), random.int(0, text.length)].toSorted((a, b) => a - b)
      const range = await commandLine(['cat', url, 'h', '/a', '--range', `${start}-${end! + 1}`])
      expect(range.stdout === text.slice(start, end! + 1), `seed ${seed}, ${start}-${end}`).toBe(true)
    }
  })

  it('exits 1 where the content is not what its seal says', async () => {
    const { cat, second } = await setUp()
    await second.seal({ sha256: 'f'.repeat(64) })
    const { code, stdout, stderr } = await cat('a.log')
    expect([code, stdout]).toEqual([1, 'three\nfour\nfive\n'])
    expect(stderr).toContain("is not its seal's")
  })

  it('exits 3 where bytes are missing, and says which', async () => {
    const { cat, second } = await setUp()
    await second.seal({ length: 20 })
    const short = await cat('a.log')
    expect([short.code, short.stdout]).toEqual([3, 'three\nfour\nfive\n'])
    expect(short.stderr).toContain('4 B that its seal counts are not there')
    expect(await cat('a.log', '--range', '0-10')).toMatchObject({ code: 0 })
  })

  it('exits 3 for a gap that is not closed, and 0 for one that is, or a fork', async () => {
    const { cat, first, second } = await setUp()
    await first.gap('truncated', 4)
    await second.gap('diverged')
    expect(await cat('a.log')).toMatchObject({ code: 0 })
    expect(await cat('--stream', older)).toMatchObject({ code: 0 })
    await second.gap('unspooled', 16, 116)
    const { code, stderr } = await cat('a.log')
    expect(code).toBe(3)
    expect(stderr).toContain('gap at 16: 100 B unspooled unread')
  })

  it('names records of a later version with the remedy, prints what it has, and exits 3', async () => {
    const { cat, bucket, second } = await setUp()
    const put = (key: string, body: string) => bucket.put(key, Buffer.from(body), { mode: 'create' })
    await put(gapKey('web-1', newer, 16, 116), '{"v":2}')
    await put(sealKey('web-1', newer, 116, second.sha256), '{"v":9}')
    const { code, stdout, stderr } = await cat('a.log')
    expect([code, stdout]).toEqual([3, 'three\nfour\nfive\n'])
    expect(stderr).toMatch(/gap at 16: 100 B maybe lost .*version 2 is not 1; a newer logcask .* upgrade the reader/)
    expect(stderr).toMatch(/a seal that cannot be read: .*version 9 is not 1; a newer logcask .* upgrade the reader/)
    expect(stderr).not.toContain('that its seal counts')
    expect(await cat('a.log', '--range', '0-10')).toMatchObject({ code: 0 })
  })

  it('prints what is left of a stream whose beginning has expired, and exits 3', async () => {
    const { bucket, url } = await diskBucket()
    const stored = storedStream(bucket, 'h', older, '/old')
    await stored.seal({ length: 5010 })
    await stored.stray(5000, 'a'.repeat(16), 'left')
    await stored.stray(5004, 'b'.repeat(16), ' over\n')
    const { code, stdout, stderr } = await commandLine(['cat', url, 'h', '/old'])
    expect([code, stdout]).toEqual([3, 'left over\n'])
    expect(stderr).toContain('the bytes before 5,000 are not there')
  })

  it('prints nothing of an empty file, and is sure of it', async () => {
    const { bucket, url } = await diskBucket()
    await storedStream(bucket, 'h', older, '/empty').seal()
    const { code, stdout, stderr } = await commandLine(['cat', url, 'h', '/empty'])
    expect([code, stdout]).toEqual([0, ''])
    expect(stderr).toContain('SHA-256 as sealed')
  })

  it('I9: a stream with a header that no agent wrote hides no other', async () => {
    const { cat, bucket } = await setUp()
    const key = segmentKey('web-1', newest, 0, 'e3b0c44298fc1c14')
    await bucket.put(key, Buffer.from('x'), { mode: 'create', metadata: { origin: '{"v":2}' } })
    const { code, stdout, stderr } = await cat('a.log')
    expect([code, stdout]).toEqual([0, 'three\nfour\nfive\n'])
    expect(stderr).toContain(`${newest}: cannot be read`)
  })

  it('finds names that the origin had to cut, and names with control characters', async () => {
    const { bucket, url } = await diskBucket()
    const long = `/var/log/${'ż'.repeat(900)}.log`
    const cut = JSON.parse(encodeOrigin({ path: long, identity: older, agent: '0.1.0' })) as {
      path: string
      pathSha256: string
    }
    await storedStream(bucket, 'h', older, cut.path, { pathSha256: cut.pathSha256 }).append('long')
    await storedStream(bucket, 'h', newer, '/a\nb').append('control')
    expect((await commandLine(['cat', url, 'h', long])).stdout).toBe('long')
    expect((await commandLine(['cat', url, 'h', '/a\\x0ab'])).stdout).toBe('control')
  })

  it('waits for a reader that is slow, and holds a bounded part of the stream', async () => {
    const { bucket, url } = await diskBucket()
    const stored = storedStream(bucket, 'h', older, '/large')
    const piece = Buffer.alloc(1024 * 1024, 'x')
    for (let at = 0; at < 24; at++) await stored.append(piece)
    let written = 0
    let release = (): void => {}
    const slow = Object.assign(
      new Writable({
        highWaterMark: 1,
        write: (chunk: Buffer, _encoding, done) => {
          written += chunk.length
          release = done
        },
      }),
      { isTTY: false },
    )
    const run = startCommandLine(['cat', url, 'h', '/large'], { stdout: slow })
    await eventually(() => (written > 0 ? written : undefined))
    expect(written).toBe(piece.length)
    let isOver = false
    void run.code.then(() => {
      isOver = true
    })
    await eventually(() => {
      // Each piece is taken once: a busy machine may not have the next one yet.
      const take = release
      release = () => {}
      take()
      return isOver || undefined
    })
    expect(await run.code).toBe(0)
    expect(written).toBe(24 * piece.length)
  })

  it('--follow goes on as more comes, over a rotation, and ends with the signal', async () => {
    const { url, bucket, second } = await setUp()
    const run = startCommandLine(['cat', url, 'web-1', 'a.log', '--follow'])
    const shows = (text: string) => eventually(() => (run.stdout() === text ? text : undefined))
    await shows('three\nfour\nfive\n')
    await second.append('six\n')
    await shows('three\nfour\nfive\nsix\n')
    const third = storedStream(bucket, 'web-1', newest, '/var/log/a.log')
    await third.append('seven\n')
    await second.append('late\n')
    await second.seal()
    await shows('three\nfour\nfive\nsix\nlate\nseven\n')
    expect(run.stderr()).toContain(`rotated, going on with stream ${newest}`)
    await third.append('eight\n')
    await shows('three\nfour\nfive\nsix\nlate\nseven\neight\n')
    run.signal('SIGINT')
    expect(await run.code).toBe(130)
  })
})

describe('a range', () => {
  it.each([
    ['0-5', { start: 0, end: 5 }],
    ['7-', { start: 7, end: Number.POSITIVE_INFINITY }],
    ['1KiB-1MiB', { start: 1024, end: 1048576 }],
  ])('%s is read', (text, expected) => {
    expect(parseRange(text)).toEqual(expected)
  })

  it.each(['', '5', '-5', '5-5', '6-5', 'a-b', '1-2-3', '0x1-5', '1.5-3', '99999999999999999999-'])(
    '%j is refused',
    (text) => {
      expect(() => parseRange(text)).toThrow(expect.objectContaining({ code: 'invalid' }))
    },
  )
})

describe('a name', () => {
  const origins = ['/var/log/a.log', '/srv/log/a.log', '/a.log', '/var/log/b'].map((path) => ({ path }))
  it.each([
    ['/var/log/a.log', { path: '/var/log/a.log' }],
    ['/a.log', { path: '/a.log' }],
    ['var/log/a.log', { path: '/var/log/a.log' }],
    ['b', { path: '/var/log/b' }],
    ['a.log', { candidates: ['/a.log', '/srv/log/a.log', '/var/log/a.log'] }],
    ['log', { candidates: [] }],
    ['', { candidates: [] }],
  ])('%j means %j', (name, expected) => {
    expect(matchPath(name, origins)).toEqual(expected)
  })

  it('that was cut is known by its SHA-256', () => {
    const origin = { path: '/cu', pathSha256: sha256(Buffer.from('/cut off')) }
    expect(matchPath('/cut off', [origin])).toEqual({ path: '/cu' })
    expect(matchPath('/cut on', [origin])).toEqual({ candidates: [] })
  })
})
