import { describe, expect, it } from 'vitest'
import { sha256 } from '../../src/base/hash.ts'
import { serveApi } from '../server/api-fixture.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { storedStream } from '../support/stored-stream.ts'
import { diskBucket, eventually } from './reader-bucket.ts'
import { commandLine, startCommandLine } from './run-command-line.ts'

guardLeaks()

const older = '20261119T101500123456789Z-1a2b'
const newer = '20261120T101500123456789Z-1a2c'
const path = '/var/log/nginx/access.log'

/** A bucket, and a server on it that asks for a token. */
async function setUp() {
  const disk = await diskBucket()
  const first = storedStream(disk.bucket, 'web-1', older, path)
  await first.append('older ')
  await first.append('sealed')
  await first.seal()
  const second = storedStream(disk.bucket, 'web-1', newer, path)
  await second.append('live\n')
  await second.stray(2, '0123456789abcdef', 'x')
  await storedStream(disk.bucket, 'web-1', '0-7', '/var/log/other.log', { labels: { a: 'b' } }).append('other')
  await storedStream(disk.bucket, 'db 1', '0-1', '/b').append('b')
  const rules = { tokens: [{ name: 'a', sha256: sha256(Buffer.from('secret')), hosts: ['web-*'] }], clients: [] }
  const api = await serveApi({ bucket: disk.bucket, rules })
  const { port } = api
  const url = `http://127.0.0.1:${port}`
  const env = { LOGCASK_TOKEN: 'secret' }
  const run = (args: string[], token = 'secret') => commandLine(args, { env: { LOGCASK_TOKEN: token } })
  const start = (args: string[]) => startCommandLine(args, { env })
  return { ...disk, server: url, api, rules, port, run, start, first, second }
}

describe('ls of a server', () => {
  it('prints what ls of its bucket prints', async () => {
    const { url, server, run } = await setUp()
    expect(await run(['ls', server])).toEqual({ code: 0, stdout: 'web-1\n', stderr: '' })
    for (const args of [['web-1'], ['web-1', 'access.log'], ['web-1', '--json']]) {
      const [there, here] = [await run(['ls', server, ...args]), await run(['ls', url, ...args])]
      const lines = (text: string): string[] => text.split('\n').sort()
      expect([args, there.code, lines(there.stdout)]).toEqual([args, here.code, lines(here.stdout)])
      expect(there.stderr).toBe(here.stderr)
    }
  })
})

describe('cat of a server', () => {
  it.each([
    [[path], 'live\n'],
    [['access.log'], 'live\n'],
    [['access.log', '--all'], 'older sealedlive\n'],
    [['access.log', '--range', '1-3'], 'iv'],
    [['access.log', '--range', '99-'], ''],
    [['--stream', older], 'older sealed'],
    [['--stream', older, '--range', '6-'], 'sealed'],
    [['other.log'], 'other'],
  ])('%j prints what cat of its bucket prints', async (args, text) => {
    const { url, server, run } = await setUp()
    const there = await run(['cat', server, 'web-1', ...args])
    expect([there.code, there.stdout]).toEqual([0, text])
    expect((await run(['cat', url, 'web-1', ...args])).stdout).toBe(text)
  })

  it('compares with the seal, and tells gaps', async () => {
    const { server, run, second, bucket } = await setUp()
    expect((await run(['cat', server, 'web-1', '--stream', older])).stderr).toContain('SHA-256 as sealed')
    await second.gap('truncated', 5, 9)
    const gap = await run(['cat', server, 'web-1', path])
    expect([gap.code, gap.stdout, gap.stderr]).toEqual([
      3,
      'live\n',
      expect.stringContaining('gap at 5: 4 B truncated'),
    ])
    const lying = storedStream(bucket, 'web-1', '0-9', '/lying')
    await lying.append('content')
    await lying.seal({ sha256: 'a'.repeat(64) })
    const lie = await run(['cat', server, 'web-1', '/lying'])
    expect([lie.code, lie.stderr]).toEqual([1, expect.stringContaining('not what its seal says')])
  })

  it('says what to do where it may not, cannot, or there is nothing', async () => {
    const { server, run } = await setUp()
    const wrong = await run(['cat', server, 'web-1', path], 'other')
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('fix: set LOGCASK_TOKEN')])
    expect(wrong.stderr).not.toContain('other')
    for (const token of ['logcask_9f31…', 'logcask_9f31\r', 'two\nlines']) {
      const garbled = await run(['ls', server], token)
      expect([garbled.code, garbled.stderr]).toEqual([2, expect.stringContaining('LOGCASK_TOKEN: holds a character')])
      expect(garbled.stderr).not.toContain('9f31')
    }
    const forbidden = await run(['ls', server, 'db 1'])
    expect([forbidden.code, forbidden.stderr]).toEqual([1, expect.stringContaining('fix: ask whoever runs the server')])
    expect((await run(['ls', server, 'web-9'])).code).toBe(2)
    const none = await run(['cat', server, 'web-1', 'nothing.log'])
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('no stream is called nothing.log')])
    const absent = await run(['cat', server, 'web-1', '--stream', '0-77'])
    expect([absent.code, absent.stderr]).toEqual([2, expect.stringContaining('no such stream')])
    expect((await run(['ls', `${server}/api`])).code).toBe(2)
    const gone = await run(['ls', 'http://127.0.0.1:9'])
    expect([gone.code, gone.stderr]).toEqual([75, expect.stringContaining('ECONNREFUSED')])
  })

  it('sends no token unencrypted to another machine', async () => {
    const { run } = await setUp()
    const { code, stderr } = await run(['ls', 'http://192.0.2.1:8470'])
    expect([code, stderr]).toEqual([2, expect.stringContaining('would go there unencrypted')])
  })
})

describe('cat --follow of a server', () => {
  it('goes on as more comes, after a cut behind the last byte, and with the next stream after a rotation', async () => {
    const { server, api, bucket, rules, port, start, second } = await setUp()
    const run = start(['cat', server, 'web-1', path, '--follow'])
    const shows = (text: string) => eventually(() => (run.stdout() === text ? text : undefined))
    await shows('live\n')
    await second.append('more\n')
    await shows('live\nmore\n')

    await api.server.close()
    await eventually(() => (run.stderr().includes('trying on') ? true : undefined))
    await second.append('meanwhile\n')
    await serveApi({ bucket, rules, address: { kind: 'tcp', host: '127.0.0.1', port } })
    await shows('live\nmore\nmeanwhile\n')

    await second.seal()
    const third = storedStream(bucket, 'web-1', '20261121T101500123456789Z-1a2d', path)
    await third.append('next\n')
    await shows('live\nmore\nmeanwhile\nnext\n')
    expect(run.stderr()).toContain(`rotated, going on with stream ${third.stream}`)
    run.signal('SIGINT')
    expect(await run.code).toBe(130)
  })

  it('of one stream waits for bytes beyond its seal, and goes on from a range', async () => {
    const { server, first, start } = await setUp()
    const run = start(['cat', server, 'web-1', '--stream', first.stream, '--range', '6-', '--follow'])
    await eventually(() => (run.stdout() === 'sealed' ? true : undefined))
    run.signal('SIGTERM')
    expect([await run.code, run.stdout()]).toEqual([143, 'sealed'])
  })

  it('ends where the server says no', async () => {
    const { server, run } = await setUp()
    const { code, stderr } = await run(['cat', server, 'web-1', path, '--follow'], 'other')
    expect([code, stderr]).toEqual([1, expect.stringContaining('fix: set LOGCASK_TOKEN')])
  })
})
