import { type BigIntStats, close, constants, fstatSync, lstatSync, open, statSync } from 'node:fs'
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { errnoOf, LogcaskError, messageOf } from '../../base/errors.ts'
import { pathForPeople, pathForSystem, pathFromBytes } from '../../base/path-bytes.ts'
import { identityOf } from '../../format/keys.ts'
import { decodeFile } from './decode.ts'
import type { FileHint, Files, OpenFile } from './files.ts'
import { LocalFile, stampOf } from './local-file.ts'
import { scanPatterns } from './scan.ts'

/** The machine's own files. `birthTimes`: whether `birthtime` is one here (see `hasBirthTimes`). */
export function localFiles(options: { birthTimes: boolean; spoolDirectory: string }): Files {
  const identify = (stats: BigIntStats): string => identityOf(options.birthTimes ? stats.birthtimeNs : 0n, stats.ino)
  return {
    open: (path, followSymlinks) => openFile(path, followSymlinks, identify),
    peek(path, followSymlinks) {
      try {
        const stats = followSymlinks
          ? statSync(pathForSystem(path), { bigint: true })
          : lstatSync(pathForSystem(path), { bigint: true })
        if (!stats.isFile()) return undefined
        return hintOf(stats, identify(stats))
      } catch {
        // A hint only: whoever acts on it opens the file, and sees the error there.
        return undefined
      }
    },
    scan: scanPatterns,
    decode: (file, bytesMax) =>
      decodeFile(file, options.spoolDirectory, bytesMax, (fd, path) => new LocalFile(fd, file.identity, path)),
    async find(identity, directories) {
      for (const directory of directories) {
        const names = await readdir(pathForSystem(directory), { encoding: 'buffer' }).catch(ignoreMissing)
        for (const name of names) {
          const path = join(directory, pathFromBytes(name))
          if (this.peek(path, false)?.identity === identity) return path
        }
      }
      return undefined
    },
  }
}

function hintOf(stats: BigIntStats, identity: string): FileHint {
  return {
    identity,
    stamp: stampOf(stats),
    size: Number(stats.size),
    modifiedMs: Number(stats.mtimeMs),
    changedMs: Number(stats.ctimeMs),
    accessedMs: Number(stats.atimeMs),
    device: stats.dev,
    inode: stats.ino,
  }
}

function ignoreMissing(error: unknown): Buffer[] {
  if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return []
  throw new LogcaskError('unavailable', `cannot look for a file: ${messageOf(error)}`, { cause: error })
}

/** O_NONBLOCK: opening a FIFO must not wait for its writer. */
const readFlags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY

function openFile(
  path: string,
  followSymlinks: boolean,
  identify: (stats: BigIntStats) => string,
): Promise<OpenFile | undefined> {
  return new Promise((resolve, reject) => {
    open(pathForSystem(path), followSymlinks ? readFlags : readFlags | constants.O_NOFOLLOW, (error, fd) => {
      if (error) {
        const errno = errnoOf(error)
        if (errno === 'ENOENT' || errno === 'ENOTDIR' || errno === 'ELOOP' || errno === 'ENXIO')
          return resolve(undefined)
        return reject(openError(path, error))
      }
      const stats = fstatSync(fd, { bigint: true })
      if (!stats.isFile()) return close(fd, () => resolve(undefined))
      resolve(new LocalFile(fd, identify(stats), path))
    })
  })
}

function openError(path: string, error: NodeJS.ErrnoException): LogcaskError {
  const message = `cannot read ${pathForPeople(path)}: ${errnoOf(error) ?? messageOf(error)}`
  if (error.code === 'EACCES' || error.code === 'EPERM') {
    return new LogcaskError('refused', message, {
      cause: error,
      hint: 'let this user read it (group adm, an ACL, or CAP_DAC_READ_SEARCH)',
    })
  }
  const hint =
    error.code === 'EMFILE' || error.code === 'ENFILE'
      ? 'raise the limit of open files (ulimit -n, LimitNOFILE=)'
      : undefined
  return new LogcaskError('unavailable', message, { cause: error, hint })
}

/**
 * Whether `birthtime` stands still when a file changes. Where the kernel has no statx, libuv gives the change time
 * instead (facts/files.md 2): an identity made of that would be another at every append.
 */
export async function hasBirthTimes(directory = tmpdir()): Promise<boolean> {
  const place = await mkdtemp(join(directory, 'logcask-'))
  try {
    const path = join(place, 'birth')
    await writeFile(path, 'x')
    const before = statSync(path, { bigint: true })
    await utimes(path, 1, 1)
    await writeFile(path, 'xy')
    const after = statSync(path, { bigint: true })
    return (
      before.birthtimeNs > 0n &&
      before.birthtimeNs === after.birthtimeNs &&
      (after.ctimeNs !== after.birthtimeNs || after.ctimeNs === before.ctimeNs)
    )
  } finally {
    await rm(place, { recursive: true, force: true })
  }
}
