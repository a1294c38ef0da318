import type { Clock } from '../../base/clock.ts'
import { isCode, messageOf } from '../../base/errors.ts'
import type { WholeFile } from './whole-file.ts'
import type { WholeParts } from './whole-parts.ts'
import type { WholeRecords } from './whole-records.ts'

/** What a crash loses of the records is asked of the stores again: some requests, never a byte. */
const saveEveryMs = 1_000

/** Brings what changed to the records. */
export class WholeSaver {
  readonly #records: WholeRecords
  readonly #files: ReadonlyMap<string, WholeFile>
  readonly #report: WholeParts['report']
  readonly #changed = new Set<WholeFile>()
  readonly #forgotten = new Set<string>()
  /** Another number when something changed. */
  revision = 0

  constructor(records: WholeRecords, files: ReadonlyMap<string, WholeFile>, report: WholeParts['report']) {
    this.#records = records
    this.#files = files
    this.#report = report
  }

  changed(file: WholeFile): void {
    this.revision++
    this.#changed.add(file)
  }

  forgot(file: WholeFile): void {
    this.revision++
    this.#changed.delete(file)
    this.#forgotten.add(file.identity)
  }

  async keepSaving(clock: Pick<Clock, 'sleep'>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(saveEveryMs, signal).catch(() => {})
      if (!signal.aborted) await this.save()
    }
  }

  /** Records that cannot be written are no reason to stop. */
  async save(): Promise<void> {
    const changed = [...this.#changed]
    const forgotten = [...this.#forgotten]
    this.#changed.clear()
    this.#forgotten.clear()
    try {
      await this.#records.save(changed, forgotten, () => this.#files.values())
    } catch (error) {
      const hint = isCode(error, 'unavailable') ? error.hint : undefined
      this.#report({ kind: 'problem', code: 'records-not-saved', place: 'records', message: messageOf(error), hint })
      // The next save writes all of them.
      for (const file of changed) if (this.#files.has(file.identity)) this.#changed.add(file)
    }
  }
}
