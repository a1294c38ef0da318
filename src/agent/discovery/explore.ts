import { type AgentContext, copyHoldMs, originOf, type SourceSettings, sourceOf } from '../context.ts'
import { isRotated } from '../ending/complete.ts'
import type { OpenFile, Scan } from '../files/files.ts'
import { openReported } from '../files/open-reported.ts'
import { type Life, newDelivery, newLife } from '../life.ts'
import { isSettled, mayStayClosed } from '../rest.ts'
import { miss, rename } from './missing.ts'
import { labelsOf } from './naming.ts'
import { sealingMax } from './sweep.ts'
import { askTurn, inTurn, roomFor } from './turns.ts'

/** Applies one complete look at the sources: new files, new names of known ones, and what is gone. */
export async function explore(context: AgentContext, scan: Scan): Promise<void> {
  await context.book.inOrder(() => apply(context, scan))
  takeTurn(context)
}

/** Work has come to rest, or a closed file has changed: those that wait may be opened. */
export function takeTurn(context: AgentContext): void {
  askTurn(context, (waited) => openWaiting(context, waited))
}

/** A file that was closed, because too many are open, may have changed. */
export function reopen(context: AgentContext, life: Life): void {
  if (life.ended) return
  context.book.waiting.add(life)
  takeTurn(context)
}

/**
 * [endfirst] What a file in hand waits for is opened whatever the bound says, or both would wait for ever: one more for
 * each that waits.
 */
export function openAwaited(context: AgentContext, life: Life): void {
  context.book.waiting.delete(life)
  // Whether it changed or not; and closed again at once, it would be awaited again.
  life.stamp = ''
  life.keptUntilMs = context.clock.monotonic() + 2 * copyHoldMs
  context.book
    .inOrder(async () => void (await meet(context, life.path, life.source, { taken: [], room: 1 })))
    .catch(() => context.scan())
}

/** Under the name that they were seen by; one that is not there the next scan finds. */
async function openWaiting(context: AgentContext, waited: readonly Life[]): Promise<void> {
  const opened: Opened = { taken: [], room: roomFor(context) }
  for (const life of waited) {
    if (context.signal.aborted) return
    context.book.waiting.delete(life)
    await meet(context, life.path, life.source, opened)
    if (!isWaiting(life)) continue
    context.book.waiting.add(life)
    context.scan()
  }
}

async function apply(context: AgentContext, scan: Scan): Promise<void> {
  // By identity: a life may end meanwhile, and its file goes on in the next one under the same name.
  const paths = new Map<string, string[]>()
  const waited = context.book.waiting
  context.book.waiting = new Set()
  context.book.leftOut.clear()
  const opened: Opened = { taken: [], room: roomFor(context) }
  for (const [path, source] of inTurn(linksLast(context, scan.found), waited)) {
    const met = meet(context, path, source, opened)
    // Most names of a scan are of files that we hold, ten thousand of them, and nothing is to be awaited.
    const life = met instanceof Promise ? await met : met
    if (life === undefined) continue
    if (context.book.unasked.delete(life)) readdress(context, life, source)
    paths.set(life.identity, [...(paths.get(life.identity) ?? []), path])
    if (context.signal.aborted) return
  }
  for (const [identity, names] of paths) {
    const life = context.book.current.get(identity)
    if (life === undefined) continue
    life.isAway = false
    life.missedSinceMs = undefined
    const [first] = names
    if (!names.includes(life.path) && first !== undefined) rename(context, life, first)
  }
  // A one-shot run is about what it was given, not about what earlier runs were, nor what went before its turn came.
  if (context.settings.isOneShot)
    for (const life of waited) life.isMet = life.limit !== undefined || paths.has(life.identity)
  else
    for (const life of [...context.book.current.values()])
      if (!paths.has(life.identity)) await miss(context, life, scan)
  for (const directory of scan.complete) context.book.searched.add(directory)
  context.book.isExplored = true
  if (context.settings.isOneShot) return
  // Files that came may be those that others are named after: only now are these known to be rotated.
  if (opened.taken.length > 0)
    for (const life of context.book.current.values())
      if (life.file && !isSettled(life) && isRotated(context, life)) context.look(life)
}

/** A file that is found through a link, too, is known by its own name: that is what its copies are called after. */
function linksLast({ settings, files }: AgentContext, found: Scan['found']): Scan['found'] {
  const following = new Set(settings.sources.filter((one) => one.followSymlinks).map(({ name }) => name))
  if (following.size === 0) return found
  const isLink = ([path, source]: [string, string]): boolean =>
    following.has(source) && files.peek(path, false) === undefined
  const names = [...found].map((name) => ({ name, order: Number(isLink(name)) }))
  return new Map(names.sort((a, b) => a.order - b.order).map(({ name }) => name))
}

