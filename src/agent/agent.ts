import { isCode, messageOf } from '../base/errors.ts'
import type { AgentParts, StartWatch, Watch } from './agent-parts.ts'
import { closeAll, isAllSettled } from './closing.ts'
import type { AgentContext } from './context.ts'
import { Courier } from './courier.ts'
import { takeTurn } from './discovery/explore.ts'
import { takeHint } from './discovery/hints.ts'
import { endLife, lookAt } from './discovery/look.ts'
import { Looks } from './discovery/looks.ts'
import { hasChanged, keepDailyChecks, keepRounds } from './discovery/rounds.ts'
import { keepScanning } from './discovery/scan-loop.ts'
import { ScanPace } from './discovery/scan-pace.ts'
import { isDrained, sweep } from './discovery/sweep.ts'
import { closeSettled } from './discovery/turns.ts'
import { untilComplete } from './ending/complete.ts'
import { Housekeeping } from './ending/housekeep.ts'
import { awaitSeals } from './ending/last-seals.ts'
import { everyWriter } from './files/every-writer.ts'
import { findWriters } from './files/writers.ts'
import { isForeign } from './identity/stream-origin.ts'
import type { Life } from './life.ts'
import { LifeBook } from './life-book.ts'
import type { ProblemCode } from './problem-code.ts'
import { type Reload, reload } from './reload.ts'
import { isSettled } from './rest.ts'
import { SegmentReader } from './shipping/segment-reader.ts'
import { segmentBytes } from './shipping/ship.ts'
import { Saver } from './state/saver.ts'

export type { AgentParts } from './agent-parts.ts'

/** A file that could not be read is tried again after this. */
const retryMs = 5_000

/**
 * The agent: looks at files, and lets each destination's courier carry what is new. `run` resolves when everything is
 * delivered (one-shot) or when the signal aborts, with all state saved; it rejects on failures that no waiting mends.
 */
export class Agent {
  readonly book = new LifeBook()
  readonly couriers = new Map<string, Courier>()
  readonly #parts: AgentParts
  readonly #stop = new AbortController()
  readonly #context: AgentContext
  readonly #looks: Looks
  readonly #saver: Saver
  readonly #pace: ScanPace
  readonly #house: Housekeeping
  #watch: Watch | undefined
  #failure: unknown

