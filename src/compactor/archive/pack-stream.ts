import { createHash, type Hash } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip, zstdCompress } from 'node:zlib'
import { LogcaskError } from '../../base/errors.ts'
import type { LargeBody } from '../../bucket/large-body.ts'
import { type Packed, packedInMemory, packInSpool, smallBytesMax } from '../../bucket/packed.ts'
import type { Encoding } from '../../format/whole.ts'

/** The content of a stream, from its beginning each time that it is asked for. */
export type Content = () => AsyncGenerator<Uint8Array>

/** The chain has not the bytes that a seal names: nothing was stored of it. */
export class SealLies extends LogcaskError {
  readonly actual: string

  constructor(actual: string) {
    super('conflict', `the content has SHA-256 ${actual}, its seal says another`)
    this.actual = actual
  }
}

/** The chain ends before the length that its names promised: a lone stray among them. */
export class ChainEndsEarly extends LogcaskError {
  readonly length: number

  constructor(length: number) {
    super('corrupt', `the chain ends at ${length}, before the segments that are listed beyond`)
    this.length = length
  }
}

/**
 * Packs `length` bytes of content, which must have one of `sealed`, where there are any: then what is stored is what the
 * seal says, or nothing. Rejects with `SealLies` and `ChainEndsEarly`; of a long content that is stored as it is, while it
 * is sent. Memory holds a few megabytes of a long one.
 */
export async function packStream(
  content: Content,
  { length, sealed, encoding }: { length: number; sealed: readonly string[]; encoding: Encoding },
  spoolDirectory: string,
): Promise<Packed> {
  const [only, ...others] = sealed
  if (length > smallBytesMax && encoding === 'none' && only !== undefined && others.length === 0) {
    const large = new AsRead(content, length, only)
    return { length, sha256: only, encoding, body: { kind: 'large', large }, close: () => large.close() }
  }
  const packed =
    length <= smallBytesMax
      ? await packSmall(content, length, encoding)
      : await packInSpool(content(), encoding, spoolDirectory)
  try {
    if (packed.length !== length) throw new ChainEndsEarly(packed.length)
    if (sealed.length > 0 && !sealed.includes(packed.sha256)) throw new SealLies(packed.sha256)
    return packed
  } catch (error) {
    await packed.close()
    throw error
  }
}

const compressors = { gzip: promisify(gzip), zstd: promisify(zstdCompress) }

async function packSmall(content: Content, length: number, encoding: Encoding): Promise<Packed> {
  const raw = Buffer.allocUnsafeSlow(length)
  let at = 0
  for await (const bytes of content()) {
    if (at + bytes.byteLength > length) throw new LogcaskError('internal', `more than ${length} bytes of content`)
    raw.set(bytes, at)
    at += bytes.byteLength
  }
  const whole = raw.subarray(0, at)
  return packedInMemory(whole, encoding, encoding === 'none' ? undefined : await compressors[encoding](whole))
}

/**
 * A content that is sent while it is read, so that no disk is needed: what was promised of it is held against what came
 * before the last stretch is given away. To be read in order; a read at 0 begins anew.
 */
class AsRead implements LargeBody {
  readonly size: number
  readonly sha256: string
  readonly #content: Content
  #pieces: AsyncGenerator<Uint8Array> | undefined
  #hash: Hash = createHash('sha256')
  #at = 0
  #rest: Uint8Array = new Uint8Array(0)
  /** Settles with the read that was asked for last. */
  #latest: Promise<void> = Promise.resolve()

  constructor(content: Content, size: number, sha256: string) {
    this.#content = content
    this.size = size
    this.sha256 = sha256
  }

  /** After the one before, which may be left alone half-way by a request that broke off: what it had is not for the next. */
  read(start: number, end: number, into?: Uint8Array): Promise<Uint8Array> {
    const bytes = this.#latest.then(() => this.#read(start, end, into))
    this.#latest = bytes.then(
      () => {},
      () => {},
    )
    return bytes
  }

  async #read(start: number, end: number, into: Uint8Array | undefined): Promise<Uint8Array> {
    if (start === 0) await this.#begin()
    if (this.#pieces === undefined || start !== this.#at)
      throw new LogcaskError('internal', `read at ${start}, not at ${this.#at}`)
    const bytes = await this.#joined(
      start,
      into?.byteLength === end - start ? into : Buffer.allocUnsafeSlow(end - start),
    )
    this.#hash.update(bytes)
    this.#at = end
    if (end === this.size) {
      const actual = this.#hash.copy().digest('hex')
      if (actual !== this.sha256) throw new SealLies(actual)
    }
    return bytes
  }

  /** A copy: a piece is ours only until the next one. */
  async #joined(start: number, bytes: Uint8Array): Promise<Uint8Array> {
    for (let done = 0; done < bytes.byteLength; ) {
      if (this.#rest.byteLength === 0) {
        const next = await this.#pieces?.next()
        if (next === undefined || next.done === true) throw new ChainEndsEarly(start + done)
        this.#rest = next.value
      }
      const some = this.#rest.subarray(0, bytes.byteLength - done)
      bytes.set(some, done)
      done += some.byteLength
      this.#rest = this.#rest.subarray(some.byteLength)
    }
    return bytes
  }

  async #begin(): Promise<void> {
    await this.close()
    this.#hash = createHash('sha256')
    this.#at = 0
    this.#pieces = this.#content()
  }

  async close(): Promise<void> {
    const pieces = this.#pieces
    this.#pieces = undefined
    this.#rest = new Uint8Array(0)
    await pieces?.return(undefined)
  }
}
