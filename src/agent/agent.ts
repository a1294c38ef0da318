import type { Clock } from '../base/clock.ts'
import { isCode, messageOf } from '../base/errors.ts'
import type { Checkpoint } from './checkpoint.ts'
import { untilComplete } from './complete.ts'
import type { AgentContext, AgentEvent, AgentSettings } from './context.ts'
import { Courier } from './courier.ts'
import type { DestinationSettings } from './destination.ts'
import { explore } from './explore.ts'
import type { Files } from './files.ts'
import type { Life } from './life.ts'
import { LifeBook } from './life-book.ts'
import { endLife, lookAt } from './look.ts'
import { Looks } from './looks.ts'
import { Saver } from './saver.ts'
import { SegmentReader } from './segment-reader.ts'
import { segmentBytes } from './ship.ts'
import { closeFile, isSettled, sweep } from './sweep.ts'
import type { Hint } from './watch.ts'

export interface AgentParts {
  settings: AgentSettings
  clock: Clock
  files: Files
  destinations: readonly DestinationSettings[]
  checkpoint: Checkpoint
  report: (event: AgentEvent) => void
  /** Files that may be open at once; beyond it, acked idle ones are closed and opened again when they change. */
  openFilesMax: number
  /** Tells of changes in the sources' directories. Only hints. */
  watch?: ((hint: (hint: Hint) => void) => { close(): Promise<void> }) | undefined
}

