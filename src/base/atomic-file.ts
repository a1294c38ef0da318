import { randomBytes } from 'node:crypto'
import { basename, dirname, join, resolve } from 'node:path'
import { type Disk, type DiskFile, localDisk } from './disk.ts'

/** Writes all of `bytes`: a short write (a disk that is nearly full) goes on until the system says why it cannot. */
export async function writeFully(handle: Pick<DiskFile, 'write'>, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0
  while (done < bytes.byteLength) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done, position + done)
    done += bytesWritten
  }
}

/** Makes names that were created, renamed or removed in `directory` survive a power cut. */
export async function syncDirectory(directory: string, disk: Disk = localDisk): Promise<void> {
  const handle = await disk.open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** `mkdir -p`, each new directory's name on disk before it returns. */
export async function makeDirectory(directory: string, mode = 0o755, disk: Disk = localDisk): Promise<void> {
  const path = resolve(directory)
  const first = await disk.mkdir(path, { recursive: true, mode })
  if (first === undefined) return
  for (let at = path; at.length >= first.length; at = dirname(at)) await syncDirectory(dirname(at), disk)
}

/**
 * Replaces a small file as a whole: afterwards it has the old bytes or the new ones, also after a power cut. Rejects
 * with the system's error (ENOSPC, EROFS, …), then the old file still stands.
 */
export async function writeAtomically(
  path: string,
  bytes: Uint8Array,
  mode = 0o600,
  disk: Disk = localDisk,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`)
  const handle = await disk.open(temporary, 'wx', mode)
  try {
    try {
      await writeFully(handle, bytes, 0)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await disk.rename(temporary, path)
  } catch (error) {
    await disk.unlink(temporary).catch(() => {})
    throw error
  }
  await syncDirectory(dirname(path), disk)
}
