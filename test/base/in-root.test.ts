import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { localFiles } from '../../src/agent/files/local-files.ts'
import { rootedFiles } from '../../src/agent/files/rooted-files.ts'
import { resolveInRoot } from '../../src/base/in-root.ts'
import { openSnapshot } from '../../src/cli/ship/snapshot-root.ts'
import { tempDirectory } from '../support/temp-directory.ts'

/** A machine's disk, with links as machines have them, and as somebody sets traps. */
async function disk(): Promise<string> {
  const root = join(await tempDirectory('in-root'), 'a [b]')
  await mkdir(join(root, 'data/logs'), { recursive: true })
  await mkdir(join(root, 'var/lib/logcask'), { recursive: true })
  await mkdir(join(root, 'etc'))
  await writeFile(join(root, 'data/logs/app.log'), 'x')
  await symlink('/data/logs', join(root, 'var/log'))
  await symlink('../data', join(root, 'var/relative'))
  await symlink('../../../../../../../../etc', join(root, 'var/out'))
  await symlink('/etc/passwd', join(root, 'data/logs/trap.log'))
  await symlink('loop', join(root, 'loop'))
  return root
}

describe('a path of a machine whose disk is mounted elsewhere', () => {
  it('is resolved as that machine would; no link leads out', async () => {
    const root = await disk()
    const resolved = (path: string): Promise<string | undefined> => resolveInRoot(root, path)
    expect(await resolved('/var/log/app.log')).toBe('/data/logs/app.log')
    expect(await resolved('/var/relative/logs//./app.log')).toBe('/data/logs/app.log')
    expect(await resolved('/var/out')).toBe('/etc')
    expect(await resolved('/var/out/passwd')).toBeUndefined()
    expect(await resolved('/../../etc')).toBe('/etc')
    expect(await resolved('/')).toBe('/')
    expect(await resolved('/data/logs/trap.log')).toBeUndefined()
    expect(await resolved('/loop')).toBeUndefined()
    expect(await resolved('/none/at/all')).toBeUndefined()
  })

  it('is what its files are called; links are left alone', async () => {
    const root = await disk()
    const files = rootedFiles(localFiles({ birthTimes: true, spoolDirectory: '' }), root)
    const source = { name: 's', include: ['/data/**'], exclude: ['/data/none/**'], followSymlinks: true }
    const scan = await files.scan([source])
    expect([...scan.found.keys()]).toEqual(['/data/logs/app.log'])
    expect(scan.complete).toContain('/data/logs')
    expect((await files.scan([{ ...source, exclude: ['/data/logs/**'] }])).found.size).toBe(0)
    const { identity } = files.peek('/data/logs/app.log', true) ?? {}
    expect(await files.find(identity ?? '', ['/data', '/data/logs'])).toBe('/data/logs/app.log')
    expect(files.peek('/data/logs/trap.log', true)).toBeUndefined()
    expect(await files.open('/data/logs/trap.log', true)).toBeUndefined()
  })

  it('who it is: by the record of its agent, else by its name; a record that cannot be read is no name', async () => {
    const root = await disk()
    expect(await openSnapshot(root)).toMatchObject({ host: undefined, machineId: undefined, state: undefined })
    await writeFile(join(root, 'etc/hostname'), 'web-1\n')
    await writeFile(join(root, 'etc/machine-id'), 'uninitialized\n')
    expect(await openSnapshot(root)).toMatchObject({ host: 'web-1', machineId: undefined })
    const record = join(root, 'var/lib/logcask/agent.json')
    await writeFile(record, JSON.stringify({ v: 1, host: 'i-0abc', agentId: 'x', destinations: [] }))
    await writeFile(join(root, 'etc/machine-id'), '0123\n')
    expect(await openSnapshot(root)).toMatchObject({ host: 'i-0abc', machineId: '0123' })
    await writeFile(record, '{"v":99}')
    expect(await openSnapshot(root)).toMatchObject({ host: undefined })
  })
})
