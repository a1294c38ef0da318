import { lstatSync } from 'node:fs'
import { link, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { syncDirectory } from '../../base/atomic-file.ts'
import { errnoOf, LogcaskError, messageOf } from '../../base/errors.ts'
import { pathForPeople, pathForSystem } from '../../base/path-bytes.ts'
import { type After, type RemovalFacts, takenName, whyKept } from '../ending/after.ts'
import type { Files, OpenFile } from './files.ts'
import { placeMoved } from './local-move.ts'
import type { Writers } from './writers.ts'

/** A delivered file that is to go, and how to ask about it anew. */
export interface Removable {
  path: string
  identity: string
  /** Bytes that every destination has. */
  delivered: number
  /** Asked first: it goes to the destinations, and takes its time. */
  confirm: () => Promise<{ isEverywhere: boolean; hasOpenGap: boolean }>
  /** Reads the whole file. */
  isSameContent: (file: OpenFile) => Promise<boolean>
  isLive: () => boolean
  /** Of a moment ago: the look at all processes takes its time, and serves many files. */
  writers: () => Promise<Writers>
  /** Runs the act itself while nobody goes through the names. */
  hold: (act: () => Promise<Removed>) => Promise<Removed>
}

export type Removed =
  /** `hasGrown`: a writer that nobody could see wrote on in the instant of the act. `to`: where it was moved. */
  | { kind: 'removed'; to?: string | undefined; hasGrown: boolean }
  /** `hint`: somebody has to act. */
  | { kind: 'kept'; why: string; hint?: string | undefined }

/**
 * Deletes or moves a delivered file, after a last look at it. What a file system refuses keeps the file; where `confirm`
 * or `isSameContent` reject, so does this, and nothing was touched.
 */
export async function removeDelivered(
  removable: Removable,
  after: Exclude<After, { kind: 'keep' }>,
  files: Files,
): Promise<Removed> {
  const { path } = removable
  const there = await removable.confirm()
  const file = await files.open(path, false)
  if (file === undefined) return { kind: 'kept', why: 'its name is gone, or a symbolic link' }
  try {
    const before = file.stat()
    const why = await lastLook(removable, file, there)
    if (why !== undefined) return { kind: 'kept', why }
    const to = after.kind === 'move' ? await placeMoved(file, path, after.directory, files) : undefined
    if (after.kind === 'move' && to === undefined) return { kind: 'kept', why: 'its name stands for another file' }
    return await removable.hold(async () => {
      const kept = await unlinkIfSame(path, file, before, files)
      // Made by us a moment ago, and not wanted: the file is still under its own name.
      if (kept && to !== undefined) await unlink(pathForSystem(to))
      return kept ?? { kind: 'removed', to, hasGrown: file.stat().size !== before.size }
    })
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    const where = after.kind === 'move' ? `${dirname(path)} and ${after.directory}` : dirname(path)
    return {
      kind: 'kept',
      why: messageOf(error),
      hint: `let the agent's user write in ${where} (a systemd unit with ProtectSystem=strict: ReadWritePaths=)`,
    }
  } finally {
    await file.close()
  }
}

async function lastLook(
  { path, identity, delivered, isSameContent, isLive, writers }: Removable,
  file: OpenFile,
  there: { isEverywhere: boolean; hasOpenGap: boolean },
): Promise<string | undefined> {
  const before = file.stat()
  const isSameFile = file.identity === identity
  const isWorthReading = isSameFile && before.size === delivered && there.isEverywhere
  const isSame = isWorthReading && (await isSameContent(file))
  const writer = writerOf(path, await writers())
  const { size, links, stamp } = file.stat()
  const names = { names: links, writer, isSameFile }
  const why = whyKept({
    isLive: isLive(),
    ...there,
    ...names,
    delivered,
    size,
    isSameContent: isSame || !isWorthReading,
  })
  return why ?? (stamp === before.stamp ? undefined : 'it changed while it was looked at')
}

function writerOf(path: string, writers: Writers): RemovalFacts['writer'] {
  if (writers.has(lstatSync(pathForSystem(path), { bigint: true }))) return 'some'
  return writers.isComplete ? 'none' : 'unknown'
}

/**
 * A name may stand for another file by the time that it is unlinked: a rotation renames at any instant. So it is taken
 * out of everybody's way first, by one rename, looked at there, and put back if it is not what it was.
 */
async function unlinkIfSame(
  path: string,
  file: OpenFile,
  before: { size: number; modifiedMs: number },
  files: Files,
): Promise<Removed | undefined> {
  const directory = dirname(path)
  const taken = join(directory, takenName(basename(path), file.identity))
  // `rename` would replace it.
  if (files.peek(taken, false) !== undefined)
    return { kind: 'kept', why: `${pathForPeople(taken)} is in the way`, hint: 'move it away' }
  await rename(pathForSystem(path), pathForSystem(taken))
  const isOurs = files.peek(taken, false)?.identity === file.identity
  const { size, modifiedMs } = file.stat()
  if (isOurs && size === before.size && modifiedMs === before.modifiedMs) {
    await unlink(pathForSystem(taken))
    await syncDirectory(directory)
    return undefined
  }
  await putBack(taken, path)
  return { kind: 'kept', why: isOurs ? 'it has grown' : 'its name stands for another file' }
}

/** Its own name may have been given to another file meanwhile, which must not be replaced: then it keeps the odd one. */
async function putBack(taken: string, path: string): Promise<void> {
  try {
    await link(pathForSystem(taken), pathForSystem(path))
  } catch (error) {
    throw new LogcaskError('unavailable', `${pathForPeople(taken)}: was ${pathForPeople(path)}: ${messageOf(error)}`, {
      hint: 'it holds what was written to it: look at it, and give it a name',
      cause: error,
    })
  }
  await unlink(pathForSystem(taken))
}
