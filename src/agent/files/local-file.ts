import { type BigIntStats, close, closeSync, fstatSync, read, readSync } from 'node:fs'
import { LogcaskError, messageOf } from '../../base/errors.ts'
import { pathForPeople } from '../../base/path-bytes.ts'
import type { FileStat, OpenFile } from './files.ts'

/** A read costs a turn of the thread pool, twenty times what the copy of a page costs: worth it where it may wait for a disk. */
const rereadBytesMax = 64 * 1024
const pageBytes = 4096

/** A file of this machine that is open for reading. */
export class LocalFile implements OpenFile {
  readonly identity: string
  readonly #fd: number
  readonly #path: string
  /** The pages of the last two reads: in memory, as good as sure. Evidence is looked at again and again. */
  #lastStart = 0
  #lastEnd = 0
  #otherStart = 0
  #otherEnd = 0
  #links = 0
  #isOpen = true
  #reading = 0
  readonly #closed = Promise.withResolvers<void>()

  constructor(fd: number, identity: string, path: string) {
    this.#fd = fd
    this.identity = identity
    this.#path = path
  }

  stat(): FileStat {
    if (!this.#isOpen) throw new LogcaskError('unavailable', `${pathForPeople(this.#path)}: was closed meanwhile`)
    const stats = fstatSync(this.#fd, { bigint: true })
    this.#links = Number(stats.nlink)
    return {
      size: Number(stats.size),
      links: this.#links,
      stamp: stampOf(stats),
      modifiedMs: Number(stats.mtimeMs),
      device: stats.dev,
      inode: stats.ino,
    }
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    // A descriptor that was given back may be another file's by now.
    if (!this.#isOpen) throw new LogcaskError('unavailable', `${pathForPeople(this.#path)}: was closed meanwhile`)
    let done = 0
    if (this.#isReread(position, position + into.byteLength)) return this.#readNow(into, position)
    this.#reading++
    try {
      while (done < into.byteLength) {
        const length = await this.#readOnce(into, done, position + done)
        if (length === 0) break
        done += length
      }
      this.#hasRead(position, position + done)
      return done
    } finally {
      this.#reading--
      this.#closeAtRest()
    }
  }

  #isReread(start: number, end: number): boolean {
    if (end - start > rereadBytesMax) return false
    const isInLast = this.#lastStart <= start && end <= this.#lastEnd
    return isInLast || (this.#otherStart <= start && end <= this.#otherEnd)
  }

  #hasRead(start: number, end: number): void {
    this.#otherStart = this.#lastStart
    this.#otherEnd = this.#lastEnd
    this.#lastStart = start - (start % pageBytes)
    this.#lastEnd = Math.ceil(end / pageBytes) * pageBytes
  }

  #readNow(into: Uint8Array, position: number): number {
    try {
      let done = 0
      for (let length = -1; length !== 0 && done < into.byteLength; done += length)
        length = readSync(this.#fd, into, done, into.byteLength - done, position + done)
      return done
    } catch (error) {
      throw this.#readError(error)
    }
  }

  #readError(error: unknown): LogcaskError {
    const message = `cannot read ${pathForPeople(this.#path)}: ${messageOf(error)}`
    return new LogcaskError('unavailable', message, { cause: error })
  }

  #readOnce(into: Uint8Array, at: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.#fd, into, at, into.byteLength - at, position, (error, length) => {
        if (error) reject(this.#readError(error))
        else resolve(length)
      })
    })
  }

  close(): Promise<void> {
    if (this.#isOpen) {
      this.#isOpen = false
      this.#closeAtRest()
    }
    return this.#closed.promise
  }

  /** Only when no read is under way on it. */
  #closeAtRest(): void {
    if (this.#isOpen || this.#reading > 0) return
    // The last descriptor of a deleted file gives its space back: that may take a while.
    if (this.#links === 0) close(this.#fd, () => this.#closed.resolve())
    else {
      closeSync(this.#fd)
      this.#closed.resolve()
    }
  }
}

export function stampOf(stats: BigIntStats): string {
  return `${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`
}
