import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readMachine } from '../../src/config/machine.ts'
import { tempDirectory } from '../support/temp-directory.ts'

async function machineOf(files: Readonly<Record<string, string>>) {
  const root = await tempDirectory('machine')
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
  return readMachine(root)
}

describe('what a machine is called', () => {
  it.each<[string, Record<string, string>, string | undefined]>([
    ['systemd’s id', { 'etc/machine-id': 'a1\n', 'var/lib/dbus/machine-id': 'b2\n' }, 'a1'],
    ['that of D-Bus, where there is no other', { 'var/lib/dbus/machine-id': 'b2\n' }, 'b2'],
    ['none before the first boot has made one', { 'etc/machine-id': 'uninitialized\n' }, undefined],
    ['none where there is none', { 'etc/machine-id': '\n' }, undefined],
  ])('%s', async (_, files, machineId) => {
    expect(await machineOf(files)).toEqual({ hostname: '', machineId })
  })

  it('the name of a disk that is mounted', async () => {
    expect((await machineOf({ 'etc/hostname': 'web-1\n' })).hostname).toBe('web-1')
  })
})
