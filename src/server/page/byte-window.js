/**
 * The bytes of a stream as lines, whatever its size: only what is looked at is read, in blocks, and few are kept. A line
 * ends behind its newline, or after `lineMax` bytes. Places are byte offsets, as everywhere in Logcask.
 */

const blockBytes = 256 * 1024
const blocksKept = 24
/** Longer ones are shown in pieces: a file may have no newline at all. */
const lineMax = 2048
/** So far back a line's beginning is looked for. */
const lookBack = 64 * 1024

export class ByteWindow {
  #read
  #blocks = new Map()
  start
  end

  /** `read(from, to)` gives just these bytes. */
  constructor(read, { start, end }) {
    this.#read = read
    this.start = start
    this.end = end
  }

  /** Bytes that came behind the end: a follower knows them before a range does. */
  append(from, bytes) {
    if (from !== this.end) return
    this.end += bytes.length
    for (let at = 0; at < bytes.length; ) {
      const index = Math.floor((from + at) / blockBytes)
      const room = (index + 1) * blockBytes - (from + at)
      const part = bytes.subarray(at, at + room)
      const block = this.#blocks.get(index)
      const within = from + at - index * blockBytes
      // A block that was never read is read when it is wanted.
      if (within === 0) this.#keep(index, Promise.resolve(part.slice()))
      else if (block)
        this.#keep(
          index,
          block.then((before) => (before.length === within ? joined([before, part]) : before)),
        )
      at += part.length
    }
  }

  /** The content has grown to there; a range brings what is new. */
  reaches(end) {
    this.end = Math.max(this.end, end)
  }

  async bytes(from, to) {
    const parts = []
    for (let at = from; at < to; ) {
      const index = Math.floor(at / blockBytes)
      const block = await this.#block(index, Math.min(to, this.end))
      const part = block.subarray(at - index * blockBytes, Math.min(to - index * blockBytes, block.length))
      if (part.length === 0) break
      parts.push(part)
      at += part.length
    }
    return parts.length === 1 ? parts[0] : joined(parts)
  }

  /** One that is kept and reaches far enough, else read anew. */
  async #block(index, needed) {
    const from = Math.max(this.start, index * blockBytes)
    const to = Math.min(this.end, (index + 1) * blockBytes)
    const held = this.#blocks.get(index)
    if (held) {
      const block = await held
      if (index * blockBytes + block.length >= Math.min(to, needed)) {
        this.#keep(index, held)
        return block
      }
    }
    const reading = this.#read(from, to).then((bytes) =>
      from === index * blockBytes ? bytes : joined([new Uint8Array(from - index * blockBytes), bytes]),
    )
    this.#keep(index, reading)
    reading.catch(() => this.#blocks.get(index) === reading && this.#blocks.delete(index))
    return reading
  }

  #keep(index, block) {
    this.#blocks.delete(index)
    this.#blocks.set(index, block)
    for (const oldest of this.#blocks.keys()) {
      if (this.#blocks.size <= blocksKept) break
      this.#blocks.delete(oldest)
    }
  }

  /** Where the line that holds `at` begins; in the midst of a very long one, somewhere that stays the same. */
  async lineStart(at) {
    const place = Math.min(Math.max(at, this.start), this.end)
    const from = Math.max(this.start, place - lookBack)
    const before = await this.bytes(from, place)
    const newline = before.lastIndexOf(10)
    const base = newline >= 0 ? from + newline + 1 : from === this.start ? from : from + lineMax - (from % lineMax)
    return base + Math.floor(Math.max(0, place - base) / lineMax) * lineMax
  }

  /** Up to `count` lines from a line's beginning on: `{start, end, bytes}`, without the newline in `bytes`. */
  async linesFrom(start, count, until = this.end) {
    const lines = []
    let held = new Uint8Array()
    let heldFrom = start
    for (let at = start; lines.length < count && at < until; ) {
      if (heldFrom + held.length < Math.min(until, at + lineMax)) {
        held = await this.bytes(at, Math.min(until, at + lookBack))
        heldFrom = at
        if (held.length === 0) break
      }
      const rest = held.subarray(at - heldFrom)
      const newline = rest.indexOf(10)
      const isWhole = newline >= 0 && newline < lineMax
      const length = isWhole ? newline + 1 : Math.min(lineMax, rest.length)
      lines.push({ start: at, end: at + length, bytes: rest.subarray(0, isWhole ? newline : length) })
      at += length
    }
    return lines
  }

  /** Up to `count` lines that end where `place` (a line's beginning, or the end) is. */
  async linesBefore(place, count) {
    for (let span = Math.max(lineMax * 2, count * 200); ; span *= 4) {
      const from = await this.lineStart(Math.max(this.start, place - span))
      const lines = await this.linesFrom(from, Number.POSITIVE_INFINITY, place)
      if (lines.length >= count || from <= this.start || span > count * lineMax) return lines.slice(-count)
    }
  }
}

function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
