import { LogcaskError, messageOf } from '../../base/errors.ts'
import type { AgentContext } from '../context.ts'
import { type Life, newDelivery, newLife } from '../life.ts'
import { isAcked, isSettled } from '../rest.ts'
import { lifeKey } from '../state/checkpoint.ts'
import { bytesOf, openEntry, readEntries, removeEntry, type SpoolRecord, writeEntry } from './spool-files.ts'
import { planSpool } from './spool-plan.ts'

/** A destination that answers gets the rest of a deleted file sooner than this: then it is not worth writing to the disk. */
const graceMs = 2_000

/**
 * The rescue spool: the rest of files that lost their last name before every destination had them. A descriptor keeps
 * their bytes as long as this process lives; the spool keeps them over a restart, bounded, fsynced.
 */
export class Spool {
  readonly #directory: string
  readonly #bytesMax: number
  readonly #records = new Map<string, SpoolRecord>()
  /** Those that lives of this run hold: of no other entry is known that nobody needs it. */
  readonly #atWork = new Set<string>()
  #context: AgentContext | undefined

  constructor(directory: string, bytesMax: number) {
    this.#directory = directory
    this.#bytesMax = bytesMax
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
  async restore(context: AgentContext): Promise<void> {
    this.#context = context
    const problem = (place: string, message: string, hint?: string): void =>
      context.report({ kind: 'problem', place, message, hint })
    for (const record of await readEntries(this.#directory, problem)) {
      this.#records.set(record.key, record)
      try {
        await this.#take(context, record)
      } catch (error) {
        problem('spool', messageOf(error), error instanceof LogcaskError ? error.hint : undefined)
      }
    }
  }

  async #take(context: AgentContext, record: SpoolRecord): Promise<void> {
    const { book, settings } = context
    const known = [...book.all()].find((life) => lifeKey(life) === record.key)
    const life = known ?? born(record)
    // Before anybody knows of it: what cannot be opened now is not gone (I4), and stays for the next start.
    const file = await openEntry(this.#directory, record)
    for (const name of record.to)
      if (context.couriers.has(name) && !life.deliveries.has(name)) life.deliveries.set(name, newDelivery(name))
    if (life.deliveries.size === 0) {
      await file.close()
      throw new LogcaskError('invalid', `${life.path}: was kept for ${record.to.join(', ')}, which is no destination`, {
        hint: 'put that destination back into the configuration, and restart: it is delivered then',
      })
    }
    if (known === undefined) book.restore(life)
    this.#atWork.add(record.key)
    life.file = file
    life.isUnlinked = life.isMet = life.isWatched = true
    // More was seen of it than was kept: what is kept is delivered, and the rest is recorded as lost.
    if (life.size > record.end) life.cutFrom = life.size
    life.size = record.end
    life.stamp = life.file.stat().stamp
    life.grewAtMs = context.clock.monotonic()
    life.pendingSinceMs = life.grewAtMs
    if (settings.isOneShot) life.limit = record.end
  }

  /**
   * After each look at a file: where it has no name any more, its rest is kept, at once if a destination does not answer,
   * else if it is not everywhere soon. `isLast`: the agent stops, now or never.
   */
  async keep(life: Life, isLast = false): Promise<void> {
    const context = this.#context
    const { file } = life
    if (context === undefined || file === undefined || life.ended || !life.isUnlinked || isAcked(life)) return
    if (file.keptFrom !== undefined) return
    const names = [...life.deliveries.values()].filter(({ acked }) => acked.offset < life.size)
    const isDown = names.some(({ destination }) => context.couriers.get(destination)?.destination.health.state !== 'ok')
    const now = context.clock.monotonic()
    life.unlinkedAtMs ??= now
    const sinceMs = now - life.unlinkedAtMs
    if (!isDown && !isLast && sinceMs < graceMs) return context.lookAfter(life, graceMs - sinceMs + 1)
    await this.#write(context, life)
  }

  async #write(context: AgentContext, life: Life): Promise<void> {
    const { file } = life
    const key = lifeKey(life)
    const before = this.#records.get(key)
    const { size } = file?.stat() ?? { size: 0 }
    const isDecoded = life.copy?.reason === 'compressed'
    const plan = planSpool({
      size,
      // Of a compressed file all is needed: offsets are those of what it decodes to.
      acked: isDecoded ? [0] : [...life.deliveries.values()].map(({ acked }) => acked.offset),
      kept: before && { from: before.from, end: before.end },
      room: this.#bytesMax - this.bytes,
    })
    if (plan.kind === 'nothing' || file === undefined) return
    if (plan.kind === 'full')
      return this.#failed(context, life, plan.missing, `is full (${this.#bytesMax} bytes, spool: in the configuration)`)
    const { identity, firstGeneration, origin, source, path, isOwn, copy } = life
    const kept = { identity, firstGeneration, origin, source, path, isOwn, copy }
    const to = [...life.deliveries.keys()]
    const record: SpoolRecord = { v: 1, key, life: kept, to, from: plan.from, end: plan.end }
    try {
      await writeEntry(this.#directory, record, plan.start, file)
    } catch (error) {
      return this.#failed(context, life, plan.end - plan.start, `cannot be written: ${messageOf(error)}`)
    }
    this.#records.set(key, record)
    this.#atWork.add(key)
    life.isUnspooled = false
    context.changed(life)
  }

  #failed(context: AgentContext, life: Life, missing: number, why: string): void {
    if (!life.isUnspooled) {
      life.isUnspooled = true
      context.changed(life)
    }
    context.report({
      kind: 'problem',
      place: 'spool',
      life,
      message: `${why}: ${missing} bytes of the deleted ${life.path} are lost when this process ends`,
      hint: 'mend the destinations before anything is restarted (logcask status), or give it more: spool: 4GiB',
    })
  }

  /** After work on a life: what was kept of it is everywhere, or all that was kept of one that was cut short. */
  worked(life: Life): void {
    const context = this.#context
    if (context === undefined || life.cutFrom === undefined || life.ended || !isAcked(life)) return
    life.ended = { reason: 'unspooled', atMs: context.clock.now() }
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
    await removeEntry(this.#directory, key)
  }
}

function born({ life: saved }: SpoolRecord): Life {
  const life = newLife({ ...saved, destinations: [] })
  life.isOwn = saved.isOwn
  life.copy = saved.copy
  return life
}

/** Deleted files whose bytes nobody could keep: what a stop loses. */
export function unspooled(lives: Iterable<Life>): Life[] {
  return [...lives].filter((life) => life.isUnspooled === true && !life.ended && !isAcked(life))
}
