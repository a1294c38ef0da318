import { constants } from 'node:fs'
import { chmod, type FileHandle, link, open, rename, stat, unlink, utimes } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { syncDirectory, writeFully } from '../../base/atomic-file.ts'
import { errnoOf, LogcaskError } from '../../base/errors.ts'
import { pathForPeople, pathForSystem } from '../../base/path-bytes.ts'
import { movedName, takenName } from '../ending/after.ts'
import { type Files, type OpenFile, readRange } from './files.ts'
import type { Names } from './names.ts'

/** Of a file, in memory at once. */
const stretchBytes = 1024 * 1024
/** As many files of one name as nobody has; beyond it, something loops. */
const namesMax = 10_000

/** The name that a file has where it is moved to. */
export interface Placed {
  to: string
  /** A second name of the same inode, else a copy. */
  isLink: boolean
}

interface Ports {
  files: Files
  names: Names
}

/**
 * Gives the file a name in `directory` (made where it is missing), durable when it resolves: a second name of the same
 * inode, or, where that cannot be (another file system, rights), a copy that was read back. Never replaces anything.
 * Undefined where `path` no longer stands for the file.
 */
export async function placeMoved(
  file: OpenFile,
  path: string,
  directory: string,
  { files, names }: Ports,
): Promise<Placed | undefined> {
  await names.makeDirectory(directory)
  const linked = await placeLink(file, path, directory, { files, names })
  if (linked !== 'no links') return linked === undefined ? undefined : { to: linked, isLink: true }
  const copy = join(directory, takenName(basename(path), file.identity))
  await copyWhole(file, path, copy)
  const to = await placeCopy(file, copy, path, directory)
  await syncDirectory(directory)
  return { to, isLink: false }
}

/** The second name that a killed agent left in `directory`; undefined where it left none. */
export function findPlaced(file: OpenFile, path: string, directory: string, files: Files): string | undefined {
  for (let attempt = 0; attempt < namesMax; attempt++) {
    const to = join(directory, movedName(basename(path), attempt))
    if (to === path || files.peek(to, false) === undefined) return undefined
    if (isPlaced(file, path, to, files)) return to
  }
  return undefined
}

/** What was placed goes again, unless it has become the only name that the file has. */
export async function takeBack(file: OpenFile, { to, isLink }: Placed, names: Names): Promise<void> {
  if (isLink && file.stat().links < 2) return
  await names.unlink(to).catch((error) => {
    if (errnoOf(error) !== 'ENOENT') throw error
  })
}

async function placeLink(
  file: OpenFile,
  path: string,
  directory: string,
  { files, names }: Ports,
): Promise<string | undefined | 'no links'> {
  for (let attempt = 0; attempt < namesMax; attempt++) {
    const to = join(directory, movedName(basename(path), attempt))
    try {
      await names.link(path, to)
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === 'ENOENT') return undefined
      if (errno !== 'EEXIST') return 'no links'
      // What an agent that was killed in between has left.
      if (isPlaced(file, path, to, files)) return to
      continue
    }
    if (files.peek(to, false)?.identity === file.identity) {
      await names.syncDirectory(directory)
      return to
    }
    // The name stood for another file by then: only ours of its two names goes.
    await names.unlink(to)
    return undefined
  }
  throw tooMany(path, directory)
}

function isPlaced(file: OpenFile, path: string, to: string, files: Files): boolean {
  const hint = files.peek(to, false)
  return hint?.identity === file.identity && hint.device === files.peek(path, false)?.device
}

/** Under a name of its own: what a killed agent left of it is written anew. */
async function copyWhole(file: OpenFile, path: string, copy: string): Promise<void> {
  const { mode, atime, mtime } = await stat(pathForSystem(path))
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW
  const target = await open(pathForSystem(copy), flags, 0o600)
  try {
    let at = 0
    for (let bytes = await readRange(file, 0, stretchBytes); bytes.byteLength > 0; ) {
      await writeFully(target, bytes, at)
      at += bytes.byteLength
      bytes = await readRange(file, at, at + stretchBytes)
    }
    await target.sync()
    if (!(await holdsSame(file, target))) throw differs(copy)
  } finally {
    await target.close()
  }
  await chmod(pathForSystem(copy), mode & 0o777)
  await utimes(pathForSystem(copy), atime, mtime)
}

async function holdsSame(file: OpenFile, target: FileHandle): Promise<boolean> {
  const { size } = file.stat()
  const buffer = Buffer.alloc(stretchBytes)
  if ((await target.stat()).size !== size) return false
  for (let at = 0; at < size; ) {
    const { bytesRead } = await target.read(buffer, 0, stretchBytes, at)
    const bytes = await readRange(file, at, at + bytesRead)
    if (bytesRead === 0 || !buffer.subarray(0, bytesRead).equals(bytes)) return false
    at += bytesRead
  }
  return true
}

function differs(copy: string): LogcaskError {
  return new LogcaskError('unavailable', `${pathForPeople(copy)}: does not hold what was copied`, {
    hint: 'look at that disk: dmesg',
  })
}

/** `link` never replaces; where there are no links at all, a free name is claimed, and then replaced by the copy. */
async function placeCopy(file: OpenFile, copy: string, path: string, directory: string): Promise<string> {
  for (let attempt = 0; attempt < namesMax; attempt++) {
    const to = join(directory, movedName(basename(path), attempt))
    try {
      await link(pathForSystem(copy), pathForSystem(to))
      await unlink(pathForSystem(copy))
      return to
    } catch (error) {
      if (errnoOf(error) === 'EEXIST' ? await isCopied(file, to) : await claim(to)) {
        await rename(pathForSystem(copy), pathForSystem(to))
        return to
      }
    }
  }
  throw tooMany(path, directory)
}

/** What an agent that was killed in between has left. */
async function isCopied(file: OpenFile, to: string): Promise<boolean> {
  const target = await open(pathForSystem(to), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    return (await target.stat()).isFile() && (await holdsSame(file, target))
  } finally {
    await target.close()
  }
}

async function claim(to: string): Promise<boolean> {
  try {
    await (await open(pathForSystem(to), 'wx')).close()
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}

function tooMany(path: string, directory: string): LogcaskError {
  const base = pathForPeople(basename(path))
  return new LogcaskError('refused', `${directory}: holds ${namesMax} files of the name ${base}`, {
    hint: 'empty the directory, or name another under moveTo:',
  })
}
