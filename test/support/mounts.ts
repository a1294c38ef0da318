import { execFileSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'

/** Whether tests can mount file systems here: Linux, as root, and not forbidden by a container. */
export function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  try {
    // In a mount namespace of its own, so that nothing is left behind.
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Mounts what `options` say at `path`, and unmounts it after `use`, whatever that did. */
export async function mounted(options: string[], path: string, use: () => Promise<void>): Promise<void> {
  await mkdir(path, { recursive: true })
  execFileSync('mount', [...options, path])
  try {
    await use()
  } finally {
    execFileSync('umount', ['-l', path])
  }
}