  constructor(parts: AgentParts) {
    this.#parts = parts
    this.#looks = new Looks(
      parts.clock,
      (life) => this.#lookAt(life),
      () => this.#checkDone(),
    )
    this.#pace = new ScanPace(parts.clock, parts.settings.scanIntervalMs)
    this.#saver = new Saver(parts.checkpoint, this.book)
    this.#context = {
      settings: parts.settings,
      clock: parts.clock,
      files: parts.files,
      reader: new SegmentReader(parts.segmentBytes ?? segmentBytes, parts.hasher),
      book: this.book,
      couriers: this.couriers,
      signal: this.#stop.signal,
      openFilesMax: parts.openFilesMax,
      isHurried: false,
      report: parts.report,
      changed: (life) => this.#saver.changed(life),
      look: (life) => this.#looks.look(life),
      lookAfter: (life, ms) => this.#looks.lookAfter(life, ms),
      scan: () => this.#pace.ask(),
      worked: (life) => {
        closeSettled(this.#context, life)
        this.#parts.spool?.worked(life)
        takeTurn(this.#context)
        this.#checkDone()
      },
      end: (life, why) => endLife(this.#context, life, why),
      forget: (life) => this.#saver.forget(life),
    }
    this.#house = new Housekeeping(this.#context, {
      findWriters: parts.findWriters ?? findWriters,
      names: parts.names,
    })
    for (const settings of parts.destinations) this.couriers.set(settings.name, new Courier(this.#context, settings))
  }

  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => this.#stop.abort(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    this.#watch = this.#parts.watch?.((hint) => takeHint(this.#context, hint))
    try {
      for (const life of await this.#parts.checkpoint.load([...this.couriers.keys()])) this.#restore(life)
      await this.#parts.spool?.restore(this.#context, this.#parts.findWriters ?? everyWriter)
      const loops = [...this.couriers.values()].map((courier) => courier.run())
      const saving = this.#saver.keepSaving(this.#parts.clock, this.#stop.signal, (error) => this.#saveFailed(error))
      const wake = (life: Life): void => this.#wake(life)
      loops.push(
        keepScanning(this.#context, this.#pace, wake, () => this.#checkDone()),
        saving,
      )
      if (!this.#parts.settings.isOneShot) loops.push(...this.#rounds())
      await Promise.all(loops.map((loop) => loop.catch((error) => this.#fail(error))))
      if (this.#failure !== undefined) throw this.#failure
    } finally {
      signal.removeEventListener('abort', stop)
      await this.#watch?.close()
      await this.#close()
    }
  }

  /** The first complete scan was applied. */
  get isExplored(): boolean {
    return this.book.isExplored
  }

  /** Resolves when a scan that begins after this call was applied. */
  async scanAgain(): Promise<void> {
    this.#pace.ask()
    await this.#pace.whenScanned()
  }

  /** While somebody waits (or the machine goes for good) small appends no longer wait for others, or for a budget. */
  hurry(isHurried = true): void {
    this.#context.isHurried = isHurried
    for (const life of this.book.current.values())
      if (life.pendingSinceMs !== undefined || hasChanged(life)) this.#looks.look(life)
  }

  /** Takes other sources and destinations (reload.ts), and watches what they say. */
  async reload(next: Reload, watch?: StartWatch): Promise<void> {
    const begin = (courier: Courier): void => void courier.run().catch((error) => this.#fail(error))
    await reload(this.#context, this.couriers, next, begin)
    await this.#watch?.close()
    this.#watch = watch?.((hint) => takeHint(this.#context, hint))
  }

  /** Before a stop: seals that may be made within `withinMs` count as not drained. After a scan: it tells what was deleted. */
  awaitSeals(withinMs: number): Promise<void> {
    return awaitSeals(this.#context, withinMs, this.#parts.findWriters ?? everyWriter)
  }

  get isDrained(): boolean {
    return isDrained(this.#context)
  }

  /** For those who watch over it; times on the monotonic clock, undefined before the first. */
  get progress(): { scannedAtMs: number | undefined; savedAtMs: number | undefined; isStalled: boolean } {
    const { seenMs: scannedAtMs, isStalled } = this.#pace
    return { scannedAtMs, savedAtMs: this.#saver.savedAtMs, isStalled }
  }

  /** Another number when sizes or deliveries may be others. */
  get revision(): number {
    return this.#saver.revision
  }

  #fail(error: unknown): void {
    if (this.#stop.signal.aborted) return
    this.#failure = error
    this.#stop.abort(error)
  }

  #restore(life: Life): void {
    // The state directory came along with a clone: what it knows is the other machine's.
    if (isForeign(this.#parts.settings, life.origin)) return
    // A one-shot run says that everything is everywhere: it has seen all of it there.
    if (this.#parts.settings.isOneShot)
      for (const delivery of life.deliveries.values()) delivery.isWholeCheck = delivery.isSealUnseen = true
    this.book.restore(life)
  }

  // Looking

  async #lookAt(life: Life): Promise<void> {
    try {
      await lookAt(this.#context, life)
    } catch (error) {
      this.#problem('file-unreadable', life.path, error, life)
      this.#looks.lookAfter(life, retryMs)
    }
    this.#wake(life)
    this.#parts.spool?.keep(life)
  }

  #wake(life: Life): void {
    for (const courier of this.couriers.values()) courier.wake(life)
    if (this.#parts.settings.isOneShot || isSettled(life)) return
    // A file that is complete once it has been idle for long enough makes no event at that moment.
    const waitMs = untilComplete(this.#context, life)
    if (waitMs !== undefined) this.#looks.lookAfter(life, waitMs)
  }

  #rounds(): Promise<void>[] {
    const { signal } = this.#stop
    const { clock } = this.#parts
    return [
      keepRounds(this.book, clock, signal, this.#context.look, () => this.#sweep()),
      keepDailyChecks(this.book, clock, signal, (life) => this.#wake(life)),
      this.#house.keep(),
    ]
  }

  // State

  /** A checkpoint that cannot be written costs requests after a restart, never a byte: it is reported, and the run goes on. */
  #saveFailed(error: unknown): void {
    this.#problem('checkpoint-not-saved', 'checkpoint', error)
  }

  #problem(code: ProblemCode, place: string, error: unknown, life?: Life): void {
    const hint = isCode(error, 'unavailable', 'refused') ? error.hint : undefined
    this.#parts.report({ kind: 'problem', code, place, life, message: messageOf(error), hint })
  }

  #sweep(): void {
    for (const life of sweep(this.#context, this.#parts.openFilesMax)) {
      this.#saver.forgot(life)
      this.#parts.spool?.forgot(life).catch((error) => this.#saveFailed(error))
    }
  }

  // The end

  /** Resolves (by stopping) when a one-shot run has nothing left to do. */
  #checkDone(): void {
    if (!this.#parts.settings.isOneShot || !this.isExplored) return
    if (!this.#looks.isIdle || !isAllSettled(this)) return
    this.#house.last().finally(() => this.#stop.abort(new Error('done')))
  }

  async #close(): Promise<void> {
    const { checkpoint, spool } = this.#parts
    const saveFailed = (error: unknown): void => this.#saveFailed(error)
    const { book, couriers } = this
    await closeAll({ book, couriers, looks: this.#looks, saver: this.#saver, checkpoint, spool, saveFailed })
  }
}
