import type { SeededRandom } from '../support/seeded-random.ts'

interface Change {
  undo: () => void
  /** Directories whose sync makes it durable, or the inode. */
  durableBy: readonly unknown[]
}

/** Changes of names and lengths that are not on disk yet, in the order in which they were made. */
export class Journal {
  #changes: Change[] = []

  record(durableBy: readonly unknown[], undo: () => void): void {
    this.#changes.push({ durableBy, undo })
  }

  syncInode(inode: unknown): void {
    this.#changes = this.#changes.filter(({ durableBy }) => durableBy[0] !== inode)
  }

  /** Names that were made, moved or removed in the directory; a journal keeps what came before them, too. */
  syncDirectory(path: string): void {
    const last = this.#changes.findLastIndex(({ durableBy }) => durableBy.includes(path))
    this.#changes.splice(0, last + 1)
  }

  syncAll(): void {
    this.#changes = []
  }

  /** The power goes: any prefix of the changes is on disk, the others are undone. Answers how many. */
  tear(random: SeededRandom): number {
    const lost = this.#changes.splice(random.int(0, this.#changes.length)).reverse()
    for (const { undo } of lost) undo()
    this.#changes = []
    return lost.length
  }
}
