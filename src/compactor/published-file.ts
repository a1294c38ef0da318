import { constants } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { makeDirectory, syncDirectory, writeFully } from '../base/atomic-file.ts'
import type { Disk, DiskFile } from '../base/disk.ts'
import { errnoOf, LogcaskError, messageOf } from '../base/errors.ts'
import { sha256 } from '../base/hash.ts'
import { type ChainEnd, chainStart } from '../format/chain.ts'
import { windowBytes } from '../format/limits.ts'
import type { FileFacts, FilePlan } from './plan.ts'
import type { StreamRecord } from './stream-record.ts'

/**
 * One published file, open for as long as something is appended to it. It comes into being under its name with its first
 * bytes synced (until then it has a hidden one beside it), and then only grows: every byte is written at its offset, none
 * is taken away, so that an open `tail -f` goes on whatever crashes.
 */
export interface PublishedFile {
  /** Where the chain is to be read from. */
  readonly start: ChainEnd
  /** Bytes that are not synced yet. */
  readonly pendingBytes: number
  /** False where the file has other bytes there, and was not to be changed: nothing was written. */
  append(bytes: Uint8Array, end: ChainEnd): Promise<boolean>
  /** Makes all that was appended (and be it nothing: an empty file) durable; answers what may be recorded of it. */
  commit(): Promise<Pick<StreamRecord, 'length' | 'segments' | 'window'>>
  /** Idempotent. What was not committed is written again some day. */
  close(): Promise<void>
}

/** Published logs are as private as logs are: the group may read them, nobody else. */
const fileMode = 0o640
const directoryMode = 0o750

/** What the disk has at `path`; undefined where there is nothing. Rejects `unavailable` where it cannot be told. */
export async function examineFile(
  disk: Disk,
  path: string,
  record: Pick<StreamRecord, 'length'> | undefined,
): Promise<(FileFacts & { windowBytes: Uint8Array }) | undefined> {
  return onDisk(path, async () => {
    const handle = await openFile(disk, path, constants.O_RDONLY)
    if (handle === undefined) return undefined
    try {
      const { size } = await handle.stat()
      if (record === undefined || size < record.length) return { size, windowBytes: new Uint8Array(0) }
      const from = Math.max(0, record.length - windowBytes)
      const window = await readFully(handle, from, record.length)
      return { size, windowBytes: window, window: sha256(window) }
    } finally {
      await handle.close()
    }
  })
}

/** Opens a published file as `plan` says: `create`, `continue` (with its record and window) or `adopt`. */
export async function openPublishedFile(
  disk: Disk,
  path: string,
  plan: Exclude<FilePlan, { kind: 'set-aside' }>,
  known: { segments: number; windowBytes: Uint8Array },
): Promise<PublishedFile> {
  const start = plan.kind === 'continue' ? { offset: plan.from, window: known.windowBytes } : chainStart
  const compareBelow = plan.kind === 'adopt' ? plan.size : 0
  let hiddenPath = plan.kind === 'create' ? hiddenName(path, 'new') : undefined
  let end = start
  let segments = plan.kind === 'continue' ? known.segments : 0
  let pendingBytes = 0
  let isOpen = true
  const handle = await onDisk(path, async () => {
    if (hiddenPath === undefined) return openExisting(disk, path)
    await makeDirectory(dirname(path), directoryMode, disk)
    // What a crash left under the hidden name was never published.
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW
    return disk.open(hiddenPath, flags, fileMode)
  })

  return {
    start,
    get pendingBytes() {
      return pendingBytes
    },
    append: (bytes, next) =>
      onDisk(path, async () => {
        const common = Math.min(bytes.byteLength, Math.max(0, compareBelow - end.offset))
        if (common > 0) {
          const there = await readFully(handle, end.offset, end.offset + common)
          if (Buffer.compare(there, bytes.subarray(0, common)) !== 0) return false
        }
        await writeFully(handle, bytes.subarray(common), end.offset + common)
        end = next
        segments++
        pendingBytes += bytes.byteLength
        return true
      }),
    commit: () =>
      onDisk(path, async () => {
        await handle.datasync()
        if (hiddenPath !== undefined) {
          await disk.rename(hiddenPath, path)
          await syncDirectory(dirname(path), disk)
          hiddenPath = undefined
        }
        pendingBytes = 0
        return { length: end.offset, segments, window: sha256(end.window) }
      }),
    async close() {
      if (!isOpen) return
      isOpen = false
      await handle.close()
      if (hiddenPath !== undefined) await disk.unlink(hiddenPath).catch(() => {})
    },
  }
}