/** Files that changed lately are looked at this often, all others a tenth as often: a hint may have been lost. */
const roundMs = 1_000
const saveMs = 1_000
const searchHint = 'let this user read and search it (chmod o+rx, an ACL, or CAP_DAC_READ_SEARCH)'
const hintMs = 20
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
  #exploreSoon: (() => void) | undefined
  #wantsScan = false
  #failure: unknown
  /** The first complete scan was applied. */
  isExplored = false

  constructor(parts: AgentParts) {
    this.#parts = parts
    this.#looks = new Looks(
      parts.clock,
      (life) => this.#lookAt(life),
      () => this.#checkDone(),
    )
    this.#saver = new Saver(parts.checkpoint, this.book)
    this.#context = {
      settings: parts.settings,
      clock: parts.clock,
      files: parts.files,
      reader: new SegmentReader(segmentBytes),
      book: this.book,
      couriers: this.couriers,
      signal: this.#stop.signal,
      report: parts.report,
      changed: (life) => this.#saver.changed(life),
      look: (life) => this.#looks.look(life),
      lookAfter: (life, ms) => this.#looks.lookAfter(life, ms),
      worked: (life) => {
        // Settled for good: a one-shot run looks at no file twice.
        if (parts.settings.isOneShot && isSettled(life) && !isBeyond(life) && !this.#isAtWork(life))
          void closeFile(life)
        this.#checkDone()
      },
      end: (life, why) => endLife(this.#context, life, why),
    }
    for (const settings of parts.destinations) this.couriers.set(settings.name, new Courier(this.#context, settings))
  }

  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => this.#stop.abort(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    const watch = this.#parts.watch?.((hint) => this.#hint(hint))
    try {
      for (const life of await this.#parts.checkpoint.load([...this.couriers.keys()])) this.#restore(life)
      const loops = [...this.couriers.values()].map((courier) => courier.destination.run(this.#stop.signal))
      loops.push(this.#scanLoop(), this.#saveLoop())
      if (!this.#parts.settings.isOneShot) loops.push(this.#roundLoop(), this.#recheckLoop())
      await Promise.all(loops.map((loop) => loop.catch((error) => this.#fail(error))))
      if (this.#failure !== undefined) throw this.#failure
    } finally {
      signal.removeEventListener('abort', stop)
      await watch?.close()
      await this.#close()
    }
  }

  /** Everything that was seen is acked by every destination that answers. */
  get isDrained(): boolean {
    for (const life of this.book.all()) {
      for (const [name, delivery] of life.deliveries) {
        const isUp = this.couriers.get(name)?.destination.health.state === 'ok'
        if (isUp && (life.ended ? !delivery.hasGap : delivery.acked.offset < life.size)) return false
      }
    }
    return true
  }

  /** Ends a one-shot run that is done, or that nobody waits for any longer. */
  stop(reason: unknown): void {
    this.#stop.abort(reason)
  }

  #fail(error: unknown): void {
    if (this.#stop.signal.aborted) return
    this.#failure = error
    this.#stop.abort(error)
  }

  #restore(life: Life): void {
    // A one-shot run says that everything is everywhere: it has seen all of it there.
    if (this.#parts.settings.isOneShot)
      for (const delivery of life.deliveries.values()) delivery.isWholeCheck = delivery.isSealUnseen = true
    this.book.restore(life)
  }

  async #scanLoop(): Promise<void> {
    const { clock, files, settings } = this.#parts
    while (!this.#stop.signal.aborted) {
      const startedMs = clock.monotonic()
      await this.#explore(files.scan(settings.sources)).catch((error) => {
        if (settings.isOneShot) throw error
        this.#parts.report({ kind: 'problem', place: 'scan', message: messageOf(error) })
      })
      for (const life of this.book.old) this.#wake(life)
      this.#checkDone()
      if (settings.isOneShot) return
      await this.#untilScan(clock.monotonic() - startedMs)
    }
  }

  async #explore(scanning: ReturnType<Files['scan']>): Promise<void> {
    const scan = await scanning
    for (const { path, errno } of scan.problems)
      this.#parts.report({ kind: 'problem', place: path, message: `cannot be searched: ${errno}`, hint: searchHint })
    await explore(this.#context, scan)
    if (!this.isExplored) for (const life of this.book.current.values()) this.#wake(life)
    this.isExplored = true
  }

  /** The next scan: when its time has come, or a moment after a hint asked for it. */
  async #untilScan(lastTookMs: number): Promise<void> {
    const { clock, settings } = this.#parts
    const { signal } = this.#stop
    // Events come in bursts (rename, create, chmod): one scan sees them all; and scans never take more than a tenth of the time.
    await clock.sleep(Math.max(hintMs, 10 * lastTookMs), signal).catch(() => {})
    const early = Promise.withResolvers<void>()
    this.#exploreSoon = early.resolve
    if (!this.#wantsScan)
      await Promise.race([early.promise, clock.sleep(settings.scanIntervalMs, signal).catch(() => {})])
    this.#exploreSoon = undefined
    this.#wantsScan = false
  }

  #hint({ path, appeared }: Hint): void {
    let isKnown = false
    for (const life of this.book.at(path)) {
      if (life.file === undefined) continue
      isKnown = true
      this.#looks.look(life)
    }
    // A change of a file that is not ours is nothing; a name that came or went may be a rotation.
    if (!appeared && (isKnown || this.isExplored)) return
    this.#wantsScan = true
    this.#exploreSoon?.()
  }

  // Looking

  async #lookAt(life: Life): Promise<void> {
    try {
      await lookAt(this.#context, life)
    } catch (error) {
      const hint = isCode(error, 'unavailable', 'refused') ? error.hint : undefined
      this.#parts.report({ kind: 'problem', place: life.path, life, message: messageOf(error), hint })
      this.#looks.lookAfter(life, retryMs)
    }
    this.#wake(life)
  }

  #wake(life: Life): void {
    for (const courier of this.couriers.values()) courier.wake(life)
    if (this.#parts.settings.isOneShot || isSettled(life)) return
    // A file that is complete once it has been idle for long enough makes no event at that moment.
    const waitMs = untilComplete(this.#context, life)
    if (waitMs !== undefined) this.#looks.lookAfter(life, waitMs)
  }

  #isAtWork(life: Life): boolean {
    return [...this.couriers.values()].some((courier) => courier.isAtWork(life))
  }

  // Rounds

  async #roundLoop(): Promise<void> {
    const { clock } = this.#parts
    for (let round = 0; !this.#stop.signal.aborted; round++) {
      await clock.sleep(roundMs, this.#stop.signal).catch(() => {})
      const now = clock.monotonic()
      for (const life of this.book.current.values()) {
        if (life.file === undefined || (now - life.grewAtMs > 60_000 && round % 10 !== 0)) continue
        if (hasChanged(life)) this.#looks.look(life)
      }
      this.#sweep()
    }
  }

  /** Once a day, spread over the day, the whole chain of every stream whose file is here. */
  async #recheckLoop(): Promise<void> {
    const { clock } = this.#parts
    let due: Life[] = []
    let perMinute = 0
    while (!this.#stop.signal.aborted) {
      await clock.sleep(60_000, this.#stop.signal).catch(() => {})
      if (due.length === 0) {
        due = [...this.book.current.values()]
        perMinute = Math.ceil(due.length / (24 * 60))
      }
      for (const life of due.splice(0, perMinute)) {
        for (const delivery of life.deliveries.values()) {
          delivery.isWholeCheck = true
          delivery.isChecked = false
        }
        this.#wake(life)
      }
    }
  }

  // State

  async #saveLoop(): Promise<void> {
    const { clock } = this.#parts
    while (!this.#stop.signal.aborted) {
      await clock.sleep(saveMs, this.#stop.signal).catch(() => {})
      await this.#save()
    }
  }

  /** A checkpoint that cannot be written costs requests after a restart, never a byte: it is reported, and the run goes on. */
  async #save(): Promise<void> {
    try {
      await this.#saver.save()
    } catch (error) {
      const hint = isCode(error, 'unavailable') ? error.hint : undefined
      this.#parts.report({ kind: 'problem', place: 'checkpoint', message: messageOf(error), hint })
    }
  }

  #sweep(): void {
    for (const life of sweep(this.#context, this.#parts.openFilesMax)) this.#saver.forgot(life)
  }

  // The end

  /** Resolves (by stopping) when a one-shot run has nothing left to do. */
  #checkDone(): void {
    if (!this.#parts.settings.isOneShot || !this.isExplored) return
    if (!this.#looks.isIdle) return
    for (const courier of this.couriers.values()) if (!courier.isIdle) return
    for (const life of this.book.all()) if (life.isMet && !isSettled(life)) return
    this.#stop.abort(new Error('done'))
  }

  async #close(): Promise<void> {
    await this.#looks.close()
    for (const courier of this.couriers.values()) await courier.settled()
    await this.#save()
    await this.#parts.checkpoint.close()
    for (const life of this.book.all()) await closeFile(life)
  }
}

/** Shorter than its stream: a copy of it may be judged yet. */
function isBeyond(life: Life): boolean {
  return [...life.deliveries.values()].some((delivery) => delivery.isBeyond)
}

/** A file that cannot even be asked is looked at: the look reports it. */
function hasChanged(life: Life): boolean {
  try {
    return life.file?.stat().stamp !== life.stamp
  } catch {
    return true
  }
}
