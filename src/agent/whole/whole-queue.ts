import type { Clock } from '../../base/clock.ts'
import { LogcaskError } from '../../base/errors.ts'
import { type Packed, smallBytesMax } from '../../bucket/packed.ts'
import { showsContent } from '../../bucket/sameness.ts'
import { encodingOf, storedName } from '../../format/whole-name.ts'
import { type AgentSettings, originOf, type SourceSettings } from '../context.ts'
import type { Destination } from '../destination.ts'
import { isJournal, refusedJournal } from '../discovery/journal.ts'
import type { Files, OpenFile } from '../files/files.ts'
import type { Compressors } from './compressors.ts'
import type { WholeCourier } from './deliver.ts'
import { FileChanged, packFile } from './pack.ts'
import type { SharedPacks } from './shared-packs.ts'
import { isDelivered, type WholeDelivery, type WholeFile } from './whole-file.ts'
import type { WholeParts } from './whole-parts.ts'
import { heldOpen } from './whole-rescue.ts'

/** What the queues of a run share. */
export interface WholeWork {
  settings: AgentSettings
  clock: Clock
  files: Files
  signal: AbortSignal
  packs: SharedPacks
  compressors: Compressors
  courier: WholeCourier
  report: WholeParts['report']
  sourceOf(file: WholeFile): SourceSettings | undefined
  /** Something of the file's record changed. */
  changed(file: WholeFile): void
  /** It has to be looked at again soon. */
  scan(): void
  /** Some work has ended. */
  atRest(): void
  /** Our own bug: the run ends. */
  fail(error: unknown): void
}

/** Files under way to one destination: enough for a store that is far away; memory is bounded beside. */
const filesAtOnce = 8
/** After a failure that is none of a destination's. */
const retryMs = 60_000

/** What waits for one destination: in its own order, at its own pace (I5). */
export class WholeQueue {
  readonly #work: WholeWork
  readonly #all: ReadonlyMap<string, WholeQueue>
  readonly destination: Destination
  readonly #waiting = new Set<WholeFile>()
  readonly #running = new Set<Promise<void>>()

  /** `all`: the queues of the run, this one too. */
  constructor(work: WholeWork, destination: Destination, all: ReadonlyMap<string, WholeQueue>) {
    this.#work = work
    this.destination = destination
    this.#all = all
  }

  get isIdle(): boolean {
    return this.#waiting.size === 0 && this.#running.size === 0
  }

  add(file: WholeFile): void {
    if (file.busy.has(this.destination.name)) return
    this.#waiting.add(file)
    this.#pump()
  }

  /** What is known to be there is asked for, and sent where it is not. */
  recheck(file: WholeFile): void {
    const delivery = file.deliveries.get(this.destination.name)
    if (delivery === undefined || this.has(file)) return
    delivery.isSeen = false
    this.add(file)
  }

  remove(file: WholeFile): void {
    this.#waiting.delete(file)
  }

  has(file: WholeFile): boolean {
    return this.#waiting.has(file) || file.busy.has(this.destination.name)
  }

