import { sha256 } from '../base/hash.ts'
import { windowBytes } from '../format/limits.ts'
import type { Content } from './content.ts'
import { contentOf, sampleAt } from './content.ts'
import { compare, deliveredWindow, type Footprint } from './evidence.ts'
import { readRange } from './files.ts'
import type { Life } from './life.ts'
import { RunningHash } from './running-hash.ts'

/** Bytes that were read from a file which, before and after, was the one that the footprint speaks of. */
export interface ReadSegment {
  offset: number
  bytes: Uint8Array
  sha256: string
  /** The delivered window before them. */
  window: Uint8Array
  /** Gives the memory back; to be called once by each reader. */
  release(): void
}

interface Shared {
  reading: Promise<Omit<ReadSegment, 'release'> | undefined>
  buffer: Uint8Array | undefined
  readers: number
}

/** Smaller reads get memory of their own size. */
const pooledFrom = 64 * 1024

/**
 * Reads and hashes once what several destinations want at the same offset. The memory behind a segment goes back to the
 * pool when its last reader has released it; how much may be out is bounded by the destinations' bytes in flight.
 */
export class SegmentReader {
  readonly #segmentBytes: number
  readonly #pool: Uint8Array[] = []
  readonly #shared = new Map<Life, Map<string, Shared>>()

  constructor(segmentBytes: number) {
    this.#segmentBytes = segmentBytes
  }

  /**
   * [footprint.offset, end), or undefined where the file is no longer what was shipped or has no such bytes: then it must
   * be looked at. Rejects with `unavailable` where reading fails.
   */
  async read(life: Life, content: Content, footprint: Footprint, end: number): Promise<ReadSegment | undefined> {
    const ofLife = this.#shared.get(life) ?? new Map<string, Shared>()
    this.#shared.set(life, ofLife)
    const key = `${footprint.offset}-${end}-${footprint.window}-${content.file === life.decoded}`
    const shared = ofLife.get(key) ?? this.#start(life, content, footprint, end)
    ofLife.set(key, shared)
    shared.readers++
    let isReleased = false
    const release = (): void => {
      if (isReleased) return
      isReleased = true
      if (--shared.readers > 0) return
      ofLife.delete(key)
      if (ofLife.size === 0) this.#shared.delete(life)
      if (shared.buffer?.byteLength === this.#segmentBytes) this.#pool.push(shared.buffer)
    }
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

  #start(life: Life, content: Content, footprint: Footprint, end: number): Shared {
    const length = end - footprint.offset
    const buffer =
      length >= pooledFrom ? (this.#pool.pop() ?? new Uint8Array(this.#segmentBytes)) : new Uint8Array(length)
    return { reading: this.#read(life, content, footprint, buffer.subarray(0, length)), buffer, readers: 0 }
  }

  async #read(
    life: Life,
    content: Content,
    footprint: Footprint,
    bytes: Uint8Array,
  ): Promise<Omit<ReadSegment, 'release'> | undefined> {
    const isFirst = footprint.offset === 0
    const before = isFirst ? undefined : await sampleAt(content, footprint)
    if (before && !isSame(footprint, before)) return undefined
    if (!(await isOneLife(life, content, footprint))) return undefined
    const length = await content.file.read(bytes, footprint.offset)
    const now = { file: content.file, size: content.file.stat().size }
    if (length < bytes.byteLength || now.size < footprint.offset + length) return undefined
    // Looked at again after the read: a truncation in between must not pass for an append.
    const isStill = isFirst ? await startsWith(now, bytes) : isSame(footprint, await sampleAt(now, footprint))
    if (!isStill || !(await isOneLife(life, now, footprint))) return undefined
    const digest = sha256(bytes)
    life.running ??= new RunningHash()
    life.running.feed(footprint.offset, bytes, digest)
    return {
      offset: footprint.offset,
      bytes,
      sha256: digest,
      window: before ? deliveredWindow(footprint, before.window.slice()) : new Uint8Array(0),
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
    const isSameContent = contentOf(life, delivery)?.file === content.file
    if (isSameContent && delivery.stream !== undefined && delivery.confirmed.offset > witness.offset)
      witness = delivery.confirmed
  }
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
