import { basename } from 'node:path'
import { messageOf } from '../../base/errors.ts'
import { type AgentContext, sourceOf } from '../context.ts'
import { closeFile, isAtWork } from '../discovery/sweep.ts'
import type { OpenFile } from '../files/files.ts'
import { type Removable, type Removed, removeDelivered } from '../files/local-removal.ts'
import type { Names } from '../files/names.ts'
import type { Writers } from '../files/writers.ts'
import type { Life } from '../life.ts'
import { isAnswering, isBeyond, isSettled } from '../rest.ts'
import { type After, isTakenName } from './after.ts'
import { isRotated } from './complete.ts'
import { confirm, isAsSealed } from './confirm.ts'

/** A round costs a look at each settled file of the sources that want it; the rest is done once per file. */
const roundMs = 10_000
/** What stayed is asked about again after this: a writer ends, a right is given. */
const retryMs = 300_000
/** The look at all processes serves all files of so long: a rotated file that was idle for long gets no new writer in it. */
const writersMs = 2_000

/** What it needs beside the agent's own. */
export interface HousekeepingWays {
  findWriters: () => Promise<Writers>
  /** Default: this machine's. */
  names?: Names | undefined
}

/** Does with rotated files of streams what their sources say, once every destination has them whole and sealed. */
export class Housekeeping {
  readonly #context: AgentContext
  readonly #ways: HousekeepingWays
  #writers: { atMs: number; found: Promise<Writers> } | undefined
  #ending: Promise<void> | undefined
  readonly #kept = new WeakMap<Life, { stamp: string; againAtMs: number }>()

  constructor(context: AgentContext, ways: HousekeepingWays) {
    this.#context = context
    this.#ways = ways
  }

  get isWanted(): boolean {
    return this.#context.settings.sources.some((source) => afterOf(source).kind !== 'keep')
  }

  /** Round after round, until aborted. */
  async keep(): Promise<void> {
    const { clock, signal } = this.#context
    while (!signal.aborted && this.isWanted) {
      await clock.sleep(roundMs, signal).catch(() => {})
      if (!signal.aborted) await this.round()
    }
  }

  /** A one-shot run has delivered everything: what may go goes, once. */
  last(): Promise<void> {
    this.#ending ??= this.round()
    return this.#ending
  }

  /** All files that are due now, one after the other. Never rejects: what stays is reported. */
  async round(): Promise<void> {
    if (!this.isWanted) return
    for (const life of [...this.#context.book.current.values()]) {
      if (this.#context.signal.aborted) return
      const after = afterOf(sourceOf(this.#context, life))
      if (after.kind === 'keep' || !this.#isDue(life)) continue
      await this.#remove(life, after)
    }
  }

  #isDue(life: Life): boolean {
    const kept = this.#kept.get(life)
    if (kept?.stamp === life.stamp && this.#context.clock.monotonic() < kept.againAtMs) return false
    return isRemovable(this.#context, life)
  }

  async #remove(life: Life, after: Exclude<After, { kind: 'keep' }>): Promise<void> {
    const context = this.#context
    const { clock, report } = context
    const keep = (why: string, hint?: string): void => {
      this.#kept.set(life, { stamp: life.stamp, againAtMs: clock.monotonic() + retryMs })
      report({
        kind: 'problem',
        code: 'file-not-removed',
        place: life.path,
        life,
        message: `is not ${verbs[after.kind]}: ${why}`,
        hint,
      })
    }
    const held = await hold(context, life).catch(() => undefined)
    try {
      const result = await removeDelivered(this.#removable(life), after, context.files, this.#ways.names)
      if (result.kind === 'kept') return keep(result.why, result.hint)
      report({ kind: 'removed', life, to: result.to })
      await this.#leave(life, result.hasGrown)
    } catch (error) {
      if (!context.signal.aborted) keep(messageOf(error))
    } finally {
      await letGo(context, life, held)
    }
  }

  #removable(life: Life): Removable {
    const context = this.#context
    const isStill = (): boolean => isRemovable(context, life)
    return {
      path: life.path,
      identity: life.identity,
      delivered: life.size,
      isLive: () => !isStill(),
      writers: () => this.#findWriters(),
      confirm: () => confirm(context, life),
      isSameContent: (file) => isAsSealed(context, life, file),
      // One by one with the looks at names: none sees it under the name that it has for that instant.
      hold: (act) =>
        context.book.inOrder(async () => (isStill() ? act() : ({ kind: 'kept', why: 'it is live' } satisfies Removed))),
    }
  }

  #findWriters(): Promise<Writers> {
    const now = this.#context.clock.monotonic()
    if (this.#writers === undefined || now - this.#writers.atMs > writersMs)
      this.#writers = { atMs: now, found: this.#ways.findWriters() }
    return this.#writers.found
  }

  async #leave(life: Life, hasGrown: boolean): Promise<void> {
    const context = this.#context
    const { isOneShot } = context.settings
    if (hasGrown && !isOneShot) return context.look(life)
    if (hasGrown)
      context.report({
        kind: 'problem',
        code: 'file-grew-while-removed',
        place: life.path,
        message: 'was appended to in the instant in which it went',
      })
    await closeFile(life)
    // A one-shot run still has to say what it delivered.
    if (!isOneShot) context.forget(life)
  }
}

/**
 * What a writer that nobody sees appends in the instant of the act is read by this descriptor, and ships. Undefined: it is
 * open, or its name stands for another file.
 */
async function hold(context: AgentContext, life: Life): Promise<OpenFile | undefined> {
  if (life.file !== undefined) return undefined
  const file = await context.files.open(life.path, false)
  if (file === undefined) return undefined
  if (file.identity !== life.identity || life.file !== undefined) {
    await file.close()
    return undefined
  }
  life.file = file
  // As it was looked at, or else it is looked at now: nobody waits for it to be.
  life.isWatched = file.stat().stamp === life.stamp
  if (!life.isWatched) context.look(life)
  return file
}

/** What stayed, and was closed before, is closed again: descriptors are for those that something is left to do for (I7). */
async function letGo(context: AgentContext, life: Life, held: OpenFile | undefined): Promise<void> {
  if (held === undefined || life.file !== held || life.isUnlinked || !isSettled(life) || isAtWork(context, life)) return
  await closeFile(life)
}

const verbs = { delete: 'deleted', move: 'moved' } as const

export function afterOf(source: { after?: After['kind'] | undefined; moveTo?: string | undefined } | undefined): After {
  if (source?.after === 'move' && source.moveTo !== undefined) return { kind: 'move', directory: source.moveTo }
  return source?.after === 'delete' ? { kind: 'delete' } : { kind: 'keep' }
}

/** By what is known here: rotated, sealed everywhere, and at rest. */
function isRemovable(context: AgentContext, life: Life): boolean {
  // What a killed agent left under a name of its own is met by no pattern.
  const isMet = life.isMet || isTakenName(basename(life.path))
  if (life.ended || life.isUnlinked || !isMet || isBeyond(life) || isAtWork(context, life)) return false
  const names = sourceOf(context, life)?.to ?? [...context.couriers.keys()]
  const isEverywhere = names.length > 0 && names.every((name) => life.deliveries.get(name)?.sealed !== undefined)
  // One that does not answer would hold up what only others have to say of (I5).
  const isAsked = names.every((name) =>
    [context.couriers.get(name)].some((one) => one !== undefined && isAnswering(one)),
  )
  return isEverywhere && isAsked && isSettled(life) && isRotated(context, life)
}
