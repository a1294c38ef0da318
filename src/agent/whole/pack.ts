import { createHash } from 'node:crypto'
import { LogcaskError, messageOf } from '../../base/errors.ts'
import { shortHash } from '../../base/hash.ts'
import { largeStepBytes } from '../../bucket/large-body.ts'
import { type Packed, packedInMemory, packInSpool, smallBytesMax } from '../../bucket/packed.ts'
import type { Encoding } from '../../format/whole.ts'
import { type OpenFile, readRange } from '../files/files.ts'
import { type Compressors, scratchBytes } from './compressors.ts'

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
        : await packInSpool(stepsOf(file), encoding, spoolDirectory)
  if (packed !== undefined && packed.length === size && file.stat().stamp === stamp) return packed
  await packed?.close()
  return undefined
}

async function packSmall(file: OpenFile, size: number, encoding: Encoding, compressors: Compressors): Promise<Packed> {
  if (encoding === 'none') return packedInMemory(await readRange(file, 0, size), encoding, undefined)
  const compressed = async (raw: Uint8Array): Promise<Packed> =>
    packedInMemory(raw, encoding, await compressors.compress(raw, encoding))
  if (size > scratchBytes) return compressed(await readRange(file, 0, size))
  return compressors.withScratch(async (scratch) => {
    const length = await file.read(scratch.subarray(0, size), 0)
    return compressed(scratch.subarray(0, length))
  })
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
  return { length, sha256: digest, encoding: 'none', body: { kind: 'large', large }, close: async () => {} }
}

/** Nothing of it was stored; it is held again, and judged anew. */
export class FileChanged extends LogcaskError {
  constructor() {
    super('conflict', 'the file changed while it was sent')
  }
}

/** It cannot be read now; the destination that it was on its way to has nothing to do with it. */
export class FileUnreadable extends LogcaskError {
  constructor(cause: unknown) {
    super('invalid', messageOf(cause), { cause, hint: 'look at the disk that it is on: dmesg' })
  }
}

async function* stepsOf(file: OpenFile): AsyncGenerator<Uint8Array> {
  for (let at = 0; ; at += largeStepBytes) {
    const bytes = await readRange(file, at, at + largeStepBytes)
    if (bytes.byteLength > 0) yield bytes
    if (bytes.byteLength < largeStepBytes) return
  }
}
