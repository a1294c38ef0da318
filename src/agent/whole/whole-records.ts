import { join } from 'node:path'
import { writeAtomically, writeFully } from '../../base/atomic-file.ts'
import { type Disk, type DiskFile, localDisk } from '../../base/disk.ts'
import { errnoOf, LogcaskError, messageOf } from '../../base/errors.ts'
import { shortHash } from '../../base/hash.ts'
import type { WholeFile } from './whole-file.ts'

/**
 * What is known of files that are delivered whole: a cache (I3), so that after a restart no store is asked for what it has.
 * A log of lines, the last of a file counts; each carries its own hash, so that a torn end costs that line only.
 */
export interface WholeRecord {
  identity: string
  path: string
  firstPath: string
  source: string
  stamp: string
  size: number
  modifiedMs: number
  isOverByName: boolean
  content?: { length: number; sha256: string; stamp: string } | undefined
  deliveries: Record<string, { key: string; length: number; sha256: string }>
}

const version = 1
/** Beyond it, and with more history than that, the file is written anew. */
const rewriteBytesMin = 1 << 20
const recordBytes = 1024

export function recordOf(file: WholeFile): WholeRecord {
  const { identity, path, firstPath, source, stamp, size, modifiedMs, isOverByName, content } = file
  const deliveries = Object.fromEntries(
    [...file.deliveries].map(([name, { key, length, sha256 }]) => [name, { key, length, sha256 }]),
  )
  return { identity, path, firstPath, source, stamp, size, modifiedMs, isOverByName, content, deliveries }
}

export class WholeRecords {
  readonly #path: string
  readonly #disk: Disk
  #handle: DiskFile | undefined
  #size = 0
  #known = 0

  constructor(directory: string, disk: Disk = localDisk) {
    this.#path = join(directory, 'wholes.jsonl')
    this.#disk = disk
  }

  /** Nothing where there is none; `invalid` for one of another version. */
  async load(): Promise<WholeRecord[]> {
    const bytes = await this.#disk.readFile(this.#path).catch((error) => {
      if (errnoOf(error) === 'ENOENT') return Buffer.alloc(0)
      throw new LogcaskError('unavailable', `cannot read ${this.#path}: ${messageOf(error)}`, { cause: error })
    })
    const records = new Map<string, WholeRecord>()
    for (const line of bytes.toString().split('\n')) {
      const decoded = decodeLine(line)
      if (decoded === undefined) continue
      if (decoded.v !== version) {
        throw new LogcaskError('invalid', `${this.#path}: is of version ${decoded.v}, this logcask writes ${version}`, {
          hint: 'use the logcask that wrote it, or move the state directory away: the buckets hold the truth',
        })
      }
      if (decoded.file) records.set(decoded.identity, decoded.file)
      else records.delete(decoded.identity)
    }
    this.#known = records.size
    return [...records.values()]
  }

  /** Durable when it resolves; `all` is there for a rewrite. Rejects with `unavailable`: then the next save writes all. */
  async save(
    changed: readonly WholeFile[],
    forgotten: readonly string[],
    all: () => Iterable<WholeFile>,
  ): Promise<void> {
    if (changed.length + forgotten.length === 0) return
    try {
      const isWorn = this.#size > rewriteBytesMin + 4 * recordBytes * this.#known
      if (this.#handle === undefined || isWorn) await this.#rewrite(all())
      else await this.#append(changed, forgotten)
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

  async #append(changed: readonly WholeFile[], forgotten: readonly string[]): Promise<void> {
    if (this.#handle === undefined) return
    const lines = [
      ...forgotten.map((identity) => encodeLine({ v: version, identity })),
      ...changed.map((file) => encodeLine({ v: version, identity: file.identity, file: recordOf(file) })),
    ]
    const bytes = Buffer.from(lines.join(''))
    await writeFully(this.#handle, bytes, this.#size)
    await this.#handle.datasync()
    this.#size += bytes.byteLength
  }

  async #rewrite(all: Iterable<WholeFile>): Promise<void> {
    const lines = [...all].map((file) => encodeLine({ v: version, identity: file.identity, file: recordOf(file) }))
    const bytes = Buffer.from(lines.join(''))
    await writeAtomically(this.#path, bytes, 0o600, this.#disk)
    await this.close()
    this.#handle = await this.#disk.open(this.#path, 'r+')
    this.#size = bytes.byteLength
    this.#known = lines.length
  }
}

interface Line {
  v: number
  identity: string
  file?: WholeRecord
}

function encodeLine(line: Line): string {
  const text = JSON.stringify(line)
  return `${shortHash(Buffer.from(text))} ${text}\n`
}

function decodeLine(line: string): Line | undefined {
  const at = line.indexOf(' ')
  const text = line.slice(at + 1)
  if (at < 0 || shortHash(Buffer.from(text)) !== line.slice(0, at)) return undefined
  try {
    return JSON.parse(text) as Line
  } catch {
    return undefined
  }
}
