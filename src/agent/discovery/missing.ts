import { dirname, resolve } from 'node:path'
import { type AgentContext, sourceOf } from '../context.ts'
import { type Scan, wasSearched } from '../files/files.ts'
import type { Life } from '../life.ts'
import { closeFile, isAtWork } from './sweep.ts'

/** A directory may be unreadable for so long while a machine starts, or its owner is at it. */
const missedMs = 60_000

/** The life's file goes by another name now. */
export function rename(context: AgentContext, life: Life, path: string): void {
  const from = life.path
  context.book.move(life, path)
  context.changed(life)
  context.report({ kind: 'rotated', life, from })
  context.look(life)
}

/** No name of this life was found. Only a directory that was read whole says that it is gone (I4). */
export async function miss(context: AgentContext, life: Life, scan: Scan): Promise<void> {
  if (life.ended) return
  if (life.file && life.file.stat().links === 0) {
    life.isUnlinked = true
    return context.look(life)
  }
  if (sourceOf(context, life) === undefined) return leave(context, life)
  const directory = dirname(life.path)
  const isKnown = wasSearched(scan, directory)
  if (!isKnown) return
  const olddir = sourceOf(context, life)?.olddir
  const found = await context.files
    .find(life.identity, olddir === undefined ? [directory] : [directory, resolve(directory, olddir)])
    .catch(() => 'unknown' as const)
  if (found === 'unknown') return
  // There under the same name, but no source asks for it any more: the configuration changed, not the file.
  if (found === life.path && (life.file === undefined || context.book.unasked.has(life))) return leave(context, life)
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
  if (mayBeElsewhere(context, life, scan)) return
  life.ended = { reason: life.isUnspooled ? 'unspooled' : 'gone', atMs: context.clock.now() }
  context.book.retire(life)
  context.changed(life)
  context.look(life)
}

/**
 * In a directory that cannot be searched now (I4): one that could be before, or for a while any; one that never can be would
 * keep everything unknown.
 */
function mayBeElsewhere({ book, clock }: AgentContext, life: Life, { problems }: Scan): boolean {
  if (problems.length === 0) return false
  life.missedSinceMs ??= clock.monotonic()
  return problems.some(({ path }) => book.searched.has(path)) || clock.monotonic() - life.missedSinceMs < missedMs
}

/** No source asks for it, after a reload. */
async function leave(context: AgentContext, life: Life): Promise<void> {
  if (!context.book.unasked.has(life) || isAtWork(context, life)) return
  context.book.unasked.delete(life)
  life.isMet = false
  await closeFile(life)
}
