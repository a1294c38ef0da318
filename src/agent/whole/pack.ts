import { createHash } from 'node:crypto'
import { type FileHandle, mkdtemp, open, rmdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip, createZstdCompress } from 'node:zlib'
import { makeDirectory, writeFully } from '../../base/atomic-file.ts'
import { errnoOf, LogcaskError, messageOf } from '../../base/errors.ts'
import { sha256, shortHash } from '../../base/hash.ts'
import { type LargeBody, largeStepBytes } from '../../bucket/large-body.ts'
import type { Encoding } from '../../format/whole.ts'
import { type OpenFile, readRange } from '../files.ts'
import { type Compressors, scratchBytes } from './compressors.ts'

/** A file as it goes to the stores: the same for all of them. */
export interface Packed {
  /** Of the file itself. */
  length: number
  sha256: string
  encoding: Encoding
  /** In memory, or to be read while it is sent. */
  body: { kind: 'small'; bytes: Uint8Array; sha256: string } | { kind: 'large'; large: LargeBody }
  /** Gives back what it holds on disk. Idempotent. */
  close(): Promise<void>
}

/** Files up to this are read and compressed in memory: two copies of them at most, beside the store's client. */
export const smallBytesMax = 4 * 1024 * 1024
/** Compressed bytes of one file that may lie in the spool. */
const spoolBytesMax = 64 * 1024 ** 3

/**
 * Reads the whole file once, and compresses it. Undefined where it is not any more what `stamp` says: then nothing of it
 * may be sent. `file` stays open until the answer is closed; the caller closes it.
 */
export async function packFile(
  file: OpenFile,
  stamp: string,
  encoding: Encoding,
  { spoolDirectory, compressors }: { spoolDirectory: string; compressors: Compressors },
): Promise<Packed | undefined> {
  const { size, stamp: now } = file.stat()
  if (now !== stamp) return undefined
  const packed =
    size <= smallBytesMax
      ? await packSmall(file, size, encoding, compressors)
      : encoding === 'none'
        ? await hashLarge(file, size)
        : await spool(file, encoding, spoolDirectory)
  if (packed !== undefined && packed.length === size && file.stat().stamp === stamp) return packed
  await packed?.close()
  return undefined
}

const nothingHeld = async (): Promise<void> => {}

async function packSmall(file: OpenFile, size: number, encoding: Encoding, compressors: Compressors): Promise<Packed> {
  if (encoding === 'none') return smallOf(await readRange(file, 0, size), encoding, undefined)
  const compressed = async (raw: Uint8Array): Promise<Packed> =>
    smallOf(raw, encoding, await compressors.compress(raw, encoding))
  if (size > scratchBytes) return compressed(await readRange(file, 0, size))
  return compressors.withScratch(async (scratch) => {
    const length = await file.read(scratch.subarray(0, size), 0)
    return compressed(scratch.subarray(0, length))
  })
}

function smallOf(raw: Uint8Array, encoding: Encoding, compressed: Uint8Array | undefined): Packed {
  const own = sha256(raw)
  const bytes = compressed ?? raw
  return {
    length: raw.byteLength,
    sha256: own,
    encoding,
    body: { kind: 'small', bytes, sha256: compressed === undefined ? own : sha256(compressed) },
    close: nothingHeld,
  }
}

/** Sent from where it lies: each step of it is compared when it is read again. */
async function hashLarge(file: OpenFile, size: number): Promise<Packed> {
  const hash = createHash('sha256')
  const steps: string[] = []
  let length = 0
  for await (const bytes of stepsOf(file)) {
    hash.update(bytes)
    steps.push(shortHash(bytes))
    length += bytes.byteLength
  }
  const digest = hash.digest('hex')
  const read = async (start: number, end: number): Promise<Uint8Array> => {
    const bytes = await readRange(file, start, end)
    for (let at = start; at < end; at += largeStepBytes) {
      const step = bytes.subarray(at - start, Math.min(at + largeStepBytes, end) - start)
      if (shortHash(step) !== steps[at / largeStepBytes]) throw new FileChanged()
    }
    return bytes
  }
  const large = { size, sha256: digest, read }
  return { length, sha256: digest, encoding: 'none', body: { kind: 'large', large }, close: nothingHeld }
}

/** Nothing of it was stored; it is held again, and judged anew. */
export class FileChanged extends LogcaskError {
  constructor() {
    super('conflict', 'the file changed while it was sent')
  }
}

async function* stepsOf(file: OpenFile): AsyncGenerator<Uint8Array> {
  for (let at = 0; ; at += largeStepBytes) {
    const bytes = await readRange(file, at, at + largeStepBytes)
    if (bytes.byteLength > 0) yield bytes
    if (bytes.byteLength < largeStepBytes) return
  }
}

/** Compressed into a file of ours without a name: its length and its hash are known before it is sent. */
async function spool(file: OpenFile, encoding: 'gzip' | 'zstd', directory: string): Promise<Packed> {
  const target = await openNameless(directory)
  try {
    const [raw, stored] = [createHash('sha256'), createHash('sha256')]
    let [length, size] = [0, 0]
    const compressor = encoding === 'gzip' ? createGzip() : createZstdCompress()
    await pipeline(
      async function* () {
        for await (const bytes of stepsOf(file)) {
          raw.update(bytes)
          length += bytes.byteLength
          yield bytes
        }
      },
      compressor,
      async (compressed: AsyncIterable<Buffer>) => {
        for await (const bytes of compressed) {
          if (size + bytes.byteLength > spoolBytesMax) throw tooLarge()
          stored.update(bytes)
          await writeFully(target, bytes, size)
          size += bytes.byteLength
        }
      },
    )
    const large = {
      size,
      sha256: stored.digest('hex'),
      read: (start: number, end: number) => readExactly(target, start, end),
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
      hint: 'free space for the state directory, or set compress: none',
    })
  }
}

function tooLarge(): LogcaskError {
  return new LogcaskError('invalid', 'is too large to be compressed on its way', { hint: 'set compress: none for it' })
}

/** A killed agent leaves no more than an empty directory behind. */
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

async function readExactly(handle: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(end - start)
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, start + done)
    if (bytesRead === 0) throw new FileChanged()
    done += bytesRead
  }
  return bytes
}
