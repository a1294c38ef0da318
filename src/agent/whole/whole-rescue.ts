import type { Clock } from '../../base/clock.ts'
import { LogcaskError, messageOf } from '../../base/errors.ts'
import type { SourceSettings } from '../context.ts'
import type { Files, OpenFile } from '../files/files.ts'
import type { Writers } from '../files/writers.ts'
import { SpoolWriters } from '../spool/spool-writers.ts'
import type { WholeBook } from './whole-book.ts'
import type { WholeFile } from './whole-file.ts'
import type { WholeParts } from './whole-parts.ts'
import type { WholeSpool, WholeSpoolRecord } from './whole-spool.ts'

export interface RescueWork {
  clock: Clock
  files: Files
  settings: { isOneShot: boolean }
  spool?: WholeSpool | undefined
  report: WholeParts['report']
  findWriters: () => Promise<Writers>
  all: () => Iterable<WholeFile>
  sourceOf(file: WholeFile): SourceSettings | undefined
  destinationsOf(file: WholeFile): readonly string[]
  isEverywhere(file: WholeFile): boolean
  forget(file: WholeFile): void
}

/** Files that are held at once: an hour's worth of a busy machine, and few beside the descriptors that an agent has (I7). */
const heldMax = 1_000

/**
 * Keeps undelivered files readable: their descriptors while this process lives, and, once they have no name any more, all
 * of their bytes in the spool.
 */
export class WholeRescue {
  readonly #work: RescueWork
  readonly #writers: SpoolWriters

  constructor(work: RescueWork) {
    this.#work = work
    this.#writers = new SpoolWriters(work.findWriters, work.clock)
  }

  /** What an earlier run kept is there again, its file open, before names are looked at. */
  async restore(book: WholeBook): Promise<void> {
    const { spool } = this.#work
    const problem = (place: string, message: string, hint?: string): void =>
      this.#work.report({ kind: 'problem', code: 'spool-unreadable', place, message, hint })
    for (const record of (await spool?.read(problem)) ?? []) {
      const file = await spool?.open(record).catch((error) => {
        // What cannot be opened now is not gone (I4): it is left to another run.
        book.files.delete(record.key)
        problem('spool', messageOf(error), error instanceof LogcaskError ? error.hint : undefined)
      })
      if (file) this.#take(book, record, file)
    }
  }

  #take(book: WholeBook, { key, whole, end, seen, isOver }: WholeSpoolRecord, file: OpenFile): void {
    if (!book.files.has(key)) book.restore([whole], true)
    const known = book.files.get(key)
    if (known === undefined) return
    const { stamp } = file.stat()
    Object.assign(known, { file, stamp, size: end, isMet: true, isNameless: true })
    if (!isOver || seen > end)
      this.#work.report({
        kind: 'problem',
        code: 'whole-file-odd',
        place: known.path,
        message: `was deleted before its end was seen: its first ${end} bytes go as they are, what came after them is lost`,
        hint: 'let programs close a log before it is deleted',
      })
  }

  /** After each look at the names: undelivered files are held, and those without a name are kept. */
  async afterScan(): Promise<void> {
    const files = [...this.#work.all()]
    let held = files.filter(({ file }) => file !== undefined).length
    for (const file of files) {
      if (file.file !== undefined) await this.#look(file)
      else if (held < heldMax && (await this.#hold(file))) held++
    }
  }

  /** A one-shot run is about what is there, and soon over. */
  async #hold(file: WholeFile): Promise<boolean> {
    const { settings, files, sourceOf, isEverywhere } = this.#work
    const source = sourceOf(file)
    if (settings.isOneShot || source === undefined || file.path.endsWith('.journal') || isEverywhere(file)) return false
    // What cannot be opened is told when it is to go.
    const opened = await files.open(file.path, source.followSymlinks).catch(() => undefined)
    if (opened?.identity === file.identity) file.file = opened
    else await opened?.close()
    return file.file !== undefined
  }

  async #look(file: WholeFile): Promise<void> {
    if (!this.#work.isEverywhere(file)) return this.#keep(file)
    if (file.busy.size > 0) return
    if (file.isNameless) this.#work.forget(file)
    else this.#letGo(file)
  }

  async #keep(whole: WholeFile): Promise<void> {
    const { spool, clock, report } = this.#work
    const { file } = whole
    if (file === undefined || file.keptFrom !== undefined || file.stat().links > 0) return
    whole.unlinkedAtMs ??= clock.monotonic()
    try {
      const writer = await this.#writers.of(whole.unlinkedAtMs, file)
      await spool?.keep(whole, file, this.#work.destinationsOf(whole), writer)
      whole.isUnspooled = spool === undefined
    } catch (error) {
      const message = `${whole.path} was deleted: the spool ${messageOf(error)}`
      if (whole.isUnspooled) return
      whole.isUnspooled = true
      const hint = error instanceof LogcaskError ? error.hint : undefined
      report({ kind: 'problem', code: 'spool-full', place: 'spool', message, hint })
    }
  }

  /** Everywhere, or gone. */
  forget(file: WholeFile): void {
    this.#letGo(file)
    this.#work.spool?.remove(file.identity).catch((error) => {
      this.#work.report({ kind: 'problem', code: 'spool-unreadable', place: 'spool', message: messageOf(error) })
    })
  }

  #letGo(file: WholeFile): void {
    const { file: opened } = file
    file.file = undefined
    void opened?.close()
  }

  /** The end of the run: what has no name by now is kept, and all is closed. */
  async close(): Promise<void> {
    this.#writers.forget()
    for (const file of this.#work.all()) {
      if (file.file === undefined) continue
      if (!this.#work.isEverywhere(file)) await this.#keep(file)
      else if (file.isNameless) await this.#work.spool?.remove(file.identity).catch(() => {})
      this.#letGo(file)
    }
  }
}

/** The same descriptor, which whoever closes this leaves open. */
export function heldOpen(file: OpenFile): OpenFile {
  return {
    identity: file.identity,
    keptFrom: file.keptFrom,
    stat: () => file.stat(),
    read: (into, position) => file.read(into, position),
    close: async () => {},
  }
}
