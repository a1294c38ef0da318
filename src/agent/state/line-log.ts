import { writeAtomically, writeFully } from '../../base/atomic-file.ts'
import type { Disk, DiskFile } from '../../base/disk.ts'
import { errnoOf, LogcaskError, messageOf } from '../../base/errors.ts'
import { shortHash } from '../../base/hash.ts'

const version = 1
/** Beyond so many bytes, and so many for each record that counts (it takes about 1 KB), most of the file is history. */
const rewriteBytesMin = 1 << 20
const rewriteBytesEach = 4096

/** A line, and the hash that it begins with: a string of its own, so that keeping it does not keep the line. */
export interface EncodedLine {
  text: string
  check: string
}

/**
 * A file of records that are a cache (I3): a line each, appended; which of them count is the reader's. Each carries its own
 * hash, so that a torn end or a flipped bit costs that line only. Written whole again when most of it is history.
 */
export class LineLog {
  readonly #path: string
  readonly #disk: Disk
  #handle: DiskFile | undefined
  #size = 0

  constructor(path: string, disk: Disk) {
    this.#path = path
    this.#disk = disk
  }

  /**
   * Every line that holds together, in order; none where there is no file. Rejects with `invalid` for a file of another
   * version, `unavailable` for one that cannot be read.
   */
  async read<Fields>(): Promise<Fields[]> {
    const bytes = await this.#disk.readFile(this.#path).catch((error) => {
      if (errnoOf(error) === 'ENOENT') return Buffer.alloc(0)
      throw new LogcaskError('unavailable', `cannot read ${this.#path}: ${messageOf(error)}`, { cause: error })
    })
    return bytes
      .toString()
      .split('\n')
      .flatMap((line) => {
        const record = decodeLine(line)
        if (record === undefined) return []
        if (record.v === version) return [record as Fields]
        throw new LogcaskError(
          'invalid',
          `${this.#path}: is of version ${record.v}, this logcask writes version ${version}`,
          {
            hint: 'use the logcask that wrote it, or move the state directory away, all but spool/: the buckets hold the truth',
          },
        )
      })
  }

  /**
   * Durable when it resolves. `all` gives every record that counts, where the file is written anew: not opened yet, failed
   * the last time, or worn. Rejects with `unavailable`.
   */
  async write(added: readonly EncodedLine[], known: number, all: () => Iterable<EncodedLine>): Promise<void> {
    try {
      const isWorn = this.#size > rewriteBytesMin + rewriteBytesEach * known
      if (this.#handle === undefined || isWorn) await this.#rewrite(bytesOf(all()))
      else await this.#append(this.#handle, bytesOf(added))
    } catch (error) {
      await this.close().catch(() => {})
      throw new LogcaskError('unavailable', `cannot write ${this.#path}: ${messageOf(error)}`, {
        cause: error,
        hint: 'free space for the state directory; delivery goes on without it',
      })
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close()
  }

  async #append(handle: DiskFile, bytes: Uint8Array): Promise<void> {
    await writeFully(handle, bytes, this.#size)
    await handle.datasync()
    this.#size += bytes.byteLength
  }

  async #rewrite(bytes: Uint8Array): Promise<void> {
    await writeAtomically(this.#path, bytes, 0o600, this.#disk)
    await this.close()
    this.#handle = await this.#disk.open(this.#path, 'r+')
    this.#size = bytes.byteLength
  }
}

export function encodeLine(fields: object): EncodedLine {
  const text = JSON.stringify({ v: version, ...fields })
  const check = shortHash(Buffer.from(text))
  return { text: `${check} ${text}`, check }
}

/** One after the other: of ten thousand lines no second copy is held as text. */
function bytesOf(lines: Iterable<EncodedLine>): Uint8Array {
  const parts: Buffer[] = []
  for (const { text } of lines) parts.push(Buffer.from(`${text}\n`))
  return Buffer.concat(parts)
}

function decodeLine(line: string): { v: number } | undefined {
  const at = line.indexOf(' ')
  const text = line.slice(at + 1)
  if (at < 0 || shortHash(Buffer.from(text)) !== line.slice(0, at)) return undefined
  try {
    return JSON.parse(text) as { v: number }
  } catch {
    return undefined
  }
}
