import { listObjects } from '../../bucket/bucket.ts'
import { parseKey, streamPrefix } from '../../format/keys.ts'
import { type AgentContext, sourceOf } from '../context.ts'
import type { Courier } from '../courier.ts'
import { closeFile, isAtWork } from '../discovery/sweep.ts'
import type { OpenFile } from '../files/files.ts'
import { type Removable, type Removed, removeDelivered } from '../files/local-removal.ts'
import { findWriters, type Writers } from '../files/writers.ts'
import { decodedBytesMax } from '../identity/decoded.ts'
import { hashFile } from '../identity/generations.ts'
import { inspectChain } from '../identity/inspect.ts'
import { type Delivery, isOwnStream, type Life } from '../life.ts'
import { isAnswering, isBeyond, isSettled } from '../rest.ts'
import type { After } from './after.ts'
import { isRotated } from './complete.ts'
import { isSealStored } from './finish.ts'

/** A round costs a look at each settled file of the sources that want it; the rest is done once per file. */
const roundMs = 10_000
/** What stayed is asked about again after this: a writer ends, a right is given. */
const retryMs = 300_000
/** The look at all processes serves all files of so long: a rotated file that was idle for long gets no new writer in it. */
const writersMs = 2_000

/** Does with rotated files of streams what their sources say, once every destination has them whole and sealed. */
export class Housekeeping {
  readonly #context: AgentContext
  #writers: { atMs: number; found: Promise<Writers> } | undefined
  #ending: Promise<void> | undefined
  readonly #kept = new WeakMap<Life, { stamp: string; againAtMs: number }>()

  constructor(context: AgentContext) {
    this.#context = context
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
      report({ kind: 'problem', place: life.path, life, message: `is not ${verbs[after.kind]}: ${why}`, hint })
    }
    try {
      await hold(context, life)
      const result = await removeDelivered(this.#removable(life), after, context.files)
      if (result.kind === 'kept') return keep(result.why, result.hint)
      report({ kind: 'removed', life, to: result.to })
      await this.#leave(life, result.hasGrown)
    } catch (error) {
      if (!context.signal.aborted) keep(error instanceof Error ? error.message : String(error))
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
      this.#writers = { atMs: now, found: findWriters() }
    return this.#writers.found
  }

  async #leave(life: Life, hasGrown: boolean): Promise<void> {
    const context = this.#context
    const { isOneShot } = context.settings
    if (hasGrown && !isOneShot) return context.look(life)
    if (hasGrown)
      context.report({ kind: 'problem', place: life.path, message: 'was appended to in the instant in which it went' })
    await closeFile(life)
    // A one-shot run still has to say what it delivered.
    if (!isOneShot) context.forget(life)
  }
}

/** What a writer that nobody sees appends in the instant of the act is read by this descriptor, and ships. */
async function hold(context: AgentContext, life: Life): Promise<void> {
  if (life.file !== undefined) return
  const file = await context.files.open(life.path, false)
  if (file?.identity === life.identity && life.file === undefined) life.file = file
  else await file?.close()
}

const verbs = { delete: 'deleted', move: 'moved' } as const

export function afterOf(source: { after?: After['kind'] | undefined; moveTo?: string | undefined } | undefined): After {
  if (source?.after === 'move' && source.moveTo !== undefined) return { kind: 'move', directory: source.moveTo }
  return source?.after === 'delete' ? { kind: 'delete' } : { kind: 'keep' }
}

/** By what is known here: rotated, sealed everywhere, and at rest. */
function isRemovable(context: AgentContext, life: Life): boolean {
  if (life.ended || life.isUnlinked || !life.isMet || isBeyond(life) || isAtWork(context, life)) return false
  const names = sourceOf(context, life)?.to ?? [...context.couriers.keys()]
  const isEverywhere = names.length > 0 && names.every((name) => life.deliveries.get(name)?.sealed !== undefined)
  // One that does not answer would hold up what only others have to say of (I5).
  const isAsked = names.every((name) =>
    [context.couriers.get(name)].some((one) => one !== undefined && isAnswering(one)),
  )
  return isEverywhere && isAsked && isSettled(life) && isRotated(context, life)
}

/** [delete] The whole chain, the seal and the gaps are listed again in every destination. */
async function confirm(context: AgentContext, life: Life): Promise<{ isEverywhere: boolean; hasOpenGap: boolean }> {
  let isEverywhere = true
  let hasOpenGap = false
  for (const [name, delivery] of life.deliveries) {
    const courier = context.couriers.get(name)
    if (courier === undefined) return { isEverywhere: false, hasOpenGap }
    isEverywhere &&= await isWhole(context, courier, delivery)
    hasOpenGap ||= await hasGapBeyond(context, courier, delivery)
  }
  return { isEverywhere, hasOpenGap }
}

async function isWhole(context: AgentContext, courier: Courier, { stream, sealed }: Delivery): Promise<boolean> {
  if (stream === undefined || sealed === undefined) return false
  const { footprint } = await inspectChain(context, courier, stream)
  return footprint.offset === sealed.length && (await isSealStored(context, courier, stream, sealed))
}

/** A seal closes an open gap that does not begin after its end. */
async function hasGapBeyond(context: AgentContext, courier: Courier, { stream, sealed }: Delivery): Promise<boolean> {
  if (stream === undefined || sealed === undefined) return false
  const { destination } = courier
  const prefix = streamPrefix('gaps', context.settings.host, stream)
  const objects = await destination.request(
    (signal) => listObjects(destination.bucket, prefix, { signal }),
    context.signal,
  )
  return objects.some((object) => {
    const key = parseKey(object.key)
    return key?.kind === 'gap' && key.end === 'open' && key.offset > sealed.length
  })
}

/** The bytes on the disk, all of them read again, are those that the seals speak of. */
async function isAsSealed(context: AgentContext, life: Life, file: OpenFile): Promise<boolean> {
  const hashes = new Map<boolean, string>()
  for (const { stream, sealed } of life.deliveries.values()) {
    if (stream === undefined || sealed === undefined) return false
    const isDecoded = life.copy?.reason === 'compressed' && !isOwnStream(life, stream)
    const hash = hashes.get(isDecoded) ?? (isDecoded ? await hashDecoded(context, file) : await hashWhole(file))
    hashes.set(isDecoded, hash)
    if (hash !== `${sealed.length} ${sealed.sha256}`) return false
  }
  return life.deliveries.size > 0
}

async function hashWhole(file: OpenFile): Promise<string> {
  const { size } = file.stat()
  return `${size} ${await hashFile({ file, size })}`
}

/** Decoded anew: from what is there now. */
async function hashDecoded(context: AgentContext, file: OpenFile): Promise<string> {
  const decoded = await context.files.decode(file, decodedBytesMax)
  if (decoded === undefined || decoded === 'too-large') return ''
  try {
    return await hashWhole(decoded)
  } finally {
    await decoded.close()
  }
}
