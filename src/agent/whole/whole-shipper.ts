import { createLimiter } from '../../base/concurrency.ts'
import { isCode, messageOf } from '../../base/errors.ts'
import { ScanPace } from '../discovery/scan-pace.ts'
import { everyWriter } from '../files/every-writer.ts'
import { Compressors } from './compressors.ts'
import { WholeCourier } from './deliver.ts'
import { SharedPacks } from './shared-packs.ts'
import { WholeBook } from './whole-book.ts'
import { keepWholeChecks } from './whole-checks.ts'
import { destinationsOf, isDelivered, isDueAt, isPendingAt, type WholeFile } from './whole-file.ts'
import { WholeHousekeeping } from './whole-housekeeping.ts'
import type { WholeParts } from './whole-parts.ts'
import { WholeQueue } from './whole-queue.ts'
import { WholeRescue } from './whole-rescue.ts'
import { WholeSaver } from './whole-saver.ts'

/** A one-shot run waits for files that only have to be quiet for so long. */
const shortHoldMs = 10_000

/**
 * Delivers the files of `when-complete` sources, each whole and once. `run` resolves when all that is complete is
 * everywhere (one-shot) or when the signal aborts, with its records saved; it rejects on failures that no waiting mends.
 */
export class WholeShipper {
  readonly book: WholeBook
  readonly queues = new Map<string, WholeQueue>()
  readonly #parts: WholeParts
  readonly #stop = new AbortController()
  readonly #pace: ScanPace
  readonly #saver: WholeSaver
  readonly #names = createLimiter(1)
  readonly #housekeeping: WholeHousekeeping
  readonly #rescue: WholeRescue
  #ending: Promise<void> | undefined
  readonly #packs = new SharedPacks()
  readonly #compressors = new Compressors()
  /** One-shot: what must be quiet for a moment is waited for until then (monotonic). */
  readonly #waitsUntilMs: number
  #failure: unknown
  #isExplored = false
  #isWaiting = true

