import { windowBytes } from '../../format/limits.ts'
import { readRange } from '../files/files.ts'
import type { Content } from '../identity/content.ts'
import { contentOf, sampleAt } from '../identity/content.ts'
import { compare, deliveredWindow, type Footprint } from '../identity/evidence.ts'
import type { Life } from '../life.ts'
import { type Hasher, localHasher } from './hasher.ts'
import { RunningHash } from './running-hash.ts'

/** Bytes that were read from a file which afterwards still was the one that the footprint speaks of. */
export interface ReadSegment {
  offset: number
  bytes: Uint8Array
  /** Hex; it may take a while, the next segment is read meanwhile. Never rejects. */
  sha256: Promise<string>
  /** The delivered window before them. */
  window: Uint8Array
  /** Gives the memory back; to be called once by each reader. */
  release(): void
}

interface Shared {
  reading: Promise<Omit<ReadSegment, 'release'> | undefined>
  buffer: Uint8Array
  /** Who has not let go of the memory: readers, and the hasher, which may need it for longer than they do. */
  holders: number
  forget: () => void
}

/** Smaller reads get memory of their own size. */
const pooledFrom = 64 * 1024

/**
 * Reads and hashes once what several destinations want at the same offset. The memory behind a segment goes back to the
 * pool when its last reader has released it; how much may be out is bounded by the destinations' bytes in flight.
 */
export class SegmentReader {
  /** What a segment holds at most, and the size of the memory that is kept for the next ones. */
  readonly segmentBytes: number
  readonly #hasher: Hasher
  readonly #pool: Uint8Array[] = []
  readonly #shared = new Map<Life, Map<string, Shared>>()

  constructor(segmentBytes: number, hasher: Hasher = localHasher) {
    this.segmentBytes = segmentBytes
    this.#hasher = hasher
  }

  /**
   * [footprint.offset, end), or undefined where the file is no longer what was shipped or has no such bytes: then it must
   * be looked at. Rejects with `unavailable` where reading fails.
   */
  async read(life: Life, content: Content, footprint: Footprint, end: number): Promise<ReadSegment | undefined> {
    const ofLife = this.#shared.get(life) ?? new Map<string, Shared>()
    this.#shared.set(life, ofLife)
    const key = `${footprint.offset}-${end}-${footprint.window}-${content.file === life.decoded}`
    const forget = (): void => {
      ofLife.delete(key)
      if (ofLife.size === 0) this.#shared.delete(life)
    }
    const shared = ofLife.get(key) ?? this.#start(life, content, footprint, end, forget)
    ofLife.set(key, shared)
    const release = this.#hold(shared)
    try {
      const read = await shared.reading
      if (read) return { ...read, release }
      release()
      return undefined
    } catch (error) {
      release()
      throw error
    }
  }

  /** Gives the memory back to the pool once the last holder has let go; the answer is to be called for that. */
  #hold(shared: Shared): () => void {
    shared.holders++
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      if (--shared.holders > 0) return
      shared.forget()
      const { byteLength } = shared.buffer
      if (byteLength >= pooledFrom && byteLength === this.segmentBytes) this.#pool.push(shared.buffer)
    }
  }

  #start(life: Life, content: Content, footprint: Footprint, end: number, forget: () => void): Shared {
    const length = end - footprint.offset
    const buffer =
      length >= pooledFrom ? (this.#pool.pop() ?? this.#hasher.allocate(this.segmentBytes)) : new Uint8Array(length)
    const shared: Shared = { reading: Promise.resolve(undefined), buffer, holders: 0, forget }
    shared.reading = this.#read(life, content, footprint, buffer.subarray(0, length), shared)
    return shared
  }

  async #read(
    life: Life,
    content: Content,
    footprint: Footprint,
    bytes: Uint8Array,
    shared: Shared,
  ): Promise<Omit<ReadSegment, 'release'> | undefined> {
    const length = await content.file.read(bytes, footprint.offset)
    const now = { file: content.file, size: content.file.stat().size }
    if (length < bytes.byteLength || now.size < footprint.offset + length) return undefined
    // Looked at after the read: a truncation before it or in between must not pass for an append.
    const after = footprint.offset === 0 ? undefined : await sampleAt(now, footprint)
    const isStill = after ? isSame(footprint, after) : await startsWith(now, bytes)
    if (!isStill || !(await isOneLife(life, now, footprint))) return undefined
    life.running ??= new RunningHash(this.#hasher, bytes.byteLength)
    return {
      offset: footprint.offset,
      bytes,
      sha256: life.running.hash(footprint.offset, bytes, this.#hold(shared)),
      window: after ? deliveredWindow(footprint, after.window.slice()) : new Uint8Array(0),
    }
  }
}

/**
 * Whether the file still is what any destination was sent of this life: bytes that one of them had of the life before must
 * not go on, or begin, as another life's at a second one.
 */
async function isOneLife(life: Life, content: Content, footprint: Footprint): Promise<boolean> {
  let witness = footprint
  for (const delivery of life.deliveries.values()) {
    if (delivery.stream === undefined || delivery.confirmed.offset <= witness.offset) continue
    if (contentOf(life, delivery)?.file === content.file) witness = delivery.confirmed
  }
  // [seen] A look found other bytes, of which nothing was sent: they are said to be lost before these begin a stream.
  if (witness.offset === 0 && life.seen && content.file === life.file) witness = life.seen
  if (witness === footprint) return true
  return compare(witness, await sampleAt(content, witness)) !== 'different'
}

function isSame(footprint: Footprint, sample: Parameters<typeof compare>[1]): boolean {
  const comparison = compare(footprint, sample)
  return comparison === 'same' || comparison === 'edited'
}

async function startsWith(content: Content, bytes: Uint8Array): Promise<boolean> {
  const head = await readRange(content.file, 0, Math.min(windowBytes, bytes.byteLength))
  return (
    Buffer.compare(head, bytes.subarray(0, head.byteLength)) === 0 &&
    head.byteLength === Math.min(windowBytes, bytes.byteLength)
  )
}
