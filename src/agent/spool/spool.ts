import { LogcaskError, messageOf } from '../../base/errors.ts'
import type { AgentContext } from '../context.ts'
import { completionOf } from '../ending/complete.ts'
import type { OpenFile } from '../files/files.ts'
import type { Writers } from '../files/writers.ts'
import type { Life } from '../life.ts'
import { isAcked, isSettled } from '../rest.ts'
import { lifeKey } from '../state/checkpoint.ts'
import type { SpoolFiles, SpoolRecord } from './spool-files.ts'
import { bytesOf, isOver, planSpool } from './spool-plan.ts'
import { restoreEntry } from './spool-restore.ts'
import { SpoolWriters } from './spool-writers.ts'

/** A destination that answers gets the rest of a deleted file sooner than this: then it is not worth writing to the disk. */
const graceMs = 2_000

/**
 * The rescue spool: the rest of files that lost their last name before every destination had them. A descriptor keeps
 * their bytes as long as this process lives; the spool keeps them over a restart, bounded, fsynced.
 */
export class Spool {
  readonly #files: SpoolFiles
  readonly #bytesMax: number
  /** Files that are delivered whole are kept beside, and count. */
  readonly #others: () => number
  readonly #records = new Map<string, SpoolRecord>()
  /** Those that lives of this run hold: of no other entry is known that nobody needs it. */
  readonly #atWork = new Set<string>()
  readonly #due = new Set<Life>()
  #context: AgentContext | undefined
  #writers: SpoolWriters | undefined
  #keeping: Promise<void> | undefined

  constructor(files: SpoolFiles, bytesMax: number, others: () => number = () => 0) {
    this.#files = files
    this.#bytesMax = bytesMax
    this.#others = others
  }

  get bytes(): number {
    let sum = 0
    for (const record of this.#records.values()) sum += bytesOf(record)
    return sum
  }

  get bytesMax(): number {
    return this.#bytesMax
  }

  /** What an earlier run kept is there again, its file open, before names are looked at. Once, before anything else. */
  async restore(context: AgentContext, findWriters: () => Promise<Writers>): Promise<void> {
    this.#context = context
    this.#writers = new SpoolWriters(findWriters, context.clock)
    const problem = (place: string, message: string, hint?: string): void =>
      context.report({ kind: 'problem', code: 'spool-unreadable', place, message, hint })
    for (const record of await this.#files.read(problem)) {
      this.#records.set(record.key, record)
      try {
        await restoreEntry(context, this.#files, record)
        this.#atWork.add(record.key)
      } catch (error) {
        problem('spool', messageOf(error), error instanceof LogcaskError ? error.hint : undefined)
      }
    }
  }

  /**
   * After each look at a file: where it has no name any more, its rest is kept, at once if a destination does not answer,
   * else if it is not everywhere soon. One after the other, so that what each takes of the disk is known to the next.
   */
  keep(life: Life): void {
    if (!this.#isToBeKept(life)) return
    life.unlinkedAtMs ??= this.#context?.clock.monotonic()
    this.#due.add(life)
    this.#keeping ??= this.#keepDue().finally(() => {
      this.#keeping = undefined
    })
  }

  /** The agent stops: now or never. */
  async keepLast(lives: Iterable<Life>): Promise<void> {
    await this.#keeping
    const unwritten = [...lives].filter((life) => this.#isToBeKept(life))
    for (const life of unwritten) life.unlinkedAtMs ??= this.#context?.clock.monotonic()
    this.#writers?.forget()
    for (const life of unwritten) await this.#write(life)
  }

  async #keepDue(): Promise<void> {
    for (const life of this.#due) {
      this.#due.delete(life)
      if (this.#isDue(life)) await this.#write(life)
    }
  }

  #isToBeKept(life: Life): boolean {
    const { file } = life
    if (this.#context === undefined || file === undefined || file.keptFrom !== undefined) return false
    return life.ended === undefined && life.isUnlinked && !isAcked(life)
  }

  #isDue(life: Life): boolean {
    const context = this.#context
    if (context === undefined || !this.#isToBeKept(life)) return false
    const names = [...life.deliveries.values()].filter(({ acked }) => acked.offset < life.size)
    const isDown = names.some(({ destination }) => context.couriers.get(destination)?.destination.health.state !== 'ok')
    const now = context.clock.monotonic()
    const sinceMs = now - (life.unlinkedAtMs ?? now)
    if (isDown || sinceMs >= graceMs) return true
    context.lookAfter(life, graceMs - sinceMs + 1)
    return false
  }

  async #write(life: Life): Promise<void> {
    const context = this.#context
    const { file } = life
    if (context === undefined || file === undefined) return
    try {
      await this.#keepAsItIs(context, life, file)
    } catch (error) {
      // Closed meanwhile: it was delivered, or it ended.
      if (life.file === file && this.#isToBeKept(life))
        this.#failed(context, life, life.size, `cannot be written: ${messageOf(error)}`)
    }
  }

  async #keepAsItIs(context: AgentContext, life: Life, file: OpenFile): Promise<void> {
    const before = this.#records.get(lifeKey(life))
    // Before its size is asked for: what comes between the two is seen.
    const writer = (await this.#writers?.of(life.unlinkedAtMs, file)) ?? 'unknown'
    const { size } = file.stat()
    const isDecoded = life.copy?.reason === 'compressed'
    const plan = planSpool({
      size,
      // Of a compressed file all is needed: offsets are those of what it decodes to.
      acked: isDecoded ? [0] : [...life.deliveries.values()].map(({ acked }) => acked.offset),
      kept: before && { from: before.from, end: before.end },
      room: this.#bytesMax - this.bytes - this.#others(),
    })
    const end = plan.kind === 'keep' ? plan.end : (before?.end ?? 0)
    const isIdle = size === life.size && completionOf(context, life) !== undefined
    const wasOver = before?.isOver === true && before.end === size
    const facts = { to: [...life.deliveries.keys()], end, seen: Math.max(size, before?.seen ?? 0) }
    const over = isOver({ writer, isIdle, size, end, wasOver })
    if (plan.kind === 'keep') {
      const record = { ...recordOf(life), ...facts, from: plan.from, isOver: over }
      await this.#files.write(record, plan.start, file)
      this.#hold(record)
      life.isUnspooled = false
      return context.changed(life)
    }
    if (before !== undefined) await this.#note({ ...before, ...facts, isOver: over }, before)
    if (plan.kind === 'full')
      this.#failed(context, life, plan.missing, `is full (${this.#bytesMax} bytes, spool: in the configuration)`)
  }

  async #note(record: SpoolRecord, before: SpoolRecord): Promise<void> {
    if (JSON.stringify(record) === JSON.stringify(before)) return
    await this.#files.note(record)
    this.#hold(record)
  }

  #hold(record: SpoolRecord): void {
    this.#records.set(record.key, record)
    this.#atWork.add(record.key)
  }

