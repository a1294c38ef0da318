import { lstat, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { forEachConcurrently } from '../../base/concurrency.ts'
import { errnoOf } from '../../base/errors.ts'

/** Files that some process has open for writing, at one moment. */
export interface Writers {
  has(file: { dev: bigint; ino: bigint }): boolean
  /** Every process could be looked at: what is not here has no writer (a shared mapping whose descriptor is closed aside). */
  isComplete: boolean
}

/** System calls at once: a machine has some ten thousand descriptors. */
const callsAtOnce = 16

/**
 * Looks at the descriptors of all processes. The link's own permission bits say how a descriptor was opened, and what it
 * leads to is compared by device and inode, whatever names and mounts the process sees.
 */
export async function findWriters(proc = '/proc'): Promise<Writers> {
  const files = new Set<string>()
  let isComplete = true
  const missed = (error: unknown): string[] => {
    // ESRCH: it ended while it was looked at.
    if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ESRCH') isComplete = false
    return []
  }
  const processes = await readdir(proc).catch(() => {
    isComplete = false
    return []
  })
  const numbers = processes.filter((name) => /^\d+$/.test(name))
  // A /proc that is none (macOS has no such directory; some containers hide it) shows not even ourselves.
  if (numbers.length === 0) isComplete = false
  await forEachConcurrently(numbers, callsAtOnce, async (pid) => {
    const directory = join(proc, pid, 'fd')
    for (const descriptor of await readdir(directory).catch(missed)) {
      const link = join(directory, descriptor)
      try {
        if (((await lstat(link)).mode & 0o200) === 0) continue
        const target = await stat(link, { bigint: true })
        if (target.isFile()) files.add(keyOf(target))
      } catch (error) {
        missed(error)
      }
    }
  })
  return { has: (file) => files.has(keyOf(file)), isComplete }
}

function keyOf({ dev, ino }: { dev: bigint; ino: bigint }): string {
  return `${dev}:${ino}`
}