/** What one look at the names has opened, and how much more it may. */
interface Opened {
  taken: Life[]
  room: number
}

/** The life of the file behind a name; undefined where the name is gone again, or cannot be read. */
function meet(
  context: AgentContext,
  path: string,
  sourceName: string,
  opened: Opened,
): Life | undefined | Promise<Life | undefined> {
  const source = context.settings.sources.find((one) => one.name === sourceName)
  if (source === undefined) return undefined
  const hint = context.files.peek(path, source.followSymlinks)
  const known = hint && context.book.current.get(hint.identity)
  // Our descriptor pins the inode, so the name can only stand for it.
  if (known && (known.file !== undefined || (known.stamp === hint.stamp && mayStayClosed(context, known)))) return known
  if (known?.isMet && known.stamp === hint?.stamp && opened.taken.length >= sealingMax) return known
  // A one-shot run is about what its first scan found: later ones are for those that wait.
  if (context.settings.isOneShot && context.book.isExplored && !isWaiting(known)) return known
  if (hint && known === undefined && isLeftOut(context, source, hint.modifiedMs)) {
    context.book.leftOut.set(path, source.name)
    return undefined
  }
  if (hint && opened.room <= 0) return wait(context, known ?? birth(context, hint.identity, path, source), source)
  return open(context, path, source, opened, known)
}

async function open(
  context: AgentContext,
  path: string,
  source: SourceSettings,
  opened: Opened,
  known: Life | undefined,
): Promise<Life | undefined> {
  const file = await openReported(context, path, source.followSymlinks)
  if (file === undefined) {
    if (known && isWaiting(known)) known.isMet = known.limit !== undefined
    return undefined
  }
  const life = context.book.current.get(file.identity)
  if (life?.file) {
    await file.close()
    return life
  }
  const taker = take(context, life ?? birth(context, file.identity, path, source), file, source)
  opened.taken.push(taker)
  opened.room--
  return taker
}

/**
 * A known name stands for another file now: that one is opened at once, before the next scan, since it may be replaced in
 * its turn. What became of the former file the scan tells.
 */
export async function meetSuccessor(context: AgentContext, path: string, former: Life): Promise<void> {
  const source = sourceOf(context, former)
  if (source === undefined || context.files.peek(path, source.followSymlinks)?.identity === former.identity) return
  context.scan()
  const opened = { taken: [], room: roomFor(context) }
  await context.book.inOrder(async () => meet(context, path, source.name, opened))
}

/** Its source asks for what has changed of late. Once it changes, it is like any other. */
function isLeftOut({ clock }: AgentContext, { sinceMs }: SourceSettings, modifiedMs: number): boolean {
  return sinceMs !== undefined && clock.now() - modifiedMs > sinceMs
}

function birth(context: AgentContext, identity: string, path: string, source: SourceSettings): Life {
  const { clock, files, settings } = context
  const hint = source.rename === undefined ? undefined : files.peek(path, source.followSymlinks)
  const origin = originOf(settings, identity, path, labelsOf(settings, source, path, hint, clock.now()))
  const life = newLife({
    identity,
    firstGeneration: 0,
    origin,
    source: source.name,
    path,
    destinations: [],
  })
  if (source.isOriginal) life.isOwn = true
  life.grewAtMs = context.clock.monotonic()
  context.book.add(life)
  return life
}

/** The life has a file (again): its size counts from here on. */
function take(context: AgentContext, life: Life, file: OpenFile, source: SourceSettings): Life {
  life.file = file
  life.isWatched = false
  context.book.aside.delete(life)
  if (context.settings.isOneShot) life.limit ??= file.stat().size
  address(context, life, source)
  context.changed(life)
  context.look(life)
  return life
}

/** Its turn has not come yet (see `wait`). */
function isWaiting(life: Life | undefined): boolean {
  return life !== undefined && life.file === undefined && life.stamp === ''
}

/** [I7] As many are open as may be: its turn comes when another is delivered. It is here, whatever else is judged. */
function wait(context: AgentContext, life: Life, source: SourceSettings): Life {
  address(context, life, source)
  life.stamp = ''
  context.book.waiting.add(life)
  return life
}

/** After a reload its source may be another one, or go elsewhere. */
function readdress(context: AgentContext, life: Life, sourceName: string): void {
  const source = context.settings.sources.find(({ name }) => name === sourceName)
  if (source === undefined) return
  address(context, life, source)
  context.changed(life)
  context.look(life)
}

export function address(context: AgentContext, life: Life, source: SourceSettings): void {
  life.isMet = true
  life.source = source.name
  for (const name of source.to ?? context.couriers.keys()) {
    if (!life.deliveries.has(name)) life.deliveries.set(name, newDelivery(name))
  }
}