  #failed(context: AgentContext, life: Life, missing: number, why: string): void {
    if (!life.isUnspooled) {
      life.isUnspooled = true
      context.changed(life)
    }
    context.report({
      kind: 'problem',
      code: 'spool-full',
      place: 'spool',
      life,
      message: `${why}: ${missing} bytes of the deleted ${life.path} are lost when this process ends`,
      hint: 'mend the destinations before anything is restarted (logcask status), or give it more: spool: 4GiB',
    })
  }

  /** After work on a life: what was kept of it is everywhere, and its end was cut off, or nobody saw it. */
  worked(life: Life): void {
    const context = this.#context
    if (context === undefined || life.cutFrom === undefined || life.ended || !isAcked(life)) return
    life.ended = { reason: life.cutFrom > life.size ? 'unspooled' : 'gone', atMs: context.clock.now() }
    life.size = life.cutFrom
    context.book.retire(life)
    context.changed(life)
    context.look(life)
  }

  /** The life is over: nothing of it is left to deliver. */
  async forgot(life: Life): Promise<void> {
    const key = lifeKey({ ...life, ended: undefined })
    // Without a destination it is delivered nowhere: it may get one back.
    if (!this.#atWork.has(key) || life.deliveries.size === 0 || !isSettled(life)) return
    this.#atWork.delete(key)
    this.#records.delete(key)
    await this.#files.remove(key)
  }
}

function recordOf(life: Life): Pick<SpoolRecord, 'v' | 'key' | 'life'> {
  const { identity, firstGeneration, origin, source, path, isOwn, copy } = life
  return { v: 1, key: lifeKey(life), life: { identity, firstGeneration, origin, source, path, isOwn, copy } }
}

/** Deleted files whose bytes nobody could keep: what a stop loses. */
export function unspooled(lives: Iterable<Life>): Life[] {
  return [...lives].filter((life) => life.isUnspooled === true && !life.ended && !isAcked(life))
}
