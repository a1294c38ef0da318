import { sha256 } from '../../src/base/hash.ts'
import type { Holdings } from '../scenarios/stored-content.ts'

/** I2 and I8, from outside: what was there once is there with the same bytes at every later look. */
export class WriteOnce {
  readonly #seen = new Map<string, { length: number; sha256: string }>()
  readonly #mayGrow: boolean
  /** Keys that were gone, or had other bytes, at a later look. */
  readonly rewritten = new Set<string>()

  /** `mayGrow`: for published files, of which only what is there may not change. */
  constructor({ mayGrow = false } = {}) {
    this.#mayGrow = mayGrow
  }

  look(holdings: Holdings): void {
    for (const [key, { length, sha256: before }] of this.#seen) {
      const now = holdings.get(key)
      const isSame =
        now !== undefined &&
        (this.#mayGrow ? now.byteLength >= length : now.byteLength === length) &&
        sha256(now.subarray(0, length)) === before
      if (!isSame) this.rewritten.add(key)
    }
    for (const [key, bytes] of holdings) this.#seen.set(key, { length: bytes.byteLength, sha256: sha256(bytes) })
  }
}
