import { createHash, type Hash } from 'node:crypto'
import { sha256 } from '../../base/hash.ts'

/** A SHA-256 that goes on: the content of one file, segment after segment. */
export interface ContinuedHash {
  /** Hex, of all that went into it so far, and it goes on; undefined where it was lost. */
  digest(): Promise<string | undefined>
}

/**
 * Where segments are hashed: each alone, for its PUT, and all of a file's, one after the other, for its seal. What is
 * asked for first goes into a continued hash first.
 */
export interface Hasher {
  /** Memory that the hasher can see. */
  allocate(length: number): Uint8Array
  /** A hash for a content whose first segment has this length. */
  begin(firstLength: number): ContinuedHash
  /** Hex. The bytes go into `next`, too; `done` is called when nobody here reads them any more, maybe after the answer. */
  hash(bytes: Uint8Array, next: ContinuedHash | undefined, done: () => void): Promise<string>
  close(): void
}

export class LocalHash implements ContinuedHash {
  readonly #hash: Hash = createHash('sha256')

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes)
  }

  digest(): Promise<string> {
    return Promise.resolve(this.#hash.copy().digest('hex'))
  }
}

/** Here and now: for small files, for tests, and for the simulation. */
export const localHasher: Hasher = {
  allocate: (length) => new Uint8Array(length),
  begin: () => new LocalHash(),
  hash(bytes, next, done) {
    const digest = sha256(bytes)
    if (next instanceof LocalHash) next.update(bytes)
    done()
    return Promise.resolve(digest)
  },
  close() {},
}
