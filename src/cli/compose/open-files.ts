import { readFile } from 'node:fs/promises'

/** Descriptors left to everything else: stores, watches, the state. */
const reserved = 200
/** Beyond it, memory counts more than a quick look. */
const most = 50_000

/** How many files an agent may keep open here: what the system allows this process, less a reserve. */
export async function openFilesMax(): Promise<number> {
  // Node raises its soft limit to the hard one at start; only /proc tells. Elsewhere: the least that systems grant.
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const soft = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 1024)
  return Math.min(most, Math.max(soft - reserved, Math.floor(soft / 2)))
}
