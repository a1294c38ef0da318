import type { WrittenFile } from '../chronicle.ts'
import type { Machine } from '../machine.ts'
import { type Streams, startsWith, streamsOf } from '../oracle/once.ts'
import type { World } from '../world.ts'

/** Above every pause between two scans, twice a spool's grace, and a checkpoint's delay. */
const knownAfterMs = 30_000

interface Deleted {
  file: WrittenFile
  /** What it held when it was long since kept. */
  bytes: Buffer
}

/**
 * Log files that lost their last name while an agent had had time to know them, and that lived on for as long as it takes
 * to keep them: whatever becomes of it afterwards, each of their bytes arrives. (Others may be a gap; honest.ts.)
 */
export class DeletedLogs {
  readonly #world: World
  readonly #noted = new Set<WrittenFile>()
  #kept: Deleted[] = []

  constructor(world: World, machine: Machine) {
    this.#world = world
    machine.watchers.add(() => this.#look(machine))
  }

  stateLost(): void {
    this.#kept = []
  }

  missing(streams: Streams): string[] {
    return this.#kept
      .filter(({ file, bytes }) => !streamsOf(streams, file).some(({ chain }) => startsWith(chain, bytes)))
      .map(
        ({ file, bytes }) =>
          `I5 spool: ${file.identity}, ${bytes.length} B, was kept before all eyes, and is not there`,
      )
  }

  #look(machine: Machine): void {
    for (const file of this.#world.chronicle.files) {
      if (file.inode.links > 0 || this.#noted.has(file)) continue
      this.#noted.add(file)
      this.#deleted(machine, file)
    }
  }

  #deleted(machine: Machine, file: WrittenFile): void {
    const { clock, setup, rescue, chronicle } = this.#world
    const hasRoom = (setup.rescue?.spoolBytes ?? 0) > 1_000_000 && setup.openFilesMax > 10
    const isPlain = file.kind === 'log' && !setup.kinds.includes('state disk full')
    const slot = this.#world.agentsOf(machine).find((one) => one.isRunning && !one.isOneShot)
    const bornMs = file.lives.at(-1)?.beganMs ?? Number.POSITIVE_INFINITY
    if (!hasRoom || !isPlain || slot === undefined || rescue?.isSettled(slot) !== true) return
    if (clock.now() - bornMs < knownAfterMs || machine.disk.unreadable.size > 0) return
    const { process } = slot
    clock.timer(knownAfterMs, () => {
      const [life] = file.lives
      const wasRewritten = file.lives.length > 1 || life?.versions.length !== 1
      const isTwin = chronicle.files.some((one) => one !== file && one.identity === file.identity)
      if (!process?.isAlive || wasRewritten || isTwin) return
      this.#world.counts.add('log deleted before all eyes')
      this.#kept.push({ file, bytes: solid(file.inode.bytes) })
    })
  }
}

/** Trailing NULs may be no bytes yet. */
function solid(bytes: Buffer): Buffer {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  return Buffer.from(bytes.subarray(0, end))
}
