import { createHash, type Hash } from 'node:crypto'
import type { Origin } from '../format/origin.ts'

/** Another place that is to have the same bytes: a directory, a second bucket, an archive. Only read. */
export interface Counterpart {
  /** For people. */
  readonly url: string
  /** It has streams that are complete, as they were then; nothing else is missing there. */
  readonly isArchive?: boolean
  /** What it has of a stream: in an archive, each length at which it was archived. `origin`: as the bucket says. */
  open(host: string, stream: string, origin: Origin | undefined): Promise<Held[]>
  /** Of which it has anything. */
  hosts(): Promise<string[]>
  streams(host: string): Promise<string[]>
  close(): Promise<void>
}

/** A stream as the counterpart has it. */
export interface Held {
  /** What it is called there. */
  readonly name: string
  /** More than 0 where its beginning has expired. */
  readonly start: number
  /** Where it ends, told without reading it. */
  readonly length: number
  /** Of its first bytes, where that was noted when they were written. */
  readonly noted?: { length: number; sha256: string } | undefined
  /** It was complete at its length, and is not to have more. */
  readonly isComplete?: boolean
  /** When it was stored, milliseconds since 1970. */
  readonly storedAtMs?: number
  /** Keys of it that were written twice, or deleted: the oldest version counts. */
  readonly tamperedKeys?: readonly string[]
  /** Why the bytes behind those that were read cannot be decoded. */
  readonly broken?: () => string | undefined
  /** The bytes of [start, end), fewer where it ends before. Calls go forward. */
  read(start: number, end: number): Promise<Uint8Array>
  close(): Promise<void>
}

/** Half-open, in bytes of the stream. */
export interface ByteRange {
  start: number
  end: number
}

export interface Comparison {
  /** The counterpart's. */
  place: string
  /** Undefined where it has nothing of the stream. */
  name: string | undefined
  /** Bytes that were held against each other. */
  compared: number
  /** From the first byte that is another to the last one. */
  differs: ByteRange | undefined
  /** In the bucket, and not there. */
  missingThere: ByteRange | undefined
  /** There, and not in the bucket. */
  missingHere: ByteRange | undefined
  /** It is there to this length, and is what was noted of it when it was archived. */
  archivedTo?: number | undefined
  /** When that was stored, milliseconds since 1970. */
  archivedAtMs?: number | undefined
  /** Why it cannot be decoded beyond what was compared. */
  broken?: string | undefined
  tamperedKeys?: readonly string[] | undefined
}

/** Holds what is read of a stream, piece by piece, against what a counterpart has. */
export class Comparer {
  readonly #place: string
  readonly #held: Held | undefined
  readonly #hash: Hash | undefined
  #hashed = 0
  #compared = 0
  #differs: ByteRange | undefined
  #endThere: number

  constructor(place: string, held: Held | undefined) {
    this.#place = place
    this.#held = held
    this.#endThere = held?.start ?? 0
    if (held?.isComplete === true && held.noted !== undefined) this.#hash = createHash('sha256')
  }

  async hold(offset: number, bytes: Uint8Array): Promise<void> {
    const held = this.#held
    if (held === undefined) return
    const from = Math.max(offset, held.start)
    const end = Math.min(offset + bytes.byteLength, held.isComplete === true ? held.length : Number.POSITIVE_INFINITY)
    if (from >= end) return
    const theirs = await this.#read(held, from, end)
    const ours = bytes.subarray(from - offset, from - offset + theirs.byteLength)
    this.#compared += theirs.byteLength
    if (theirs.byteLength > 0) this.#endThere = from + theirs.byteLength
    if (Buffer.compare(ours, theirs) === 0) return
    const isOther = (at: number): boolean => ours[at] !== theirs[at]
    let first = 0
    while (!isOther(first)) first++
    let last = ours.byteLength - 1
    while (!isOther(last)) last--
    this.#differs = { start: this.#differs?.start ?? from + first, end: from + last + 1 }
  }

