import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { segmentKey } from '../../src/format/keys.ts'
import type { FaultS3, FaultS3Options } from '../support/fault-s3.ts'
import { faults } from '../support/fault-s3-faults.ts'
import { bucketOn, faultS3 } from '../support/fault-s3-fixture.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { type StoredStream, storedStream } from '../support/stored-stream.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { commandLine } from './run-command-line.ts'

guardLeaks()

const stream = '20261119T101500123456789Z-1a2b'

async function setUp(options: FaultS3Options = {}): Promise<{ server: FaultS3; stored: StoredStream; url: string }> {
  const server = await faultS3(options)
  const stored = storedStream(bucketOn(server, { prefix: 'pre/' }), 'web-1', stream, '/var/log/a.log')
  for (let line = 0; line < 30; line++) await stored.append(`${'x'.repeat(line * 100)} ${line}\n`)
  await stored.seal()
  server.requests.length = 0
  return { server, stored, url: `s3://bucket/pre?endpoint=${server.endpoint}` }
}

describe('readers on S3', () => {
  it('only ever read: no probe, nothing written', async () => {
    const { server, url, stored } = await setUp()
    expect((await commandLine(['ls', url, 'web-1'])).stdout).toContain('sealed')
    expect((await commandLine(['cat', url, 'web-1', 'a.log'])).stdout).toBe(stored.content.toString())
    const to = join(await tempDirectory('s3'), 'out')
    expect((await commandLine(['compact', '--from', url, '--to', to, '--once'])).code).toBe(0)
    expect((await commandLine(['verify', '--from', url])).code).toBe(0)
    expect(server.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([])
    expect(server.requests.length).toBeGreaterThan(60)
  })

  it('give identical bytes while two of three requests fail', async () => {
    const { server, url, stored } = await setUp()
    const troubles = [faults['503'], faults['cut-download'], faults['lost-before']]
    let requests = 0
    server.fault(({ attempt }) => (attempt % 3 === 0 ? undefined : troubles[requests++ % 3]))
    const { code, stdout } = await commandLine(['cat', url, 'web-1', 'a.log'])
    expect(code).toBe(0)
    expect(stdout === stored.content.toString()).toBe(true)
    const to = join(await tempDirectory('s3'), 'out')
    const compacted = await commandLine(['compact', '--from', url, '--to', to, '--once'])
    expect(compacted.code, compacted.stderr).toBe(0)
    expect((await readFile(join(to, `web-1/var/log/a.log~${stream}`))).equals(stored.content)).toBe(true)
  })

  it('I2: print the oldest version where somebody wrote a newer one', async () => {
    const { server, url, stored } = await setUp({ versioned: true })
    server.objects.put(`pre/${segmentKey('web-1', stream, 0, 'e3b0c44298fc1c14')}`, Buffer.from(' 0\n'))
    server.objects.remove(`pre/${segmentKey('web-1', stream, 0, 'e3b0c44298fc1c14')}`)
    expect((await commandLine(['cat', url, 'web-1', 'a.log'])).stdout).toBe(stored.content.toString())
    expect((await commandLine(['ls', url, 'web-1'])).stdout).toContain('tampered: a key has 3 versions')
  })

  it('say what to do where the store says no', async () => {
    const { server, url } = await setUp()
    server.fault(() => faults.denied)
    for (const args of [
      ['ls', url],
      ['cat', url, 'web-1', 'a.log'],
      ['verify', '--from', url],
    ]) {
      const { code, stdout, stderr } = await commandLine(args)
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toContain('fix:')
    }
  })

  it('I4: exit 75 where a range of the chain cannot be read, and print what comes before', async () => {
    const { server, url, stored } = await setUp()
    const key = segmentKey('web-1', stream, 0, 'e3b0c44298fc1c14')
    server.fault((request) =>
      request.operation === 'GetObject' && !request.key.endsWith(key) ? faults['503'] : undefined,
    )
    const { code, stdout } = await commandLine(['cat', url, 'web-1', '--stream', stream])
    expect(code).toBe(75)
    expect(stored.content.toString().startsWith(stdout)).toBe(true)
    expect(stdout).toBe(' 0\n')
  })
})
