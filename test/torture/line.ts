import { crc32 } from 'node:zlib'

/**
 * `<log> <number> <filler> <crc32>\n`: a line says of itself whose it is, which one, and whether it is whole. Numbers go
 * on from file to file, so that each line of a log was written once and must be found once.
 */
export function buildLine(log: string, number: number, filler: string): string {
  const text = `${log} ${String(number).padStart(9, '0')} ${filler} `
  return `${text}${hex(crc32(text))}\n`
}

export interface ParsedLine {
  log: string
  number: number
}

/** Undefined for what is no line of ours, or no longer a whole one. */
export function parseLine(line: string): ParsedLine | undefined {
  const text = line.slice(0, -8)
  const match = /^(\S+) (\d{9}) /.exec(text)
  if (match === null || !text.endsWith(' ') || hex(crc32(text)) !== line.slice(-8)) return undefined
  return { log: match[1] ?? '', number: Number(match[2]) }
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0')
}

/** What is found of the lines that were written, counted by their numbers wherever they are. */
export class LineTally {
  /** Log → bytes of each of its lines, by number. */
  readonly #written: ReadonlyMap<string, readonly number[]>
  readonly #found: Map<string, Uint16Array>
  /** Bytes of what is no line that was written. */
  foreignBytes = 0

  constructor(written: ReadonlyMap<string, readonly number[]>) {
    this.#written = written
    this.#found = new Map([...written].map(([log, lengths]) => [log, new Uint16Array(lengths.length)]))
  }

  /** One stream's, or one file's, content. */
  add(content: Uint8Array): void {
    const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength)
    for (let from = 0; from < text.byteLength; ) {
      const at = text.indexOf(10, from)
      const end = at < 0 ? text.byteLength : at + 1
      const line = at < 0 ? undefined : parseLine(text.toString('latin1', from, at))
      const counts = line && this.#found.get(line.log)
      if (counts === undefined || line === undefined || line.number >= counts.length) this.foreignBytes += end - from
      else counts[line.number] = Math.min(65_535, (counts[line.number] ?? 0) + 1)
      from = end
    }
  }

  get result(): { lostLines: number; lostBytes: number; doubledLines: number; doubledBytes: number } {
    const result = { lostLines: 0, lostBytes: 0, doubledLines: 0, doubledBytes: 0 }
    for (const [log, lengths] of this.#written) {
      const counts = this.#found.get(log)
      for (const [number, length] of lengths.entries()) {
        const times = counts?.[number] ?? 0
        if (times === 0) {
          result.lostLines++
          result.lostBytes += length
        } else if (times > 1) {
          result.doubledLines += times - 1
          result.doubledBytes += (times - 1) * length
        }
      }
    }
    return result
  }

  /** A few lines that are missing or there more than once, for whoever looks for the cause. */
  examples(max: number): string[] {
    const examples: string[] = []
    for (const [log, counts] of this.#found) {
      for (const [number, times] of counts.entries()) {
        if (times === 1) continue
        if (examples.length >= max) return examples
        examples.push(`${log} line ${number}: ${times === 0 ? 'lost' : `${times} times`}`)
      }
    }
    return examples
  }
}