  constructor(parts: WholeParts) {
    const { clock, files, settings } = parts
    this.#parts = parts
    this.#pace = new ScanPace(clock, settings.isOneShot ? shortHoldMs : settings.scanIntervalMs)
    this.#waitsUntilMs = clock.monotonic() + 2 * shortHoldMs
    this.book = new WholeBook({
      clock,
      files,
      sources: settings.sources,
      findWriters: parts.findWriters ?? everyWriter,
      problem: (place, message, hint) =>
        parts.report({ kind: 'problem', code: 'directory-unreadable', place, message, hint }),
    })
    this.#saver = new WholeSaver(parts.records, this.book.files, parts.report)
    const work = {
      settings,
      clock,
      files,
      signal: this.#stop.signal,
      report: parts.report,
      sourceOf: (file: WholeFile) => this.book.sourceOf(file),
      changed: (file: WholeFile) => this.#saver.changed(file),
      packs: this.#packs,
      compressors: this.#compressors,
      courier: new WholeCourier(settings.host, clock),
      scan: () => this.#askAgain(),
      atRest: () => this.#checkDone(),
      fail: (error: unknown) => this.#fail(error),
    }
    this.#housekeeping = new WholeHousekeeping({
      ...work,
      names: this.#names,
      findWriters: parts.findWriters ?? everyWriter,
      all: () => this.met,
      isEverywhere: (file) => this.isEverywhere(file),
      confirm: (file) => this.#confirm(file),
      forget: (file) => this.#forget(file),
    })
    this.#rescue = new WholeRescue({
      ...parts,
      findWriters: parts.findWriters ?? everyWriter,
      all: () => this.met,
      sourceOf: work.sourceOf,
      destinationsOf: (file) => this.destinationsOf(file),
      isEverywhere: (file) => this.isEverywhere(file),
      forget: (file) => this.#forget(file),
    })
    for (const destination of parts.destinations)
      this.queues.set(destination.name, new WholeQueue(work, destination, this.queues))
  }

  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => this.#stop.abort(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    const watch = this.#parts.watch?.(() => this.#pace.ask())
    try {
      this.book.restore(await this.#parts.records.load(), !this.#parts.settings.isOneShot)
      await this.#rescue.restore(this.book)
      const admissions = this.#parts.destinations.map((destination) => destination.run(this.#stop.signal))
      const loops = [...admissions, this.#scanLoop(), this.#saver.keepSaving(this.#parts.clock, this.#stop.signal)]
      if (!this.#parts.settings.isOneShot) loops.push(this.#housekeeping.keep(), this.#keepChecks())
      await Promise.all(loops.map((loop) => loop.catch((error) => this.#fail(error))))
      if (this.#failure !== undefined) throw this.#failure
    } finally {
      signal.removeEventListener('abort', stop)
      await watch?.close()
      for (const queue of this.queues.values()) await queue.settled()
      await this.#rescue.close()
      await this.#packs.close()
      this.#compressors.close()
      await this.#saver.save()
      await this.#parts.records.close()
    }
  }

  /** Another number when something changed. */
  get revision(): number {
    return this.#saver.revision
  }

  /** The first complete scan was applied. */
  get isExplored(): boolean {
    return this.#isExplored
  }

  /** Resolves when a scan that begins after this call was applied. */
  async scanAgain(): Promise<void> {
    this.#pace.ask()
    await this.#pace.whenScanned()
  }

  /** Everything that is complete is everywhere. */
  get isDrained(): boolean {
    return this.#isExplored && [...this.queues.values()].every((queue) => queue.isIdle)
  }

  /** What this run is about. */
  get met(): WholeFile[] {
    return [...this.book.files.values()].filter(({ isMet }) => isMet)
  }

  /** Complete, and not everywhere. */
  pendingAt(destination: string): WholeFile[] {
    return this.met.filter((file) => isPendingAt(file, destination, this.destinationsOf(file)))
  }

  destinationsOf(file: WholeFile): readonly string[] {
    return destinationsOf(this.book.sourceOf(file), [...this.queues.keys()])
  }

  isEverywhere(file: WholeFile): boolean {
    return this.destinationsOf(file).every((name) => isDelivered(file, name) && file.deliveries.get(name)?.isSeen)
  }

  #fail(error: unknown): void {
    if (this.#stop.signal.aborted) return
    this.#failure = error
    this.#stop.abort(error)
  }

  async #scanLoop(): Promise<void> {
    const { clock, settings } = this.#parts
    const { signal } = this.#stop
    while (!signal.aborted) {
      const startedMs = clock.monotonic()
      const scanned = this.#pace.begins()
      const nextMs = await this.#names(() => this.#explore()).catch((error) => {
        if (settings.isOneShot || isCode(error, 'internal')) throw error
        this.#parts.report({ kind: 'problem', code: 'scan-failed', place: 'scan', message: messageOf(error) })
        return undefined
      })
      this.#isExplored = true
      scanned()
      const waitMs = nextMs === undefined ? undefined : Math.max(0, nextMs - clock.now())
      this.#isWaiting = waitMs !== undefined && startedMs + waitMs <= this.#waitsUntilMs
      this.#checkDone()
      const cancel = waitMs === undefined ? () => {} : clock.timer(waitMs, () => this.#pace.ask())
      await this.#pace.next(clock.monotonic() - startedMs, signal)
      cancel()
    }
  }

  async #explore(): Promise<number | undefined> {
    const { files, settings, clock } = this.#parts
    const scan = await files.scan(settings.sources)
    const { gone, changed } = await this.book.apply(scan, (file) => this.isEverywhere(file))
    for (const file of gone) this.#gone(file)
    for (const file of changed) this.#saver.changed(file)
    await this.#rescue.afterScan()
    this.book.isClosed = settings.isOneShot
    const nowMs = clock.monotonic()
    const due = (file: WholeFile): string[] => this.destinationsOf(file).filter((name) => isDueAt(file, name, nowMs))
    const nextMs = await this.book.judge(scan, (file) => due(file).length > 0)
    for (const file of this.met) {
      if (file.completion.kind !== 'complete') continue
      for (const name of due(file)) this.queues.get(name)?.add(file)
    }
    return nextMs
  }

  /** What was not everywhere when it went is lost, unless it was empty of news. */
  #gone(file: WholeFile): void {
    if (file.busy.size > 0) return
    const missing = this.destinationsOf(file).filter((name) => !isDelivered(file, name))
    this.#forget(file)
    if (missing.length > 0) this.#parts.report({ kind: 'lost', file, destinations: missing })
  }

  #forget(file: WholeFile): void {
    // A one-shot run still has to say what it delivered.
    if (!this.#parts.settings.isOneShot || !this.isEverywhere(file)) this.book.files.delete(file.identity)
    this.#saver.forgot(file)
    this.#rescue.forget(file)
    for (const queue of this.queues.values()) queue.remove(file)
  }

  async #confirm(file: WholeFile): Promise<boolean> {
    for (const name of this.destinationsOf(file))
      if ((await this.queues.get(name)?.confirm(file)) !== true) return false
    return true
  }

  /** Asks every destination again for what it is known to have. */
  recheck(file: WholeFile): void {
    for (const name of this.destinationsOf(file)) if (isDelivered(file, name)) this.queues.get(name)?.recheck(file)
  }

  #keepChecks(): Promise<void> {
    return keepWholeChecks(
      () => this.book.files.values(),
      this.#parts.clock,
      this.#stop.signal,
      (file) => this.recheck(file),
    )
  }

  #askAgain(): void {
    this.#isWaiting = this.#parts.clock.monotonic() <= this.#waitsUntilMs
    this.#pace.ask()
  }

  #checkDone(): void {
    if (!this.#parts.settings.isOneShot || !this.#isExplored || this.#isWaiting) return
    if (![...this.queues.values()].every((queue) => queue.isIdle)) return
    this.#ending ??= this.#housekeeping.round().finally(() => this.#stop.abort(new Error('done')))
  }
}
