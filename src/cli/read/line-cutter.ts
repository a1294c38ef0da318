/** What a line may take of memory; beyond it, it is cut into pieces, each looked at by itself. */
export const lineBytesMax = 1024 * 1024

/** A line, without its newline. */
export interface Line {
  bytes: Buffer
  /** From 1. */
  number: number
  /** Of its first byte in the stream. */
  offset: number
  /** A piece of a line that is longer than any may be. */
  isPiece: boolean
}

/**
 * Lines out of pieces that are cut anywhere. `take` says whether it wants more; after a no nothing is given any more. A
 * line's bytes are `take`'s only until it returns.
 */
export class LineCutter {
  readonly #take: (line: Line) => boolean
  readonly #bytesMax: number
  #held: Buffer[] = []
  #heldBytes = 0
  #number = 1
  #offset: number
  #isPiece = false
  #isOver = false

  constructor(take: (line: Line) => boolean, offset = 0, bytesMax = lineBytesMax) {
    this.#take = take
    this.#offset = offset
    this.#bytesMax = bytesMax
  }

  /** Whether more is wanted. */
  push(piece: Uint8Array): boolean {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    let from = 0
    while (!this.#isOver && from < bytes.length) {
      const newline = bytes.indexOf(10, from)
      const end = newline < 0 ? bytes.length : newline
      const room = this.#bytesMax - this.#heldBytes
      if (end - from > room) {
        this.#isPiece = true
        this.#give(bytes.subarray(from, from + room), 0)
        from += room
        continue
      }
      const rest = bytes.subarray(from, end)
      from = end + 1
      if (newline < 0) {
        // Copied: what is read ahead may be used again by who read it.
        this.#held.push(Buffer.from(rest))
        this.#heldBytes += rest.length
        continue
      }
      this.#give(rest, 1)
      this.#number++
      this.#isPiece = false
    }
    return !this.#isOver
  }

  /** The last line, which may have no newline. */
  end(): void {
    if (this.#heldBytes > 0 && !this.#isOver) this.#give(Buffer.alloc(0), 0)
  }

  #give(last: Buffer, newline: number): void {
    const bytes = this.#held.length === 0 ? last : Buffer.concat([...this.#held, last])
    const isEmptyRest = this.#isPiece && bytes.length === 0
    const line = { bytes, number: this.#number, offset: this.#offset, isPiece: this.#isPiece }
    this.#held = []
    this.#heldBytes = 0
    this.#offset += bytes.length + newline
    // A line of exactly the length of its pieces has nothing behind them.
    if (!isEmptyRest && !this.#take(line)) this.#isOver = true
  }
}
