import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { zstdDecompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { listObjects } from '../../src/bucket/bucket.ts'
import { createDirectoryBucket } from '../../src/bucket/directory.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { storedStream } from '../support/stored-stream.ts'
import { diskBucket, eventually } from './reader-bucket.ts'
import { commandLine, startCommandLine } from './run-command-line.ts'

guardLeaks()

async function setUp() {
  const disk = await diskBucket()
  const root = join(disk.directory, 'archive')
  const to = join(disk.directory, 'out')
  const stored = storedStream(disk.bucket, 'web-1', '0-1', '/var/log/a.log')
  await stored.append('hello')
  const archived = createDirectoryBucket({ root, create: false }, systemClock)
  const keys = async (): Promise<string[]> => {
    const objects = await listObjects(archived, 'host=').catch(() => [])
    return objects.map(({ key }) => key)
  }
  const args = ['compact', '--from', disk.url, '--archive', pathToFileURL(root).href]
  return { ...disk, root, to, stored, args, keys }
}

describe('compact --archive', () => {
  it('--once archives what is complete, says so, and has nothing to do the next time', async () => {
    const { args, stored, keys } = await setUp()
    const nothing = await commandLine([...args, '--once'])
    expect([nothing.code, nothing.stderr]).toEqual([0, 'archive: nothing new\n'])
    await stored.seal()
    const { code, stdout, stderr } = await commandLine([...args, '--once'])
    const key = 'host=web-1/date=none/a.log~0-1-5.gz'
    expect([code, stdout, await keys()]).toEqual([0, '', [key]])
    expect(stderr).toContain(`archived   ${key} 5 B ${stored.sha256.slice(0, 4)}…\n`)
    expect(stderr).toMatch(/archive: 1 stream, 5 B in \S+ m?s\n$/)
    const { stdout: json } = await commandLine([...args, '--once', '--json'])
    expect(JSON.parse(json)).toEqual({
      kind: 'archive-summary',
      ...{ hosts: 1, sent: 0, sentBytes: 0, there: 0, lies: 0, short: 0, problems: 0 },
    })
  })

  it('--accept-host and --accept-name: nothing else is archived', async () => {
    const { args, bucket, stored, keys } = await setUp()
    await stored.seal()
    await storedStream(bucket, 'web-1', '0-2', '/home/b.log').finish('private')
    await storedStream(bucket, 'evil', '0-3', '/var/log/d.log').finish('d')
    const { code } = await commandLine([...args, '--once', '--accept-host', 'web-*', '--accept-name', '^/var/log/'])
    expect([code, await keys()]).toEqual([0, ['host=web-1/date=none/a.log~0-1-5.gz']])
  })

  it('beside a directory, by another compressor; each goes its own way', async () => {
    const { args, stored, to, root, keys } = await setUp()
    await stored.seal()
    const { code, stderr } = await commandLine([...args, '--to', to, '--compress', 'zstd', '--once'])
    expect([code, stderr]).toEqual([0, expect.stringContaining('1 sealed and verified')])
    expect(await readFile(join(to, 'web-1/var/log/a.log~0-1'), 'utf8')).toBe('hello')
    const [key = ''] = await keys()
    expect(key).toBe('host=web-1/date=none/a.log~0-1-5.zst')
    expect(zstdDecompressSync(await readFile(join(root, key))).toString()).toBe('hello')
  })

  it('goes on until it is stopped', async () => {
    const { args, stored, keys } = await setUp()
    const run = startCommandLine([...args, '--interval', '10ms', '--as', 'logs/{host}/{path}'])
    await eventually(() => run.stderr().includes('until stopped') || undefined)
    await stored.append(' world')
    await stored.seal()
    await eventually(() => run.stderr().includes('archived   logs/web-1/var/log/a.log~0-1-11.gz 11 B') || undefined)
    run.signal('SIGTERM')
    expect(await run.code).toBe(0)
    expect(await keys()).toEqual([])
  })

  it('exits 1 for a seal that lies, 3 for bytes that a seal counts and that are not there', async () => {
    const { args, stored, keys } = await setUp()
    await stored.seal({ length: 9, sha256: 'a'.repeat(64) })
    expect(await commandLine([...args, '--once'])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('1 shorter than sealed'),
    })
    await stored.append('1234')
    const lied = await commandLine([...args, '--once'])
    expect([lied.code, lied.stderr]).toEqual([1, expect.stringContaining('MISMATCH   web-1 0-1: the content has')])
    expect(await keys()).toEqual([])
  })

  it('refuses what it cannot do, each with what to type', async () => {
    const { args, url, to } = await setUp()
    const refused = async (...more: string[]): Promise<string> => {
      const { code, stderr } = await commandLine(['compact', '--from', url, ...more])
      expect(code).toBe(2)
      return stderr
    }
    const archive = args.slice(3)
    expect(await refused(...archive, '--compress', 'gzipp')).toContain('did you mean gzip?')
    expect(await refused(...archive, '--as', '{filename}')).toContain('must hold {host} before all other names')
    expect(await refused(...archive, '--quiet-after', 'soon')).toContain('--quiet-after soon: cannot be read')
    expect(await refused('--to', to, '--compress', 'gzip')).toContain('add --archive URL')
    expect(await refused('--archive', url)).toContain('is inside the bucket, or around it')
    expect(await refused('--archive', pathToFileURL(join(to, 'in')).href, '--to', to)).toContain(
      'is inside the directory',
    )
  })
})
