import { resolve } from 'node:path'
import { parseStreamId, streamId } from '../../format/keys.ts'
import { type AgentContext, sourceOf } from '../context.ts'
import type { Courier } from '../courier.ts'
import type { Life } from '../life.ts'
import { isNamedAsCopy } from './rules.ts'
import { isForeign, originOfStream } from './stream-origin.ts'

/** A stream whose bytes a new file may hold, at one destination. */
export interface Candidate {
  stream: string
  /** Where its file was last seen. */
  path: string
  /** Where it was first seen: a rotation may have moved it before its copy was judged. */
  firstPath: string
  machine: string | undefined
  /** The life whose stream it is, where we know it. */
  life: Life | undefined
  /** The file that it came from is still here, perhaps in a later generation. */
  isFileHere: boolean
  endedAtMs: number | undefined
}

/**
 * Streams that a new file may belong to, by what costs nothing: those of `lives`, and streams of the destination whose
 * file is not here (or goes on in a later generation): unsealed ones, and `sealed`, which a compressed file's content names.
 */
export async function candidatesOf(
  context: AgentContext,
  courier: Courier,
  life: Life,
  lives: readonly Life[],
  sealed: readonly string[] = [],
): Promise<Candidate[]> {
  const candidates = new Map<string, Candidate>()
  for (const other of lives) {
    const stream =
      other.deliveries.get(courier.name)?.stream ??
      [...other.deliveries.values()].find((one) => one.stream !== undefined)?.stream
    if (other === life || stream === undefined || parseStreamId(stream)?.identity !== other.identity) continue
    candidates.set(stream, {
      stream,
      path: other.path,
      firstPath: other.firstPath,
      machine: other.origin.machine,
      life: other,
      isFileHere: isHere(context, other.identity),
      endedAtMs: other.ended?.atMs,
    })
  }
  const catalogue = await courier.catalogue()
  for (const other of lives) {
    // A life that ended long ago is forgotten, and its stream may be sealed: its gap says that a copy may be of it.
    for (const generation of catalogue.generations(other.identity)) {
      const stream = streamId(other.identity, generation)
      if (other.identity === life.identity || candidates.has(stream) || catalogue.gaps(stream).length === 0) continue
      candidates.set(stream, {
        stream,
        path: other.path,
        firstPath: other.firstPath,
        machine: other.origin.machine,
        life: undefined,
        isFileHere: isHere(context, other.identity),
        endedAtMs: undefined,
      })
    }
  }
  const ended = new Set([...context.book.old].map((old) => old.deliveries.get(courier.name)?.stream))
  const orphans = [...catalogue.unsealedStreams()].filter(
    (stream) => !ended.has(stream) && isOrphan(context, courier, stream, catalogue.gaps(stream).length > 0),
  )
  for (const stream of [...sealed, ...orphans]) {
    const identity = parseStreamId(stream)?.identity
    if (candidates.has(stream) || identity === undefined || identity === life.identity) continue
    const origin = await originOfStream(context, courier, stream)
    const current = context.book.current.get(identity)
    if (origin && !isForeign(context.settings, origin))
      candidates.set(stream, {
        stream,
        path: origin.path,
        firstPath: origin.path,
        machine: origin.machine,
        life: current?.deliveries.get(courier.name)?.stream === stream ? current : undefined,
        isFileHere: isHere(context, identity),
        endedAtMs: undefined,
      })
  }
  return [...candidates.values()]
}

function isHere(context: AgentContext, identity: string): boolean {
  const current = context.book.current.get(identity)
  return current !== undefined && !current.isUnlinked && (current.file !== undefined || current.isMet)
}

/** Its file is not here, or goes on in another generation. */
function isOrphan(context: AgentContext, courier: Courier, stream: string, hasGap: boolean): boolean {
  const current = context.book.current.get(parseStreamId(stream)?.identity ?? '')
  return current === undefined || (hasGap && current.deliveries.get(courier.name)?.stream !== stream)
}

/** Lives whose copy, by its name, this file could be, and those that had its own name. */
export function* namesakes(context: AgentContext, life: Life): Iterable<Life> {
  const olddir = sourceOf(context, life)?.olddir
  for (const path of new Set([life.path, life.firstPath])) {
    const directory = directoryOf(path)
    yield* context.book.at(path)
    yield* context.book.namesakes(
      path,
      olddir === undefined ? [directory] : [directory, ...sourceDirectories(context, directory, olddir)],
    )
  }
}

/** [srcname] By the names that both have now, or had at first sight: rotations rename a copy and its source alike. */
export function isCopyOf(context: AgentContext, life: Life, source: { path: string; firstPath: string }): boolean {
  return [life.path, life.firstPath].some((name) =>
    [source.path, source.firstPath].some((path) =>
      isNamedAsCopy(name, path, olddirOf(context, life, directoryOf(path))),
    ),
  )
}

/** Directories whose `olddir` is `directory`. */
function sourceDirectories(context: AgentContext, directory: string, olddir: string): string[] {
  const directories = new Set([...context.book.all()].map((one) => directoryOf(one.path)))
  return [...directories].filter((one) => one !== directory && resolve(one, olddir) === directory)
}

export function olddirOf(context: AgentContext, life: Life, sourceDirectory: string): string | undefined {
  const olddir = sourceOf(context, life)?.olddir
  return olddir === undefined ? undefined : resolve(sourceDirectory, olddir)
}

export function directoryOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')))
}
