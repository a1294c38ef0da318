import { createHash, type Hash } from 'node:crypto'
import { extendRollup } from './delivered.ts'

/**
 * The SHA-256 of a content from 0 on, fed with segments as they are first read. Its rollup says which segments those
 * were: a destination whose acked segments have the same rollup was sent just these bytes.
 */
export class RunningHash {
  #hash: Hash = createHash('sha256')
  #offset = 0
  #rollup = ''

  get offset(): number {
    return this.#offset
  }

  get rollup(): string {
    return this.#rollup
  }

  /** Takes the segment where it is the next one; any other was hashed before, or cannot be. */
  feed(offset: number, bytes: Uint8Array, sha256: string): void {
    if (offset !== this.#offset) return
    this.#hash.update(bytes)
    this.#offset += bytes.byteLength
    this.#rollup = extendRollup(this.#rollup, sha256)
  }

  /** Hex; the hash goes on. */
  digest(): string {
    return this.#hash.copy().digest('hex')
  }
}
