import type { Dirent } from 'node:fs'
import { readdir, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { pathForSystem } from '../../base/path-bytes.ts'
import type { DiskFacts } from './first-loss.ts'
import { type AmountSample, addSample, growthPerSecond } from './growth.ts'

/** Directories that are asked which disk they are on: more disks than that hold no logs. */
const directoriesMax = 200
const disksMax = 16

/** What there is on this machine for what is not delivered: the spool, and the free space beneath the files. */
export class LocalRoom {
  spoolBytes = 0
  disks: readonly DiskFacts[] = []
  readonly #spoolDirectory: string
  readonly #clock: Pick<Clock, 'monotonic'>
  /** Device → its free bytes, over the last hour. */
  #free = new Map<number, readonly AmountSample[]>()

  constructor(spoolDirectory: string, clock: Pick<Clock, 'monotonic'>) {
    this.#spoolDirectory = spoolDirectory
    this.#clock = clock
  }

  /** Looks at both. A directory that cannot be asked is left out; a mount that hangs delays the next look, and nothing else. */
  async look(paths: Iterable<string>): Promise<void> {
    this.spoolBytes = await bytesBelow(this.#spoolDirectory)
    const found = new Map<number, DiskFacts>()
    const kept = new Map<number, readonly AmountSample[]>()
    for (const directory of directoriesOf(paths)) {
      const device = await stat(pathForSystem(directory)).then(
        ({ dev }) => dev,
        () => undefined,
      )
      if (device === undefined || found.has(device) || found.size >= disksMax) continue
      const free = await statfs(pathForSystem(directory)).then(
        ({ bavail, bsize }) => bavail * bsize,
        () => undefined,
      )
      if (free === undefined) continue
      const now = { atMs: this.#clock.monotonic(), amount: free }
      const samples = addSample(this.#free.get(device) ?? [], now)
      kept.set(device, samples)
      const growth = growthPerSecond(samples, now)
      found.set(device, {
        path: directory,
        freeBytes: free,
        bytesPerSecond: growth === undefined ? undefined : -growth,
      })
    }
    this.#free = kept
    this.disks = [...found.values()]
  }
}

function directoriesOf(paths: Iterable<string>): Set<string> {
  const directories = new Set<string>()
  for (const path of paths) {
    if (directories.size >= directoriesMax) break
    directories.add(dirname(path))
  }
  return directories
}

/** Of all files below a directory; 0 where it is not there. */
export async function bytesBelow(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch((): Dirent[] => [])
  let bytes = 0
  for (const entry of entries) {
    if (entry.isFile())
      bytes += await stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      )
  }
  return bytes
}