  /** Resolves when nothing runs any more; after an abort that is soon. */
  async settled(): Promise<void> {
    this.#waiting.clear()
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  #pump(): void {
    for (const file of this.#waiting) {
      if (this.#running.size >= filesAtOnce || this.#work.signal.aborted) return
      this.#waiting.delete(file)
      file.busy.add(this.destination.name)
      const task: Promise<void> = this.#ship(file).finally(() => {
        file.busy.delete(this.destination.name)
        this.#running.delete(task)
        this.#pump()
        this.#work.atRest()
      })
      this.#running.add(task)
    }
  }

  async #ship(file: WholeFile): Promise<void> {
    const { signal, clock, report } = this.#work
    const amount = Math.min(Math.max(1, Math.min(file.size, smallBytesMax)), this.destination.bytes.count)
    try {
      // A one-shot run says that all is everywhere: what only the records say, it has seen there.
      const isAsked = isDelivered(file, this.destination.name)
      const known = file.deliveries.get(this.destination.name)
      if (isAsked && known !== undefined && (await this.#confirm(known))) return
      await this.destination.bytes.acquire(signal, amount)
      try {
        await this.#deliver(file, isAsked)
      } finally {
        this.destination.bytes.release(amount)
      }
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof FileChanged) return this.#again(file)
      if (!(error instanceof LogcaskError) || error.code === 'internal') return this.#work.fail(error)
      const { name } = this.destination
      const isTold = file.problems.get(name)?.message === error.message
      file.problems.set(name, { message: error.message, notBeforeMs: clock.monotonic() + retryMs })
      // Once for a file as it is: what is tried again every minute is no news.
      if (isTold) return
      report({
        kind: 'problem',
        code: 'whole-file-failed',
        place: file.path,
        message: `→ ${name}: ${error.message}`,
        hint: error.hint,
      })
    }
  }

  /** Asks the destination, whatever is known. */
  async confirm(file: WholeFile): Promise<boolean> {
    const delivery = file.deliveries.get(this.destination.name)
    if (delivery === undefined || !isDelivered(file, this.destination.name)) return false
    delivery.isSeen = false
    return this.#confirm(delivery)
  }

  async #confirm(delivery: WholeDelivery): Promise<boolean> {
    if (delivery.isSeen) return true
    const { bucket } = this.destination
    delivery.isSeen = await showsContent(bucket, delivery.key, delivery, (ask) =>
      this.destination.request(ask, this.#work.signal),
    )
    return delivery.isSeen
  }

  /** `isAsked`: the store has just said that it has not what it is known to have. */
  async #deliver(file: WholeFile, isAsked: boolean): Promise<void> {
    const { name } = this.destination
    const { stamp } = file
    await this.#work.packs.use(
      `${file.identity} ${stamp}`,
      () => this.#pack(file, stamp),
      () => this.#isWantedElsewhere(file),
      async (packed) => {
        if (packed === undefined || file.stamp !== stamp) return this.#again(file)
        const { length, sha256 } = packed
        file.content = { length, sha256, stamp }
        const before = file.deliveries.get(name)
        // Renamed, touched: it is there under the name that it had.
        const isKnown = !isAsked && before?.sha256 === sha256 && (await this.#confirm(before))
        if (!isKnown) await this.#create(file, packed)
        this.#work.changed(file)
      },
    )
  }

  async #create(file: WholeFile, packed: Packed): Promise<void> {
    const { settings, signal, courier, report } = this.#work
    const { name } = this.destination
    const before = file.deliveries.get(name)
    const source = this.#sourceOf(file)
    const origin = originOf(settings, file.identity, file.path, source.labels && { ...source.labels })
    const result = await courier.deliver(this.destination, this.#keyOf(file, source), packed, origin, signal)
    const { length, sha256 } = packed
    file.deliveries.set(name, { key: result.key, length, sha256, isSeen: true })
    file.problems.delete(name)
    const hasChanged = before !== undefined && before.sha256 !== sha256
    report({ kind: 'delivered', file, destination: name, ...result, hasChanged })
  }

  #keyOf(file: WholeFile, source: Whole): string {
    const { host } = this.#work.settings
    const facts = {
      path: file.path,
      modifiedMs: file.modifiedMs,
      host,
      source: source.name,
      labels: source.labels ?? {},
    }
    return storedName(source.whole, facts)
  }

  #sourceOf(file: WholeFile): Whole {
    const source = this.#work.sourceOf(file)
    if (source?.whole === undefined) throw new LogcaskError('internal', `${file.path}: has no source`)
    return source as Whole
  }

  async #pack(file: WholeFile, stamp: string): Promise<Packed | undefined> {
    const source = this.#sourceOf(file)
    const { files } = this.#work
    const opened = file.file ? heldOpen(file.file) : await files.open(file.path, source.followSymlinks)
    if (opened === undefined) return undefined
    const packed = opened.identity === file.identity ? await this.#packOpened(opened, file, stamp, source) : undefined
    // All of a small one is in memory: its descriptor would be held for as long as any destination lacks it (I7).
    if (packed?.body.kind !== 'large') {
      await opened.close()
      return packed
    }
    return { ...packed, close: () => packed.close().finally(() => opened.close()) }
  }

  async #packOpened(opened: OpenFile, file: WholeFile, stamp: string, source: Whole): Promise<Packed | undefined> {
    const {
      compressors,
      settings: { spoolDirectory },
    } = this.#work
    const encoding = encodingOf(file.path, source.whole.compress)
    try {
      if (await isJournal(opened)) throw refusedJournal(file.path)
      return await packFile(opened, stamp, encoding, { spoolDirectory, compressors })
    } catch (error) {
      await opened.close()
      throw error
    }
  }

  #isWantedElsewhere(file: WholeFile): boolean {
    return [...this.#all.values()].some((queue) => queue !== this && queue.has(file))
  }

  /** It changed since it was judged: nothing of it is delivered before it was judged anew. */
  #again(file: WholeFile): void {
    file.stamp = ''
    this.#work.scan()
  }
}

type Whole = SourceSettings & { whole: NonNullable<SourceSettings['whole']> }
