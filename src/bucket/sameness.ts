import { createHash } from 'node:crypto'
import { PassThrough, Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { errnoOf, isCode, LogcaskError } from '../base/errors.ts'
import { decodeWholeHeader, type Encoding, type WholeHeader } from '../format/whole.ts'
import type { Bucket } from './bucket.ts'
import { stretchesOf } from './large-body.ts'
import type { Packed } from './packed.ts'

/** Read at once of what is there. */
const stretchBytes = 4 * 1024 * 1024
/** What a compressed local file may decode to, to be compared. */
const decodedBytesMax = 1024 ** 4

type Bytes = () => AsyncIterable<Uint8Array>
type Content = { sha256: string; length: number }
type Asked = <T>(ask: (signal: AbortSignal) => Promise<T>) => Promise<T>

/**
 * Whether the object that has the name holds the file's bytes: what both decode to is compared, since no two compressors
 * give the same. A header proves nothing: the object is read. `request` repeats what is unknown. Undefined: the object is
 * not there any more.
 */
export async function holdsSame(
  bucket: Bucket,
  key: string,
  packed: Packed,
  request: Asked,
): Promise<boolean | undefined> {
  return holdsOneOf(bucket, key, await contentsOf(packed), request)
}

/**
 * Whether an object shows that it holds a file that is known to have been delivered. What we stored says so; what another
 * tool had stored says nothing of itself, and is read.
 */
export async function showsContent(bucket: Bucket, key: string, content: Content, request: Asked): Promise<boolean> {
  const info = await request((signal) => bucket.head(key, { signal }))
  if (info === undefined) return false
  const header = headerOf(info.metadata, key)
  if (header !== undefined) return header.sha256 === content.sha256 && header.length === content.length
  return (await holdsOneOf(bucket, key, [content], request)) === true
}

/** Whether the object decodes to that content: it is read. Undefined: it is not there any more. */
export function holdsContent(
  bucket: Bucket,
  key: string,
  content: Content,
  request: Asked,
): Promise<boolean | undefined> {
  return holdsOneOf(bucket, key, [content], request)
}

async function holdsOneOf(
  bucket: Bucket,
  key: string,
  locals: readonly Content[],
  request: Asked,
): Promise<boolean | undefined> {
  try {
    return await readAndCompare(bucket, key, locals, request)
  } catch (error) {
    if (error instanceof Gone) return undefined
    throw error
  }
}

async function readAndCompare(
  bucket: Bucket,
  key: string,
  locals: readonly Content[],
  request: Asked,
): Promise<boolean | undefined> {
  const first = await request((signal) => bucket.get(key, { range: { start: 0, end: stretchBytes }, signal }))
  if (first === undefined) return undefined
  const own = headerOf(first.metadata, key)?.encoding ?? 'none'
  const stored: Bytes = async function* () {
    yield first.body
    for (let start = first.body.byteLength; start < first.size; start += stretchBytes) {
      const end = Math.min(first.size, start + stretchBytes)
      const next = await request((signal) => bucket.get(key, { range: { start, end }, isBare: true, signal }))
      if (next === undefined) throw new Gone()
      if (next.body.byteLength !== end - start)
        throw new LogcaskError('unavailable', `${bucket.url}: ${key}: gave fewer bytes than were asked for`)
      yield next.body
    }
  }
  const lengthMax = Math.max(...locals.map(({ length }) => length))
  const isLocal = (sha256: string | undefined): boolean => locals.some((local) => local.sha256 === sha256)
  const direct = await hashOf(stored, [own], lengthMax)
  if (isLocal(direct?.sha256)) return true
  // A file that was stored compressed by others, and is here as it was before.
  const packing = direct?.packing ?? (own === 'none' ? packingOf(first.body) : undefined)
  if (packing === undefined) return false
  return isLocal((await hashOf(stored, [own, packing], lengthMax))?.sha256)
}

/** The object went while it was read: its name is free. */
class Gone extends Error {}

function headerOf(metadata: Readonly<Record<string, string>>, key: string): WholeHeader | undefined {
  try {
    return decodeWholeHeader(metadata, key)
  } catch (error) {
    // Not ours, whatever it says: its bytes decide.
    if (isCode(error, 'corrupt')) return undefined
    throw error
  }
}

/** The file's own bytes; and where these are compressed, what they stand for. */
async function contentsOf(packed: Packed): Promise<Content[]> {
  const own = { sha256: packed.sha256, length: packed.length }
  const { body, encoding } = packed
  if (encoding !== 'none') return [own]
  const read: Bytes =
    body.kind === 'small'
      ? async function* () {
          yield body.bytes
        }
      : () => stretchesOf(body.large, stretchBytes)
  const head = body.kind === 'small' ? body.bytes : await body.large.read(0, Math.min(body.large.size, stretchBytes))
  const packing = packingOf(head)
  const decoded = packing && (await hashOf(read, [packing], decodedBytesMax))
  return decoded ? [own, decoded] : [own]
}

interface Hashed extends Content {
  /** How these bytes are compressed themselves. */
  packing: Encoding | undefined
}

class TooLong extends Error {}

/** Undefined for what cannot be decoded, or is longer than `lengthMax`. */
async function hashOf(bytes: Bytes, decoders: readonly Encoding[], lengthMax: number): Promise<Hashed | undefined> {
  const hash = createHash('sha256')
  let length = 0
  let packing: Encoding | undefined
  const sink = async (decoded: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const piece of decoded) {
      if (length === 0) packing = packingOf(piece)
      length += piece.byteLength
      if (length > lengthMax) throw new TooLong()
      hash.update(piece)
    }
  }
  try {
    const [first, second] = [decoders[0] ?? 'none', decoders[1] ?? 'none'].map(decoderOf)
    const [before, between] = [counting(), counting()]
    await pipeline(
      Readable.from(bytes()),
      before.pass,
      first ?? new PassThrough(),
      between.pass,
      second ?? new PassThrough(),
      sink,
    )
    // Decoders end with a frame, and drop what comes behind it without a word: then the rest was not compared.
    if (!hasReadAll(first, before.bytes()) || !hasReadAll(second, between.bytes())) return undefined
    return { sha256: hash.digest('hex'), length, packing }
  } catch (error) {
    const isContent = error instanceof TooLong || isUndecodable(error)
    if (!isContent) throw error
    return undefined
  }
}

type Decoder = ReturnType<typeof createGunzip> | ReturnType<typeof createZstdDecompress>

function decoderOf(encoding: Encoding): Decoder | undefined {
  if (encoding === 'none') return undefined
  return encoding === 'gzip' ? createGunzip() : createZstdDecompress()
}

function counting(): { pass: Transform; bytes: () => number } {
  let bytes = 0
  const pass = new Transform({
    transform(piece: Uint8Array, _encoding, done) {
      bytes += piece.byteLength
      done(null, piece)
    },
  })
  return { pass, bytes: () => bytes }
}

function hasReadAll(decoder: Decoder | undefined, given: number): boolean {
  return decoder === undefined || decoder.bytesWritten === given
}

function isUndecodable(error: unknown): boolean {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return code !== undefined && /^(Z_|ZSTD_|ERR_STREAM_PREMATURE_CLOSE)/.test(code) && errnoOf(error) === undefined
}

function packingOf(bytes: Uint8Array): Encoding | undefined {
  const magic = Buffer.from(bytes.subarray(0, 4)).toString('hex')
  if (magic.startsWith('1f8b')) return 'gzip'
  return magic === '28b52ffd' ? 'zstd' : undefined
}
