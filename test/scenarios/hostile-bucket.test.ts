import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { sha256 } from '../../src/base/hash.ts'
import { type FaultS3, startFaultS3 } from '../support/fault-s3.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { patternBytes } from '../support/pattern-bytes.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { logcask } from './logcask-process.ts'
import { compareWithPublished, contentsOf, holdingsOf } from './stored-content.ts'

guardLeaks()

const zero = '00000000000000000000'

/** What no agent would write, in the rooms of `host` and beside them; `stream` is one that honest bytes are in. */
function spoil({ objects }: FaultS3, host: string, stream: string): void {
  const keys = [
    'segments',
    'segments/',
    'segments//x',
    `segments/${host}/`,
    `segments/${host}/../../etc/passwd`,
    `segments/${host}/${stream}/`,
    `segments/${host}/${stream}/1-2`,
    `segments/${host}/${stream}/${zero}-ZZZZZZZZZZZZZZZZ`,
    `segments/${host}/${stream}/99999999999999999999-0000000000000000`,
    `segments/${host}/${stream}/00009007199254740991-0000000000000000`,
    `segments/${host}/${stream}/${zero}-e3b0c44298fc1c14/below`,
    `segments/${host}/${stream}/00000000000000000003-0123456789abcdef`,
    `segments/${host}/20261340T101500123456789Z-zz/${zero}-e3b0c44298fc1c14`,
    `segments/${host}/${stream}.999999/${zero}-e3b0c44298fc1c14`,
    `segments/=2E=2E/${stream}/${zero}-e3b0c44298fc1c14`,
    `segments/é\u0000\u001b[2J/x/y`,
    `seals/${host}/${stream}/${zero}-nothex`,
    `seals/${host}/${stream}/00000000000000000001-${'0'.repeat(64)}`,
    `gaps/${host}/${stream}/00000000000000000001-open`,
    `gaps/${host}/${stream}/00000000000000000009-00000000000000000003`,
    `aliases/${host}/${stream}/${stream}.5`,
    `aliases/${host}/x/y/z`,
    `digests/${host}/nonsense`,
    'probes/../x',
    'files/anything',
    `${'k'.repeat(1000)}`,
  ]
  const bodies = ['', '{', '{"v":99}', '{"v":1}', 'null', '[]', '\u0000\u001b[31m', '{"__proto__":{"v":1}}']
  for (const [at, key] of keys.entries())
    objects.put(key, bodies[at % bodies.length] ?? '', { origin: '{"v":1,"path":' })
  // A stream whose name and origin are right in form, and lead elsewhere.
  const bad = '20261121T101500123456789Z-evil'
  const origin = JSON.stringify({ v: 1, path: '/../../../../../tmp/evil', identity: bad, agent: 'x' })
  objects.put(`segments/${host}/${bad}/${zero}-e3b0c44298fc1c14`, 'evil\n', { origin })
}

async function setUp() {
  const directory = await tempDirectory('hostile')
  const logs = join(directory, 'logs')
  await mkdir(logs)
  const server = await startFaultS3()
  onTestFinished(() => server.close())
  const url = `s3://bucket?endpoint=${server.endpoint}`
  const ship = (...more: string[]) =>
    logcask(['ship', logs, '--to', url, '--host', 'web-1', '--state', join(directory, 'state'), ...more])
  const path = join(logs, 'app.log')
  await writeFile(path, patternBytes(9_000_000))
  return { directory, logs, path, server, url, ship }
}

describe('a bucket full of what no agent would write', () => {
  it('I9: ship, ls, cat and compact go on, and the bytes of honest files are as they were', async () => {
    const { directory, logs, path, server, url, ship } = await setUp()
    expect((await ship()).code).toBe(0)
    const [stream = ''] = contentsOf(holdingsOf(server.objects)).keys()
    spoil(server, 'web-1', stream)

    await writeFile(path, 'more\n', { flag: 'a' })
    await writeFile(join(logs, 'new.log'), 'new\n')
    const files = new Map<string, Uint8Array>()
    for (const name of ['app.log', 'new.log']) files.set(join(logs, name), await readFile(join(logs, name)))
    const shipped = await ship('--receipt')
    expect(shipped.code).toBe(0)
    expect(shipped.stdout.toString()).toContain(sha256(files.get(path) ?? Buffer.alloc(0)))
    const without = await logcask(['ship', logs, '--to', url, '--host', 'web-1', '--state', join(directory, 'other')])
    expect(without.stderr).toContain('2 files already there, verified · 0 segments sent')
    expect(without.code).toBe(0)

    for (const name of files.keys()) {
      const { stdout, code, stderr } = await logcask(['cat', url, 'web-1', name])
      expect(sha256(stdout)).toBe(sha256(files.get(name) ?? Buffer.alloc(0)))
      // The gap that a hostile host claims is told, and costs no byte.
      expect([0, 3], stderr).toContain(code)
    }
    for (const args of [
      ['ls', url],
      ['ls', url, 'web-1'],
      ['ls', url, 'web-1', path],
    ]) {
      const { stdout, stderr } = await logcask(args)
      expect(`${stdout}${stderr}`.includes('\u001b')).toBe(false)
      expect(stdout.toString()).toContain(args.length === 2 ? 'web-1' : args.length === 3 ? 'app.log' : stream)
    }
    const out = join(directory, 'out')
    const compacted = await logcask(['compact', '--from', url, '--to', out, '--once'])
    expect([0, 1, 3], compacted.stderr).toContain(compacted.code)
    const { lost, different } = await compareWithPublished(files, out)
    expect({ lost, different }).toEqual({ lost: 0, different: [] })
    await expect(readFile(join(directory, 'tmp/evil'))).rejects.toThrow('ENOENT')
  })

  it('I9: a store directory with symlinks and strange names in it costs no byte', async () => {
    const { directory, logs, path } = await setUp()
    const root = join(directory, 'bucket')
    const args = ['ship', logs, '--to', `file://${root}`, '--host', 'web-1', '--state', join(directory, 'state')]
    expect((await logcask(args)).code).toBe(0)
    await symlink('/etc', join(root, 'segments/web-1/etc'))
    await symlink('/etc/passwd', join(root, 'segments/web-1/passwd'))
    await writeFile(join(root, 'segments/web-1/line\nend'), 'x')
    await writeFile(path, 'more\n', { flag: 'a' })
    const { code, stderr } = await logcask(args)
    expect(stderr).toContain('1 segment sent')
    expect(code).toBe(0)
    const { stdout } = await logcask(['cat', `file://${root}`, 'web-1', path])
    expect(sha256(stdout)).toBe(sha256(await readFile(path)))
  })
})