  /** `start` and `end` of what the bucket has; all of it was held. */
  async finish({ start, end }: ByteRange): Promise<Comparison> {
    const held = this.#held
    const facts = { place: this.#place, name: held?.name, tamperedKeys: tamperedOf(held) }
    if (held?.isComplete === true) return { ...facts, ...(await this.#finishComplete(held, { start, end })) }
    const endThere = held === undefined ? 0 : Math.max(this.#endThere, await endBeyond(held, end))
    return {
      ...facts,
      compared: this.#compared,
      differs: this.#differs,
      ...missing({ start, end }, held && { start: held.start, end: endThere }),
    }
  }

  /** Also what the bucket has no more is read, and held against what was noted of it. */
  async #finishComplete(held: Held, here: ByteRange): Promise<Omit<Comparison, 'place' | 'name'>> {
    const { length, noted } = held
    let at = this.#hashed
    while (at < length) {
      const bytes = await this.#read(held, at, Math.min(length, at + stretchBytes))
      if (bytes.byteLength === 0) break
      at += bytes.byteLength
    }
    const more = at === length ? (await held.read(length, length + 1)).byteLength : 0
    const isAsNoted = noted === undefined || (noted.length === length && this.#hash?.digest('hex') === noted.sha256)
    const broken = held.broken?.()
    const isOther = more > 0 || broken !== undefined || (at === length && !isAsNoted)
    const isWhole = at === length && (noted !== undefined || this.#compared === length)
    const whole = { start: broken === undefined ? 0 : at, end: Math.max(at, length) }
    return {
      compared: this.#compared,
      differs: this.#differs ?? (isOther ? whole : undefined),
      missingThere: at < length && broken === undefined ? { start: at, end: length } : undefined,
      missingHere: lacking({ start: 0, end: at }, here),
      archivedTo: isWhole && !isOther && this.#differs === undefined ? length : undefined,
      archivedAtMs: held.storedAtMs,
      broken,
    }
  }

  async #read(held: Held, start: number, end: number): Promise<Uint8Array> {
    if (this.#hash !== undefined && start > this.#hashed) await this.#skip(held, start)
    const bytes = await held.read(start, end)
    this.#hash?.update(bytes)
    if (bytes.byteLength > 0) this.#hashed = start + bytes.byteLength
    return bytes
  }

  /** What comes before the bucket's first byte belongs to the hash all the same. */
  async #skip(held: Held, to: number): Promise<void> {
    while (this.#hashed < to) {
      const bytes = await held.read(this.#hashed, Math.min(to, this.#hashed + stretchBytes))
      if (bytes.byteLength === 0) return
      this.#hash?.update(bytes)
      this.#hashed += bytes.byteLength
    }
  }
}

/** Read at once of what only the counterpart has. */
const stretchBytes = 4 * 1024 * 1024

function tamperedOf(held: Held | undefined): readonly string[] | undefined {
  return held?.tamperedKeys !== undefined && held.tamperedKeys.length > 0 ? held.tamperedKeys : undefined
}

/** Lengths alone, and a hash that somebody noted. */
export function compareQuickly(
  place: string,
  held: Held | undefined,
  { start, end }: ByteRange,
  isRight: (noted: { length: number; sha256: string }) => boolean,
): Comparison {
  const isOther = held?.noted !== undefined && !isRight(held.noted)
  const facts = { place, name: held?.name, compared: 0, tamperedKeys: tamperedOf(held) }
  const differs = isOther ? { start: 0, end: held.noted?.length ?? 0 } : undefined
  if (held?.isComplete === true) {
    const isAsNoted = !isOther && held.noted?.length === held.length
    const missingHere = lacking({ start: 0, end: held.length }, { start, end })
    const archivedTo = isAsNoted ? held.length : undefined
    return { ...facts, differs, missingThere: undefined, missingHere, archivedTo, archivedAtMs: held.storedAtMs }
  }
  return { ...facts, differs, ...missing({ start, end }, held && { start: held.start, end: held.length }) }
}

/** A byte beyond `end` is believed where it was seen, not where names promise it. */
async function endBeyond(held: Held, end: number): Promise<number> {
  if (held.length <= end) return 0
  return (await held.read(end, end + 1)).byteLength > 0 ? held.length : 0
}

function missing(here: ByteRange, there: ByteRange | undefined): Pick<Comparison, 'missingThere' | 'missingHere'> {
  if (there === undefined) return { missingThere: here, missingHere: undefined }
  return { missingThere: lacking(here, there), missingHere: lacking(there, here) }
}

/** Of `has` what `other` lacks at its end, or at its beginning. */
function lacking(has: ByteRange, other: ByteRange): ByteRange | undefined {
  if (other.end < has.end) return { start: Math.max(other.end, has.start), end: has.end }
  return has.start < other.start ? { start: has.start, end: Math.min(other.start, has.end) } : undefined
}
