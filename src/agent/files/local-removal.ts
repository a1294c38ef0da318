import { basename, dirname, join } from 'node:path'
import { errnoOf, LogcaskError, messageOf } from '../../base/errors.ts'
import { pathForPeople } from '../../base/path-bytes.ts'
import { type After, type RemovalFacts, takenName, whyKept } from '../ending/after.ts'
import type { Files, OpenFile } from './files.ts'
import { findPlaced, placeMoved, takeBack } from './local-move.ts'
import { localNames, type Names } from './names.ts'
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
  names: Names = localNames,
): Promise<Removed> {
  const { path } = removable
  const there = await removable.confirm()
  const file = await files.open(path, false)
  if (file === undefined) return { kind: 'kept', why: 'its name is gone, or a symbolic link' }
  try {
    return await removeOpened(removable, file, there, after, { files, names })
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

interface Ports {
  files: Files
  names: Names
}

async function removeOpened(
  removable: Removable,
  file: OpenFile,
  there: { isEverywhere: boolean; hasOpenGap: boolean },
  after: Exclude<After, { kind: 'keep' }>,
  ports: Ports,
): Promise<Removed> {
  const { path } = removable
  const before = file.stat()
  const left = after.kind === 'move' ? findPlaced(file, path, after.directory, ports.files) : undefined
  const why = await lastLook(removable, file, { ...there, ownNames: left === undefined ? 1 : 2 }, ports.files)
  if (why !== undefined) return { kind: 'kept', why }
  if (after.kind === 'delete')
    return removable.hold(async () => {
      const kept = await unlinkIfSame(path, file, before, ports)
      return kept ?? { kind: 'removed', hasGrown: file.stat().size !== before.size }
    })
  const placed = await placeMoved(file, path, after.directory, ports)
  if (placed === undefined) return { kind: 'kept', why: 'its name stands for another file' }
  let isMoved = false
  try {
    return await removable.hold(async () => {
      const kept = await unlinkIfSame(path, file, before, ports)
      isMoved = kept === undefined
      return kept ?? { kind: 'removed', to: placed.to, hasGrown: file.stat().size !== before.size }
    })
  } finally {
    // Made by us a moment ago, and not wanted: the file is still under its own name.
    if (!isMoved) await takeBack(file, placed, ports.names)
  }
}

async function lastLook(
  { path, identity, delivered, isSameContent, isLive, writers }: Removable,
  file: OpenFile,
  { ownNames, ...there }: { isEverywhere: boolean; hasOpenGap: boolean; ownNames: number },
  files: Files,
): Promise<string | undefined> {
  const before = file.stat()
  const isSameFile = file.identity === identity
  const isWorthReading = isSameFile && before.size === delivered && there.isEverywhere
  const isSame = isWorthReading && (await isSameContent(file))
  const writer = writerOf(files, path, await writers())
  const { size, links, stamp } = file.stat()
  const names = { names: links - ownNames + 1, writer, isSameFile }
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

function writerOf(files: Files, path: string, writers: Writers): RemovalFacts['writer'] {
  const hint = files.peek(path, false)
  // Gone, or another's: the look at its identity says so.
  if (hint === undefined) return 'unknown'
  if (writers.has({ dev: hint.device, ino: hint.inode })) return 'some'
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
  { files, names }: Ports,
): Promise<Removed | undefined> {
  const directory = dirname(path)
  const taken = join(directory, takenName(basename(path), file.identity))
  // `rename` would replace it. A killed agent may have left the very file there: then that is its name.
  if (taken !== path && files.peek(taken, false) !== undefined)
    return { kind: 'kept', why: `${pathForPeople(taken)} is in the way`, hint: 'move it away' }
  if (taken !== path) await names.rename(path, taken)
  const isOurs = files.peek(taken, false)?.identity === file.identity
  const { size, modifiedMs } = file.stat()
  if (isOurs && size === before.size && modifiedMs === before.modifiedMs) {
    await names.unlink(taken)
    await names.syncDirectory(directory)
    return undefined
  }
  if (taken !== path) await putBack(taken, path, names)
  return { kind: 'kept', why: isOurs ? 'it has grown' : 'its name stands for another file' }
}

/** Its own name may have been given to another file meanwhile, which must not be replaced: then it keeps the odd one. */
async function putBack(taken: string, path: string, names: Names): Promise<void> {
  try {
    await names.link(taken, path)
  } catch (error) {
    throw new LogcaskError('unavailable', `${pathForPeople(taken)}: was ${pathForPeople(path)}: ${messageOf(error)}`, {
      hint: 'it holds what was written to it: look at it, and give it a name',
      cause: error,
    })
  }
  await names.unlink(taken)
}
