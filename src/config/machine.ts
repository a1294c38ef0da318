import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { errnoOf } from '../base/errors.ts'
import type { HostFacts } from './template.ts'

/** What this machine is called; with `root`, the machine whose disk is mounted there (a snapshot). */
export async function readMachine(root = '/'): Promise<HostFacts> {
  // Where there is no systemd, D-Bus has one.
  const machineId =
    (await firstLine(join(root, 'etc/machine-id'))) ?? (await firstLine(join(root, 'var/lib/dbus/machine-id')))
  const name = root === '/' ? hostname() : ((await firstLine(join(root, 'etc/hostname'))) ?? '')
  // systemd writes this word before the first boot has made one.
  return { hostname: name, machineId: machineId === 'uninitialized' ? undefined : machineId }
}

/** Undefined where there is no such file, or nothing in it. */
async function firstLine(path: string): Promise<string | undefined> {
  try {
    const [line = ''] = (await readFile(path, 'utf8')).split('\n')
    return line.trim() || undefined
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined
    throw error
  }
}
