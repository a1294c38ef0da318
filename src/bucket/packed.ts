import { createHash } from 'node:crypto'
import { type FileHandle, mkdtemp, open, rmdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Transform } from 'node:stream'
import { createGzip, createZstdCompress } from 'node:zlib'
import { makeDirectory, writeFully } from '../base/atomic-file.ts'
import { errnoOf, LogcaskError, messageOf } from '../base/errors.ts'
import { sha256 } from '../base/hash.ts'
import type { Encoding } from '../format/whole.ts'
import type { LargeBody } from './large-body.ts'

/** A whole content as it goes to the stores: the same for all of them. */
export interface Packed {
  /** Of the content itself. */
  length: number
  sha256: string
  encoding: Encoding
  /** In memory, or to be read while it is sent. */
  body: { kind: 'small'; bytes: Uint8Array; sha256: string } | { kind: 'large'; large: LargeBody }
  /** Gives back what it holds on disk. Idempotent. */
  close(): Promise<void>
}

/** What is compressed up to this is packed in memory: two copies of it at most, beside the store's client. */
export const smallBytesMax = 4 * 1024 * 1024
/** Compressed bytes of one content that may lie in the spool. */
const spoolBytesMax = 64 * 1024 ** 3

/** `compressed` undefined: stored as it is. */
export function packedInMemory(raw: Uint8Array, encoding: Encoding, compressed: Uint8Array | undefined): Packed {
  const own = sha256(raw)
  const bytes = compressed ?? raw
  return {
    length: raw.byteLength,
    sha256: own,
    encoding,
    body: { kind: 'small', bytes, sha256: compressed === undefined ? own : sha256(compressed) },
    close: async () => {},
  }
}

/**
 * Packs what `source` gives into a file of ours without a name: its length and its hash are known before it is sent. Memory
 * holds a few pieces, however long it is. What `source` rejects with goes up; a disk that is full is `unavailable`.
 */
export async function packInSpool(
  source: AsyncIterable<Uint8Array>,
  encoding: Encoding,
  directory: string,
): Promise<Packed> {
  const target = await openNameless(directory)
  try {
    const [raw, stored] = [createHash('sha256'), createHash('sha256')]
    let [length, size] = [0, 0]
    const store = async (bytes: Uint8Array): Promise<void> => {
      if (size + bytes.byteLength > spoolBytesMax) throw tooLarge()
      stored.update(bytes)
      await writeFully(target, bytes, size)
      size += bytes.byteLength
    }
    const read = async (piece: (bytes: Uint8Array) => Promise<void>): Promise<void> => {
      for await (const bytes of source) {
        raw.update(bytes)
        length += bytes.byteLength
        await piece(bytes)
      }
    }
    await (encoding === 'none' ? read(store) : compress(compressors[encoding]({ chunkSize }), read, store))
    const large = {
      size,
      sha256: stored.digest('hex'),
      read: (start: number, end: number, into?: Uint8Array) => readExactly(target, start, end, into),
    }
    return {
      length,
      sha256: raw.digest('hex'),
      encoding,
      body: { kind: 'large', large },
      close: () => closeOnce(target),
    }
  } catch (error) {
    await closeOnce(target)
    if (errnoOf(error) === undefined) throw error
    throw new LogcaskError('unavailable', `cannot compress into ${directory}: ${messageOf(error)}`, {
      cause: error,
      hint: 'free space there, or do not compress',
    })
  }
}

/**
 * Resolves when all that `read` gives has gone through the compressor into `store`, rejects with the first failure when
 * both have ended. A piece is through before the next one is asked for: it may be in the same memory.
 */
async function compress(
  compressor: Transform,
  read: (piece: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
  store: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = []
  const fail = (error: unknown): void => {
    failures.push(error)
    compressor.destroy()
  }
  compressor.on('error', fail)
  const write = (bytes: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      // One that is destroyed while it waits for its reader never calls back.
      const stop = (): void => reject(failures[0])
      compressor.once('close', stop)
      compressor.write(bytes, (error) => {
        compressor.off('close', stop)
        if (error) reject(error)
        else resolve()
      })
    })
  const drain = async (): Promise<void> => {
    for await (const bytes of compressor as AsyncIterable<Uint8Array>) await store(bytes)
  }
  await Promise.all([drain().catch(fail), read(write).then(() => void compressor.end(), fail)])
  if (failures.length > 0) throw failures[0]
}

/** Given out at once: each piece is a turn of the thread pool, and a write. */
const chunkSize = 256 * 1024

const compressors = { gzip: createGzip, zstd: createZstdCompress }

function tooLarge(): LogcaskError {
  return new LogcaskError('invalid', 'is too large to be compressed on its way', { hint: 'do not compress it' })
}

/** A killed process leaves no more than an empty directory behind. */
async function openNameless(directory: string): Promise<FileHandle> {
  await makeDirectory(directory, 0o700)
  const place = await mkdtemp(join(directory, 'whole-'))
  const path = join(place, 'packed')
  try {
    return await open(path, 'wx+', 0o600)
  } finally {
    await unlink(path).catch(() => {})
    await rmdir(place).catch(() => {})
  }
}

async function closeOnce(handle: FileHandle): Promise<void> {
  if (handle.fd >= 0) await handle.close()
}

async function readExactly(handle: FileHandle, start: number, end: number, into?: Uint8Array): Promise<Uint8Array> {
  const bytes = into?.byteLength === end - start ? into : Buffer.allocUnsafeSlow(end - start)
  for (let done = 0; done < bytes.byteLength; ) {
    const { bytesRead } = await handle.read(bytes, done, bytes.byteLength - done, start + done)
    if (bytesRead === 0) throw new LogcaskError('unavailable', 'the spool lost what was written to it')
    done += bytesRead
  }
  return bytes
}
