import { constants } from 'node:fs'
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf, isCode } from '../../base/errors.ts'
import { sha256 } from '../../base/hash.ts'
import { decodeStreamRecord, type StreamRecord } from '../../compactor/stream-record.ts'
import { hostName } from '../../format/keys.ts'
import { windowBytes } from '../../format/limits.ts'
import type { OpenPublished, Published } from '../../server/content.ts'

/**
 * Opens what the compactor of this process has published below `root`, by its record. A file that is not what the record
 * says (edited by hand, being set aside, gone) is no source: undefined, and the stream is read from its segments.
 */
export function publishedIn(root: string): OpenPublished {
  return async (host, stream) => {
    const record = await readRecord(join(root, '.logcask', 'streams', hostName(host), `${stream}.json`))
    const handle = record && (await openFile(join(root, record.name)))
    if (record === undefined || handle === undefined) return undefined
    if (await isAsRecorded(handle, record)) return published(handle, record)
    await handle.close()
    return undefined
  }
}

function published(handle: FileHandle, { length, window }: StreamRecord): Published {
  return {
    length,
    window,
    read: async (bytes, position) => (await handle.read(bytes, 0, bytes.byteLength, position)).bytesRead,
    close: () => handle.close(),
  }
}

async function isAsRecorded(handle: FileHandle, { length, window }: StreamRecord): Promise<boolean> {
  const stats = await handle.stat()
  if (!stats.isFile() || stats.size < length) return false
  const tail = Buffer.alloc(Math.min(windowBytes, length))
  const { bytesRead } = await handle.read(tail, 0, tail.byteLength, length - tail.byteLength)
  return bytesRead === tail.byteLength && sha256(tail) === window
}

async function readRecord(path: string): Promise<StreamRecord | undefined> {
  try {
    return decodeStreamRecord(await readFile(path), path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || isCode(error, 'corrupt')) return undefined
    throw error
  }
}

async function openFile(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES'].includes(errnoOf(error) ?? '')) return undefined
    throw error
  }
}
