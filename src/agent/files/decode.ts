import { openSync } from 'node:fs'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { makeDirectory, writeFully } from '../../base/atomic-file.ts'
import { errnoOf } from '../../base/errors.ts'
import { type OpenFile, readRange } from './files.ts'

const gzipMagic = [0x1f, 0x8b]
const zstdMagic = [0x28, 0xb5, 0x2f, 0xfd]

class TooLarge extends Error {}

/**
 * Decodes a whole gzip or zstd file into a file without a name under `directory`, so that its bytes can be read at any
 * offset. Undefined for a file that is neither, or not (yet) complete; `too-large` beyond `bytesMax`.
 */
export async function decodeFile(
  file: OpenFile,
  directory: string,
  bytesMax: number,
  wrap: (fd: number, path: string) => OpenFile,
): Promise<OpenFile | 'too-large' | undefined> {
  const magic = await readRange(file, 0, 4)
  const decoder = begins(magic, gzipMagic)
    ? createGunzip()
    : begins(magic, zstdMagic)
      ? createZstdDecompress()
      : undefined
  if (decoder === undefined) return undefined
  await makeDirectory(directory, 0o700)
  const path = join(directory, `decoded-${file.identity}`)
  // What a killed agent left behind.
  await unlink(path).catch(() => {})
  const target = await open(path, 'wx', 0o600)
  try {
    // Opened by its name while nobody else can have made another of that name: afterwards it has none.
    const decoded = wrap(openSync(path, 'r'), path)
    try {
      await unlink(path)
      await pipeline(Readable.from(stretches(file)), decoder, (bytes: AsyncIterable<Buffer>) =>
        writeAll(target, bytes, bytesMax),
      )
      if (await isAllDecoded(file, decoder.bytesWritten)) return decoded
      await decoded.close()
      return undefined
    } catch (error) {
      await decoded.close()
      if (error instanceof TooLarge) return 'too-large'
      if (isIncomplete(error)) return undefined
      throw error
    }
  } finally {
    await target.close()
  }
}

async function* stretches(file: OpenFile): AsyncGenerator<Uint8Array> {
  for (let at = 0; ; ) {
    const bytes = await readRange(file, at, at + (1 << 18))
    if (bytes.byteLength === 0) return
    yield bytes
    at += bytes.byteLength
  }
}

/** Decoders end with a frame, and drop what comes behind it without a word; NULs there are padding. */
async function isAllDecoded(file: OpenFile, decodedTo: number): Promise<boolean> {
  for (let at = decodedTo; ; ) {
    const rest = await readRange(file, at, at + (1 << 18))
    if (rest.byteLength === 0) return true
    if (rest.some((byte) => byte !== 0)) return false
    at += rest.byteLength
  }
}

async function writeAll(target: FileHandle, decoded: AsyncIterable<Buffer>, bytesMax: number): Promise<void> {
  let at = 0
  for await (const bytes of decoded) {
    if (at + bytes.byteLength > bytesMax) throw new TooLarge()
    await writeFully(target, bytes, at)
    at += bytes.byteLength
  }
}

/** zlib's own errors say that the input is cut or damaged; the system's (a full disk) are not about the input. */
function isIncomplete(error: unknown): boolean {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return (
    code !== undefined &&
    (code.startsWith('Z_') ||
      code.startsWith('ZSTD_') ||
      code === 'ERR_STREAM_PREMATURE_CLOSE' ||
      errnoOf(error) === undefined)
  )
}

/** Whether a content is compressed, by its first bytes: not every maker names it so. */
export async function isPacked(file: OpenFile): Promise<boolean> {
  const magic = await readRange(file, 0, 4)
  return begins(magic, gzipMagic) || begins(magic, zstdMagic)
}

function begins(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, at) => bytes[at] === byte)
}
