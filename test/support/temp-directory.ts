import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A new directory for the running test, removed at its end. Its path holds no symlink. */
export async function tempDirectory(label = 'test'): Promise<string> {
  const { path, remove } = await makeTempDirectory(label)
  onTestFinished(remove)
  return path
}

/** A new directory that the caller removes: for hooks, and for suites that keep it over several tests. */
export async function makeTempDirectory(label = 'test'): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(await realpath(tmpdir()), `logcask-${label}-`))
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) }
}
