import { constants } from 'node:fs'
import { join } from 'node:path'
import { makeDirectory, syncDirectory, writeAtomically, writeFully } from '../../base/atomic-file.ts'
import { type Disk, type DiskFile, localDisk } from '../../base/disk.ts'
import { errnoOf, LogcaskError, messageOf } from '../../base/errors.ts'
import { sha256 } from '../../base/hash.ts'
import { windowBytes } from '../../format/limits.ts'
import { type FileStat, type OpenFile, readRange } from '../files/files.ts'
import type { Life } from '../life.ts'

/** What the spool says of a file that it keeps the rest of. */
export interface SpoolEntry {
  v: 1
  /** Of the life or the file, the same in every run. */
  key: string
  /** Names of the destinations that were to get it: no other one is. */
  to: string[]
  /** Kept are [0, min(from, 4 KiB)) and [from, end). */
  from: number
  end: number
  /** Bytes that were seen of it: those beyond `end` could not be kept, and are lost. */
  seen: number
  /** Nothing can come behind `end`: only then is a seal the truth. */
  isOver: boolean
}

/** Of a stream's file. With it, the file is delivered also where the state is gone. Its key is as in the checkpoint (`lifeKey`). */
export interface SpoolRecord extends SpoolEntry {
  life: Pick<Life, 'identity' | 'firstGeneration' | 'origin' | 'source' | 'path' | 'isOwn' | 'copy'>
}

/** Of a file, in memory at once. */
const stretchBytes = 1024 * 1024
const recordName = /^rescued-.+\.json$/
const bytesName = /^(rescued-.+)\.bytes$/

/** Name of an entry's files: a key may hold what a file's name may not. */
function nameOf(key: string): string {
  return `rescued-${key.replace(/[^A-Za-z0-9+-]/g, '_')}-${sha256(Buffer.from(key)).slice(0, 8)}`
}

/** The spool's directory: two files per entry, the bytes and the record. */
export class SpoolFiles<R extends SpoolEntry = SpoolRecord> {
  readonly #directory: string
  readonly #disk: Disk

  constructor(directory: string, disk: Disk = localDisk) {
    this.#directory = directory
    this.#disk = disk
  }

  /** Copies [start, end) of the file, durable when it resolves; the record is the last to be written. */
  async write(record: R, start: number, file: OpenFile): Promise<void> {
    await makeDirectory(this.#directory, 0o700, this.#disk)
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW
    // At its own offsets, with a hole where nothing is kept: what is read of it is read as of the file.
    const target = await this.#disk.open(this.#pathOf(record.key, 'bytes'), flags, 0o600)
    try {
      const head = start === record.from ? Math.min(record.from, windowBytes) : 0
      await copy(file, target, 0, head)
      await copy(file, target, start, record.end)
      await target.sync()
    } finally {
      await target.close()
    }
    await this.note(record)
  }

  /** The record alone: of the bytes nothing changed. */
  async note(record: R): Promise<void> {
    const text = Buffer.from(`${JSON.stringify(record)}\n`)
    await writeAtomically(this.#pathOf(record.key, 'json'), text, 0o600, this.#disk)
  }

  /** Entries that are whole. What cannot be understood stays where it is, and is told to `onProblem`. */
  async read(onProblem: (path: string, why: string) => void): Promise<R[]> {
    const directory = this.#directory
    const names = await this.#disk.readdir(directory).catch((error): string[] => {
      if (errnoOf(error) === 'ENOENT') return []
      throw new LogcaskError('unavailable', `cannot read ${directory}: ${messageOf(error)}`, { cause: error })
    })
    const records: R[] = []
    // A process that was killed before it wrote the record: nobody knows whose bytes these are, nor how many are there.
    for (const name of names)
      if (bytesName.test(name) && !names.includes(name.replace(bytesName, '$1.json')))
        await this.#disk
          .unlink(join(directory, name))
          .catch((error) => onProblem(join(directory, name), messageOf(error)))
    for (const name of names) {
      if (!recordName.test(name)) continue
      const path = join(directory, name)
      try {
        const record = JSON.parse((await this.#disk.readFile(path)).toString()) as R
        // What does not say how it ended was not seen to end.
        if (record.v === 1) records.push({ ...record, seen: record.seen ?? record.end, isOver: record.isOver ?? false })
        else onProblem(path, `is of version ${record.v}`)
      } catch (error) {
        onProblem(path, messageOf(error))
      }
    }
    return records
  }

  async remove(key: string): Promise<void> {
    // The record first: without it, the bytes are nobody's.
    for (const kind of ['json', 'bytes'] as const)
      await this.#disk.unlink(this.#pathOf(key, kind)).catch((error) => {
        if (errnoOf(error) !== 'ENOENT') throw error
      })
    await syncDirectory(this.#directory, this.#disk)
  }

  /** The kept file, as if it were still held open: it has no name, and does not change. */
  async open(record: R, identity: string): Promise<OpenFile> {
    const path = this.#pathOf(record.key, 'bytes')
    const withOpen = async <T>(work: (handle: DiskFile) => Promise<T>): Promise<T> => {
      try {
        const handle = await this.#disk.open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
        return await work(handle).finally(() => handle.close())
      } catch (error) {
        throw new LogcaskError('unavailable', `cannot read ${path}: ${messageOf(error)}`, { cause: error })
      }
    }
    await withOpen(async () => {})
    return keptFile(withOpen, record, identity)
  }

  #pathOf(key: string, kind: 'json' | 'bytes'): string {
    return join(this.#directory, `${nameOf(key)}.${kind}`)
  }
}

async function copy(file: OpenFile, target: DiskFile, from: number, to: number): Promise<void> {
  for (let at = from; at < to; ) {
    const bytes = await readRange(file, at, Math.min(to, at + stretchBytes))
    if (bytes.byteLength === 0) throw new LogcaskError('unavailable', 'the file became shorter')
    await writeFully(target, bytes, at)
    at += bytes.byteLength
  }
}

type WithOpen = <T>(work: (handle: DiskFile) => Promise<T>) => Promise<T>

/** Without a descriptor between two reads: those are for files that have no other name (I7). */
function keptFile(withOpen: WithOpen, { from, end }: SpoolEntry, identity: string): OpenFile {
  const stat: FileStat = { size: end, links: 0, stamp: `spooled:${end}`, modifiedMs: 0 }
  const head = Math.min(from, windowBytes)
  return {
    identity,
    keptFrom: from,
    stat: () => stat,
    async read(into, position) {
      // Short where nothing is kept: bytes of the hole are nobody's.
      const to = Math.min(position + into.byteLength, position < head && head < from ? head : end)
      if (position >= head && position < from) return 0
      return withOpen(async (handle) => {
        let done = 0
        while (position + done < to) {
          const { bytesRead } = await handle.read(into, done, to - position - done, position + done)
          if (bytesRead === 0) break
          done += bytesRead
        }
        return done
      })
    },
    close: async () => {},
  }
}
