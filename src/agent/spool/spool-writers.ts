import type { Clock } from '../../base/clock.ts'
import type { OpenFile } from '../files/files.ts'
import type { Writers } from '../files/writers.ts'

/** One look at all processes serves all files of so long. */
const writersMs = 2_000

/** Which files without a name can still be written to: what a look says of them stays true, since none can be opened again. */
export class SpoolWriters {
  readonly #findWriters: () => Promise<Writers>
  readonly #clock: Pick<Clock, 'monotonic'>
  #last: { atMs: number; found: Promise<Writers> } | undefined

  constructor(findWriters: () => Promise<Writers>, clock: Pick<Clock, 'monotonic'>) {
    this.#findWriters = findWriters
    this.#clock = clock
  }

  /** The next question looks anew. */
  forget(): void {
    this.#last = undefined
  }

  /** `unlinkedAtMs`: since when it was seen to have no name, on the monotonic clock. */
  async of(unlinkedAtMs: number | undefined, file: OpenFile): Promise<'none' | 'some' | 'unknown'> {
    const { device, inode } = file.stat()
    if (device === undefined || inode === undefined) return 'unknown'
    const { has, isComplete } = await this.#since(unlinkedAtMs)
    if (has({ dev: device, ino: inode })) return 'some'
    return isComplete ? 'none' : 'unknown'
  }

  /** Of a look that began when it still had a name, a writer may have come since. */
  #since(unlinkedAtMs: number | undefined): Promise<Writers> {
    const now = this.#clock.monotonic()
    const isUsable =
      this.#last !== undefined && now - this.#last.atMs < writersMs && this.#last.atMs > (unlinkedAtMs ?? now)
    if (!isUsable || this.#last === undefined) this.#last = { atMs: now, found: this.#findWriters() }
    return this.#last.found
  }
}
