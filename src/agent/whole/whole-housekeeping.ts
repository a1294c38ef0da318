import type { Clock } from '../../base/clock.ts'
import type { Limiter } from '../../base/concurrency.ts'
import { messageOf } from '../../base/errors.ts'
import type { SourceSettings } from '../context.ts'
import type { After } from '../ending/after.ts'
import { afterOf } from '../ending/housekeep.ts'
import type { Files } from '../files/files.ts'
import { removeDelivered } from '../files/local-removal.ts'
import type { Writers } from '../files/writers.ts'
import { hashFile } from '../identity/generations.ts'
import type { WholeFile } from './whole-file.ts'
import type { WholeParts } from './whole-parts.ts'

export interface HousekeepingWork {
  clock: Clock
  files: Files
  signal: AbortSignal
  report: WholeParts['report']
  /** One at a time with the scans: none sees a file under the name that it has for an instant. */
  names: Limiter
  findWriters: () => Promise<Writers>
  all: () => Iterable<WholeFile>
  sourceOf(file: WholeFile): SourceSettings | undefined
  isEverywhere(file: WholeFile): boolean
  /** Asks every destination of the file whether it has it. */
  confirm(file: WholeFile): Promise<boolean>
  forget(file: WholeFile): void
}

const roundMs = 10_000
/** What stayed is asked about again after this: a writer ends, a right is given. */
const retryMs = 300_000
/** One look at all processes serves all files of so long. */
const writersMs = 2_000

/** Does with delivered files what their sources say. */
export class WholeHousekeeping {
  readonly #work: HousekeepingWork
  readonly #kept = new WeakMap<WholeFile, { stamp: string; againAtMs: number }>()
  #writers: { atMs: number; found: Promise<Writers> } | undefined

  constructor(work: HousekeepingWork) {
    this.#work = work
  }

  /** Round after round, until aborted. */
  async keep(): Promise<void> {
    const { clock, signal } = this.#work
    while (!signal.aborted) {
      await clock.sleep(roundMs, signal).catch(() => {})
      if (!signal.aborted) await this.round()
    }
  }

  /** All files that are due, one after the other. Never rejects: what stays is reported. */
  async round(): Promise<void> {
    for (const file of [...this.#work.all()]) {
      if (this.#work.signal.aborted) return
      const after = afterOf(this.#work.sourceOf(file))
      if (after.kind === 'keep' || !this.#isDue(file)) continue
      await this.#remove(file, after)
    }
  }

  #isDue(file: WholeFile): boolean {
    const kept = this.#kept.get(file)
    if (kept?.stamp === file.stamp && this.#work.clock.monotonic() < kept.againAtMs) return false
    return this.#isDone(file)
  }

  #isDone(file: WholeFile): boolean {
    return (
      file.completion.kind === 'complete' && !file.isNameless && file.busy.size === 0 && this.#work.isEverywhere(file)
    )
  }

  async #remove(file: WholeFile, after: Exclude<After, { kind: 'keep' }>): Promise<void> {
    const { clock, report, files, signal } = this.#work
    const keep = (why: string, hint?: string): void => {
      this.#kept.set(file, { stamp: file.stamp, againAtMs: clock.monotonic() + retryMs })
      report({
        kind: 'problem',
        code: 'file-not-removed',
        place: file.path,
        message: `is not ${verbs[after.kind]}: ${why}`,
        hint,
      })
    }
    try {
      // A name that a rotation made, or a period that is over, says it of itself; idleness alone is no proof.
      if (!file.isOverByName && !(await this.#findWriters()).isComplete)
        return keep(
          'only its idleness says that it is complete, and not every process can be looked at',
          'run as root, or give it a period in its name',
        )
      const result = await removeDelivered(this.#removable(file), after, files)
      if (result.kind === 'kept') return keep(result.why, result.hint)
      report({ kind: 'removed', file, to: result.to })
      if (result.hasGrown)
        report({
          kind: 'problem',
          code: 'file-grew-while-removed',
          place: file.path,
          message: 'was appended to in the instant in which it went',
        })
      this.#work.forget(file)
    } catch (error) {
      if (!signal.aborted) keep(messageOf(error))
    }
  }

  #removable(file: WholeFile): Parameters<typeof removeDelivered>[0] {
    return {
      path: file.path,
      identity: file.identity,
      delivered: file.size,
      isLive: () => file.completion.kind !== 'complete',
      writers: () => this.#findWriters(),
      confirm: async () => ({ isEverywhere: await this.#work.confirm(file), hasOpenGap: false }),
      isSameContent: async (opened) =>
        (await hashFile({ file: opened, size: opened.stat().size })) === file.content?.sha256,
      hold: (act) =>
        this.#work.names(async () => (this.#isDone(file) ? act() : { kind: 'kept', why: 'it has changed' })),
    }
  }

  #findWriters(): Promise<Writers> {
    const now = this.#work.clock.monotonic()
    if (this.#writers === undefined || now - this.#writers.atMs > writersMs)
      this.#writers = { atMs: now, found: this.#work.findWriters() }
    return this.#writers.found
  }
}

const verbs = { delete: 'deleted', move: 'moved' } as const
