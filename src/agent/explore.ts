import { dirname, resolve } from 'node:path'
import { isCode, messageOf } from '../base/errors.ts'
import { type AgentContext, originOf, sourceOf } from './context.ts'
import type { OpenFile, Scan } from './files.ts'
import { type Life, newLife } from './life.ts'

/** Applies one complete look at the sources: new files, new names of known ones, and what is gone. */
export async function explore(context: AgentContext, scan: Scan, onNew: (life: Life) => void): Promise<void> {
  const paths = new Map<Life, string[]>()
  for (const [path, source] of scan.found) {
    const life = await meet(context, path, source, onNew)
    if (life) paths.set(life, [...(paths.get(life) ?? []), path])
    if (context.signal.aborted) return
  }
  for (const [life, names] of paths) {
    life.isAway = false
    const [first] = names
    if (!names.includes(life.path) && first !== undefined) rename(context, life, first)
  }
  for (const life of [...context.book.current.values()]) if (!paths.has(life)) await miss(context, life, scan)
}

/** The life of the file behind a name; undefined where the name is gone again, or cannot be read. */
async function meet(
  context: AgentContext,
  path: string,
  sourceName: string,
  onNew: (life: Life) => void,
): Promise<Life | undefined> {
  const source = context.settings.sources.find((one) => one.name === sourceName)
  if (source === undefined) return undefined
  const hint = context.files.peek(path, source.followSymlinks)
  const known = hint && context.book.current.get(hint.identity)
  // Our descriptor pins the inode, so the name can only stand for it; a closed one that nobody touched stays closed.
  if (known && hint && (known.file !== undefined || known.stamp === hint.stamp)) return known
  let file: OpenFile | undefined
  try {
    file = await context.files.open(path, source.followSymlinks)
  } catch (error) {
    const hintText = isCode(error, 'refused', 'unavailable') ? error.hint : undefined
    context.report({ kind: 'problem', place: path, message: messageOf(error), hint: hintText })
    return undefined
  }
  if (file === undefined) return undefined
  const life = context.book.current.get(file.identity)
  if (life?.file) {
    await file.close()
    return life
  }
  if (life) {
    life.file = file
    life.isWatched = false
    context.look(life)
    return life
  }
  const fresh = newLife({
    identity: file.identity,
    firstGeneration: 0,
    origin: originOf(context.settings, file.identity, path),
    source: sourceName,
    path,
    destinations: source.to ?? [...context.couriers.keys()],
  })
  fresh.file = file
  fresh.grewAtMs = context.clock.monotonic()
  context.book.add(fresh)
  onNew(fresh)
  context.look(fresh)
  return fresh
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
  if (life.ended) return
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
