import { constants } from 'node:fs'
import { type FileHandle, link, lstat, mkdir, open, readdir, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncDirectory, writeFully } from '../base/atomic-file.ts'
import type { Clock } from '../base/clock.ts'
import { errnoOf, LogcaskError } from '../base/errors.ts'
import type { PutResult } from './bucket.ts'
import { unlessAbsent } from './directory-errors.ts'

/** Whoever may read a log may read its copy; nobody else on the machine. The umask may take more away. */
export const directoryMode = 0o750
const fileMode = 0o640
/** A temporary file this old has no writer any more: a PUT takes seconds. */
const temporaryAgeMsMax = 86_400_000
/** Directories known to be durable, in memory: a path each, a few MB at most; beyond it they are looked at again. */
const heldMax = 20_000

/** Writes a whole file; where it rejects, nothing is made of it. */
export type Write = (handle: FileHandle) => Promise<void>

/** Creates files below `root` that are whole, durable and create-only among any number of processes. */
export interface FileCreator {
  /**
   * Afterwards `path` is a file on disk: `created` with the bytes, or the one that `exists`, untouched; either way it
   * survives a power cut. Once `signal` is aborted the file is not made any more.
   */
  create(path: string, bytes: Uint8Array | Write, signal?: AbortSignal): Promise<PutResult>
  /** Makes the name of a file that another process has just made durable. */
  confirm(path: string): Promise<void>
  /**
   * To be called before the first `create`, while `<root>/.logcask` is there. Removes what crashed writers left behind a
   * day ago or more: temporary files, never objects.
   */
  prepare(): Promise<void>
}

export function createFileCreator(root: string, clock: Pick<Clock, 'id' | 'now'>): FileCreator {
  const temporaries = join(root, '.logcask', 'tmp')
  const held = new Set<string>()

  /** The directory and every name on the way to it, on disk: also where another process made them a moment ago. */
  const holdDirectory = async (directory: string): Promise<void> => {
    const first = await mkdir(directory, { recursive: true, mode: directoryMode })
    const isNew = (path: string): boolean => first !== undefined && path.length >= first.length
    const parents: string[] = []
    for (let at = directory; at !== root && (isNew(at) || !held.has(at)); at = dirname(at)) parents.push(at)
    for (const path of parents) await syncDirectory(dirname(path))
    if (held.size > heldMax) held.clear()
    for (const path of parents) held.add(path)
  }

  const confirm = async (path: string): Promise<void> => {
    if (!(await lstat(path)).isFile()) {
      throw new LogcaskError('refused', `${path}: is not a file, and an object of that name cannot be made`, {
        hint: 'a store holds plain files only, and no name is a file and a directory at once: move it away, or name the object otherwise',
      })
    }
    await holdDirectory(dirname(path))
    await syncDirectory(dirname(path))
  }

  return {
    confirm,

    async create(path, bytes, signal) {
      // Fails where the store is not mounted: then nothing is made in what is there instead.
      const temporary = join(temporaries, `${process.pid}-${clock.id(8)}`)
      const handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, fileMode)
      try {
        try {
          if (typeof bytes === 'function') await bytes(handle)
          else await writeFully(handle, bytes, 0)
          await handle.sync()
        } finally {
          await handle.close()
        }
        await holdDirectory(dirname(path))
        // The caller may have taken its memory back since: only bytes of a call that still stands get a name.
        signal?.throwIfAborted()
        await link(temporary, path)
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error
        await confirm(path)
        return 'exists'
      } finally {
        // Left behind, it is swept some day; the object does not depend on it.
        await unlink(temporary).catch(() => {})
      }
      await syncDirectory(dirname(path))
      return 'created'
    },

    async prepare() {
      await mkdir(temporaries, { mode: directoryMode }).catch(unlessExists)
      for (const name of await readdir(temporaries)) {
        const path = join(temporaries, name)
        const info = await unlessAbsent(lstat(path))
        if (info === undefined || clock.now() - info.mtimeMs < temporaryAgeMsMax) continue
        // Another's file (of another user, or swept by another at this moment) takes room and does no harm.
        await unlink(path).catch(() => {})
      }
    },
  }
}

/** For a name that another process may make at the same moment. */
export function unlessExists(error: unknown): void {
  if (errnoOf(error) !== 'EEXIST') throw error
}
