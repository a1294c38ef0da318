import { identityOf } from '../../src/format/keys.ts'
import type { SeededRandom } from '../support/seeded-random.ts'

/** A file, a directory or a symbolic link as the model's file system has it, whatever it is called. */
export class Inode {
  readonly number: number
  readonly birthNs: bigint
  readonly kind: 'file' | 'directory' | 'symlink'
  /** Where a symbolic link leads. */
  readonly target: string
  /** Names that it has. */
  links = 0
  /** Descriptors that are open on it. */
  opens = 0
  /** Last changes, on a clock as coarse as the kernel's. */
  modifiedMs: number
  changedMs: number
  /** Bytes from the start that a power cut leaves. */
  syncedBytes = 0
  #bytes = Buffer.alloc(0)
  #size = 0

  constructor(number: number, birthNs: bigint, kind: Inode['kind'], atMs: number, target = '') {
    this.number = number
    this.birthNs = birthNs
    this.kind = kind
    this.target = target
    this.modifiedMs = this.changedMs = atMs
  }

  get identity(): string {
    return identityOf(this.birthNs, BigInt(this.number))
  }

  get size(): number {
    return this.#size
  }

  /** A view, to be used at once. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#size)
  }

  write(bytes: Uint8Array, position: number): void {
    const end = position + bytes.byteLength
    if (end > this.#bytes.byteLength) {
      const larger = Buffer.alloc(Math.max(end, this.#bytes.byteLength * 2, 256))
      this.#bytes.copy(larger, 0, 0, this.#size)
      this.#bytes = larger
    }
    this.#bytes.set(bytes, position)
    this.#size = Math.max(this.#size, end)
  }

  /** Cut, or filled up with NULs. */
  resize(size: number): void {
    if (size > this.#size) this.write(new Uint8Array(size - this.#size), this.#size)
    this.#bytes.fill(0, size, this.#size)
    this.#size = size
    this.syncedBytes = Math.min(this.syncedBytes, size)
  }

  /** The power goes: what is left of the bytes that were not synced. Answers what was lost. */
  tear(random: SeededRandom): { bytes: number; nuls: number } {
    const unsynced = this.size - this.syncedBytes
    if (unsynced <= 0) return { bytes: 0, nuls: 0 }
    const from = this.syncedBytes + random.pick([0, unsynced, random.int(0, unsynced)])
    const count = this.size - from
    // The block was allocated and the length written, the data not.
    const isZeroed = random.chance(0.25)
    if (isZeroed) this.write(new Uint8Array(count), from)
    else this.resize(from)
    this.syncedBytes = this.size
    return isZeroed ? { bytes: 0, nuls: count } : { bytes: count, nuls: 0 }
  }

  /** The same inode on a copy of the disk. */
  copy(): Inode {
    const copy = new Inode(this.number, this.birthNs, this.kind, this.modifiedMs, this.target)
    copy.write(this.bytes, 0)
    copy.changedMs = this.changedMs
    copy.syncedBytes = this.syncedBytes
    return copy
  }
}
