import { dirname, resolve } from 'node:path'
import { isCode, messageOf } from '../base/errors.ts'
import { completionOf, isRotated } from './complete.ts'
import { type AgentContext, originOf, type SourceSettings, sourceOf } from './context.ts'
import type { OpenFile, Scan } from './files.ts'
import { type Life, newDelivery, newLife } from './life.ts'
import { isSettled, sealingMax } from './sweep.ts'

/** Applies one complete look at the sources: new files, new names of known ones, and what is gone. */
export async function explore(context: AgentContext, scan: Scan): Promise<void> {
  // By identity: a life may end meanwhile, and its file goes on in the next one under the same name.
  const paths = new Map<string, string[]>()
  const taken: Life[] = []
  for (const [path, source] of scan.found) {
    const met = meet(context, path, source, taken)
    // Most names of a scan are of files that we hold, ten thousand of them, and nothing is to be awaited.
    const life = met instanceof Promise ? await met : met
    if (life) paths.set(life.identity, [...(paths.get(life.identity) ?? []), path])
    if (context.signal.aborted) return
  }
  for (const [identity, names] of paths) {
    const life = context.book.current.get(identity)
    if (life === undefined) continue
    life.isAway = false
    const [first] = names
    if (!names.includes(life.path) && first !== undefined) rename(context, life, first)
  }
  // A one-shot run is about what it was given, not about what earlier runs were.
  if (!context.settings.isOneShot)
    for (const life of [...context.book.current.values()])
      if (!paths.has(life.identity)) await miss(context, life, scan)
  context.book.isExplored = true
  if (context.settings.isOneShot) return
  // Files that came may be those that others are named after: only now are these known to be rotated.
  if (taken.length > 0)
    for (const life of context.book.current.values())
      if (life.file && !isSettled(life) && isRotated(context, life)) context.look(life)
}

/** The life of the file behind a name; undefined where the name is gone again, or cannot be read. */
function meet(
  context: AgentContext,
  path: string,
  sourceName: string,
  taken: Life[],
): Life | undefined | Promise<Life | undefined> {
  const source = context.settings.sources.find((one) => one.name === sourceName)
  if (source === undefined) return undefined
  const hint = context.files.peek(path, source.followSymlinks)
  const known = hint && context.book.current.get(hint.identity)
  // Our descriptor pins the inode, so the name can only stand for it.
  if (known && (known.file !== undefined || (known.stamp === hint.stamp && mayStayClosed(context, known)))) return known
  if (known?.isMet && known.stamp === hint?.stamp && taken.length >= sealingMax) return known
  return open(context, path, source, taken)
}

async function open(
  context: AgentContext,
  path: string,
  source: SourceSettings,
  taken: Life[],
): Promise<Life | undefined> {
  const file = await openReported(context, path, source.followSymlinks)
  if (file === undefined) return undefined
  const life = context.book.current.get(file.identity)
  if (life?.file) {
    await file.close()
    return life
  }
  const taker = take(context, life ?? birth(context, file, path, source), file, source)
  taken.push(taker)
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
  await meet(context, path, source.name, [])
}

/** A closed file that nobody touched is left alone, until it is to be sealed or checked. */
function mayStayClosed(context: AgentContext, life: Life): boolean {
  if (!life.isMet) return false
  const begun = [...life.deliveries.values()].filter((delivery) => delivery.stream !== undefined)
  if (life.size === 0 && begun.length === 0) return true
  if (begun.some((delivery) => !delivery.isChecked)) return false
  return isSettled(life) || completionOf(context, life) === undefined
}

async function openReported(
  context: AgentContext,
  path: string,
  followSymlinks: boolean,
): Promise<OpenFile | undefined> {
  try {
    return await context.files.open(path, followSymlinks)
  } catch (error) {
    const hint = isCode(error, 'refused', 'unavailable') ? error.hint : undefined
    context.report({ kind: 'problem', place: path, message: messageOf(error), hint })
    return undefined
  }
}

function birth(context: AgentContext, file: OpenFile, path: string, source: SourceSettings): Life {
  const origin = originOf(context.settings, file.identity, path)
  const life = newLife({
    identity: file.identity,
    firstGeneration: 0,
    origin,
    source: source.name,
    path,
    destinations: [],
  })
  life.grewAtMs = context.clock.monotonic()
  context.book.add(life)
  return life
}

/** The life has a file (again): its size counts from here on. */
function take(context: AgentContext, life: Life, file: OpenFile, source: SourceSettings): Life {
  life.file = file
  life.isWatched = false
  life.isMet = true
  life.source = source.name
  if (context.settings.isOneShot) life.limit = file.stat().size
  for (const name of source.to ?? context.couriers.keys()) {
    if (!life.deliveries.has(name)) life.deliveries.set(name, newDelivery(name))
  }
  context.changed(life)
  context.look(life)
  return life
}

function rename(context: AgentContext, life: Life, path: string): void {
  const from = life.path
  context.book.move(life, path)
  context.changed(life)
  context.report({ kind: 'rotated', life, from })
  context.look(life)
}

/** No name of this life was found. Only a directory that was read whole says that it is gone (I4). */
async function miss(context: AgentContext, life: Life, scan: Scan): Promise<void> {
  if (life.ended || sourceOf(context, life) === undefined) return
  if (life.file && life.file.stat().links === 0) {
    life.isUnlinked = true
    return context.look(life)
  }
  const directory = dirname(life.path)
  const isKnown = scan.complete.has(directory) || !scan.problems.some((problem) => directory.startsWith(problem.path))
  if (!isKnown) return
  const olddir = sourceOf(context, life)?.olddir
  const found = await context.files
    .find(life.identity, olddir === undefined ? [directory] : [directory, resolve(directory, olddir)])
    .catch(() => 'unknown' as const)
  if (found === 'unknown') return
  // There under the same name, but no source asks for it any more: the configuration changed, not the file.
  if (found === life.path && life.file === undefined) return
  if (found !== undefined && found !== life.path) rename(context, life, found)
  life.isAway = true
  if (life.file) return context.look(life)
  if (found !== undefined) {
    life.file = await context.files.open(found, false).catch(() => undefined)
    if (life.file && life.file.identity !== life.identity) {
      await life.file.close()
      life.file = undefined
    }
    return context.look(life)
  }
  life.ended = { reason: 'gone', atMs: context.clock.now() }
  context.book.retire(life)
  context.changed(life)
  context.look(life)
}