/** Renames a file out of the way, beside where it was and hidden from `*`; answers its new path. Nothing is deleted. */
export async function setAside(disk: Disk, path: string): Promise<string> {
  return onDisk(path, async () => {
    for (let number = 1; ; number++) {
      const aside = hiddenName(path, `set-aside-${number}`)
      // One process works in a sink (its lock): what is not there now is not there at the rename.
      const taken = await openFile(disk, aside, constants.O_RDONLY)
      await taken?.close()
      if (taken !== undefined) continue
      await disk.rename(path, aside)
      await syncDirectory(dirname(path), disk)
      return aside
    }
  })
}

/** Calls `piece` with the bytes of [from, to), in order. Rejects `corrupt` where the file ends before. */
export async function readPublished(
  disk: Disk,
  path: string,
  from: number,
  to: number,
  piece: (bytes: Uint8Array) => void,
): Promise<void> {
  await onDisk(path, async () => {
    const handle = await openExisting(disk, path)
    try {
      const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(pieceBytes, to - from)))
      for (let at = from; at < to; ) {
        const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.byteLength, to - at), at)
        if (bytesRead === 0) throw shrunk(path, at)
        piece(buffer.subarray(0, bytesRead))
        at += bytesRead
      }
    } finally {
      await handle.close()
    }
  })
}

/** Of measured sizes the one after which nothing gets faster. */
const pieceBytes = 1024 * 1024

/** No published name begins with '.~' and ends so, and no directory of ours holds a '~': see published-name.ts. */
function hiddenName(path: string, what: string): string {
  const name = basename(path)
  return join(dirname(path), `.~${name.slice(name.lastIndexOf('~') + 1)}.${what}`)
}

async function openExisting(disk: Disk, path: string): Promise<DiskFile> {
  const handle = await openFile(disk, path, constants.O_RDWR)
  if (handle === undefined) throw shrunk(path, 0)
  return handle
}

/** Undefined where there is nothing. A symlink is never followed: nothing that we wrote is one. */
async function openFile(disk: Disk, path: string, flags: number): Promise<DiskFile | undefined> {
  let handle: DiskFile
  try {
    handle = await disk.open(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
  if ((await handle.stat()).isFile()) return handle
  await handle.close()
  throw new LogcaskError('refused', `${path}: is no file`, { hint: 'move it away: only logcask may write there' })
}

async function readFully(handle: DiskFile, from: number, to: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(to - from)
  let done = 0
  while (done < bytes.byteLength) {
    const { bytesRead } = await handle.read(bytes, done, bytes.byteLength - done, from + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return bytes.subarray(0, done)
}

function shrunk(path: string, at: number): LogcaskError {
  return new LogcaskError('corrupt', `${path}: ends at ${at}, and had more`, {
    hint: 'something else writes there; logcask looks at it again in the next round',
  })
}

/** The system's errors as ours: what a disk cannot do now, it may do later. */
export async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === undefined) throw error
    if (errno === 'ELOOP' || errno === 'EACCES' || errno === 'EPERM' || errno === 'ENOTDIR' || errno === 'EISDIR') {
      throw new LogcaskError('refused', `${path}: ${messageOf(error)}`, {
        hint: 'let this user write there, and keep other files and links out of the sink',
        cause: error,
      })
    }
    throw new LogcaskError('unavailable', `${path}: ${messageOf(error)}`, { hint: roomHint(errno), cause: error })
  }
}

function roomHint(errno: string): string {
  if (errno === 'ENOSPC' || errno === 'EDQUOT') return 'free space there: it goes on by itself'
  if (errno === 'EROFS') return 'mount it writable: it goes on by itself'
  return 'look at the disk (dmesg): it goes on by itself'
}
