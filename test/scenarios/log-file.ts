import { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync, statSync, writeSync } from 'node:fs'
import { basename } from 'node:path'
import { identityOf } from '../../src/format/keys.ts'

/** A life of a file, as the bucket must show it: one stream, with these bytes, and these gaps (`<offset> <reason>`). */
export interface ExpectedStream {
  identity: string
  content: Buffer
  /** Undefined: whether a gap is left depends on who was faster; the bytes do not. */
  gaps: readonly string[] | undefined
}

/** Counts writes, so that no two lines of a test file are the same: what is mixed up shows. */
let written = 0

/** A file that somebody else wrote, as it is on disk now. */
export function onDisk(path: string | Buffer): ExpectedStream {
  const { birthtimeNs, ino } = statSync(path, { bigint: true })
  return { identity: identityOf(birthtimeNs, ino), content: readFileSync(path), gaps: [] }
}

/**
 * A file as its writer has it: a descriptor that goes where the file goes, whatever it is called by now. Knows every byte
 * that was written. It is its own expectation: whole, without a gap.
 */
export class LogFile implements ExpectedStream {
  readonly identity: string
  readonly path: string | Buffer
  readonly gaps = []
  readonly #fd: number
  #isOpen = true
  #parts: Buffer[] = []

  /** `isAppending`: as loggers open it. Without, it writes where it was, also after a truncation. */
  constructor(
    path: string | Buffer,
    { isAppending = true, isNew = true }: { isAppending?: boolean; isNew?: boolean } = {},
  ) {
    const { O_WRONLY, O_CREAT, O_EXCL, O_APPEND } = constants
    this.path = path
    this.#fd = openSync(path, O_WRONLY | (isNew ? O_CREAT | O_EXCL : 0) | (isAppending ? O_APPEND : 0), 0o644)
    const { birthtimeNs, ino } = fstatSync(this.#fd, { bigint: true })
    this.identity = identityOf(birthtimeNs, ino)
  }

  get inode(): number {
    return fstatSync(this.#fd).ino
  }

  get content(): Buffer {
    return Buffer.concat(this.#parts)
  }

  write(bytes: string | Uint8Array): this {
    const body = Buffer.from(bytes)
    for (let done = 0; done < body.length; ) done += writeSync(this.#fd, body, done)
    this.#parts.push(body)
    return this
  }

  /** For a file that is opened again: it holds these already. */
  wrote(content: Buffer): this {
    this.#parts = [content]
    return this
  }

  /** `count` numbered lines: what is lost, doubled or mixed shows. */
  lines(count: number, width = 40): this {
    const name = basename(this.path.toString())
    return this.write(numbered(count, `${name} ${++written}`, width))
  }

  /**
   * Cuts the file to `length`. The answer is the life that ends thereby, of which all that was written must be there, with
   * a gap; what is left in the file, and what comes, is the next life's.
   */
  truncate(length = 0): ExpectedStream {
    const ended = cutLife(this)
    ftruncateSync(this.#fd, length)
    this.#parts = [ended.content.subarray(0, length)]
    return ended
  }

  /** Somebody else has copied and truncated it: that life ends, and the copy has all of it. */
  wasTruncated(): ExpectedStream {
    if (fstatSync(this.#fd).size > 0) throw new Error(`${this.path} was not truncated`)
    const ended = wholeLife(this)
    this.#parts = []
    return ended
  }

  close(): void {
    if (this.#isOpen) closeSync(this.#fd)
    this.#isOpen = false
  }
}

export function numbered(count: number, label: string, width = 40): string {
  const line = (at: number): string => `${label} msgnum:${String(at).padStart(8, '0')}:`.padEnd(width, '.')
  return Array.from({ length: count }, (_, at) => `${line(at)}\n`).join('')
}

/** The same bytes, and nobody knows what came after them. */
export function cutLife({ identity, content }: ExpectedStream, reason = 'truncated'): ExpectedStream {
  return { identity, content, gaps: [`${content.length} ${reason}`] }
}

/** The same bytes, whatever gap is left. */
export function anyGaps({ identity, content }: ExpectedStream): ExpectedStream {
  return { identity, content, gaps: undefined }
}

/** The same bytes, complete, though its file was truncated: a copy has told the rest. */
export function wholeLife({ identity, content }: ExpectedStream): ExpectedStream {
  return { identity, content, gaps: [] }
}
