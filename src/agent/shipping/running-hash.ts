import { extendRollup } from './delivered.ts'
import type { ContinuedHash, Hasher } from './hasher.ts'

/**
 * The SHA-256 of a content from 0 on, fed with segments as they are first read. Its rollup says which segments those
 * were: a destination whose acked segments have the same rollup was sent just these bytes.
 */
export class RunningHash {
  readonly #hasher: Hasher
  readonly #content: ContinuedHash
  #offset = 0
  #rollup = ''

  constructor(hasher: Hasher, firstLength: number) {
    this.#hasher = hasher
    this.#content = hasher.begin(firstLength)
  }

  get offset(): number {
    return this.#offset
  }

  get rollup(): string {
    return this.#rollup
  }

  /**
   * SHA-256 (hex) of the segment. It goes into the content where it is the next one; any other went in before, or cannot.
   * `done`: the bytes are needed no longer.
   */
  async hash(offset: number, bytes: Uint8Array, done: () => void): Promise<string> {
    const isNext = offset === this.#offset
    if (isNext) this.#offset += bytes.byteLength
    const digest = await this.#hasher.hash(bytes, isNext ? this.#content : undefined, done)
    // A content has one hasher, which answers in the order of the questions.
    if (isNext) this.#rollup = extendRollup(this.#rollup, digest)
    return digest
  }

  /** Hex, and the hash goes on; undefined where it was lost. */
  digest(): Promise<string | undefined> {
    return this.#content.digest()
  }
}
