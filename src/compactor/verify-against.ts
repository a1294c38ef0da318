import type { Origin } from '../format/origin.ts'

/** Another place that is to have the same bytes: a directory, a second bucket, an archive. Only read. */
export interface Counterpart {
  /** For people. */
  readonly url: string
  /** What it has of a stream; undefined where that is nothing. `origin`: as the bucket says. */
  open(host: string, stream: string, origin: Origin | undefined): Promise<Held | undefined>
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
}

/** Holds what is read of a stream, piece by piece, against what a counterpart has. */
export class Comparer {
  readonly #held: Held | undefined
  #compared = 0
  #differs: ByteRange | undefined
  #endThere: number

  constructor(held: Held | undefined) {
    this.#held = held
    this.#endThere = held?.start ?? 0
  }

  async hold(offset: number, bytes: Uint8Array): Promise<void> {
    const held = this.#held
    if (held === undefined) return
    const from = Math.max(offset, held.start)
    const end = offset + bytes.byteLength
    if (from >= end) return
    const theirs = await held.read(from, end)
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
    const endThere = held === undefined ? 0 : Math.max(this.#endThere, await endBeyond(held, end))
    return {
      name: held?.name,
      compared: this.#compared,
      differs: this.#differs,
      ...missing({ start, end }, held && { start: held.start, end: endThere }),
    }
  }
}

/** Lengths alone, and a hash that somebody noted. */
export function compareQuickly(
  held: Held | undefined,
  { start, end }: ByteRange,
  isRight: (noted: { length: number; sha256: string }) => boolean,
): Comparison {
  const isOther = held?.noted !== undefined && !isRight(held.noted)
  return {
    name: held?.name,
    compared: 0,
    differs: isOther ? { start: 0, end: held.noted?.length ?? 0 } : undefined,
    ...missing({ start, end }, held && { start: held.start, end: held.length }),
  }
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
