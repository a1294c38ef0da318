import { closeSync, constants, fstatSync, openSync, statSync, writeSync } from 'node:fs'
import type { Clock } from '../../base/clock.ts'
import { LogcaskError, messageOf } from '../../base/errors.ts'

/**
 * The agent's own log in a file that others rotate. Appended to, so that copytruncate leaves no hole; a file that was
 * renamed or deleted is left within a second, without a signal. Synchronous: what was said before a crash is there.
 */
export class LogFile {
  readonly #path: string
  readonly #clock: Pick<Clock, 'monotonic'>
  #fd: number
  #inode: bigint
  #lookedAtMs: number
  /** Lines that a full disk did not take. */
  #lost = 0
  #isTorn = false

  /** Throws `invalid`, with the remedy, where it cannot be written. */
  constructor(path: string, clock: Pick<Clock, 'monotonic'>) {
    this.#path = path
    this.#clock = clock
    try {
      this.#fd = openLog(path)
    } catch (error) {
      throw new LogcaskError('invalid', `log.file ${path}: cannot be written: ${messageOf(error)}`, {
        hint: 'make its directory and let this user write there, or leave log.file out: then it goes to stderr',
        cause: error,
      })
    }
    this.#inode = fstatSync(this.#fd, { bigint: true }).ino
    this.#lookedAtMs = clock.monotonic()
  }

  /** Of the file that is written to now. */
  get inode(): bigint {
    return this.#inode
  }

  /** Whole lines. A disk that is full costs log lines, and never the work; how many, the next one that fits tells. */
  write(text: string): void {
    this.#follow()
    const told = this.#lost > 0 ? `{"level":"warn","msg":"log lines lost","count":${this.#lost}}\n` : ''
    const bytes = Buffer.from(`${this.#isTorn ? '\n' : ''}${told}${text}`)
    try {
      const written = writeSync(this.#fd, bytes)
      this.#isTorn = written < bytes.byteLength
      this.#lost = this.#isTorn ? this.#lost + 1 : 0
    } catch {
      this.#lost++
    }
  }

  close(): void {
    closeSync(this.#fd)
  }

  #follow(): void {
    const now = this.#clock.monotonic()
    if (now - this.#lookedAtMs < lookEveryMs) return
    this.#lookedAtMs = now
    try {
      const there = statSync(this.#path, { bigint: true, throwIfNoEntry: false })
      if (there?.ino === this.#inode) return
      const fd = openLog(this.#path)
      closeSync(this.#fd)
      this.#fd = fd
      this.#inode = fstatSync(fd, { bigint: true }).ino
    } catch {
      // Its directory is on the move or cannot be searched, or a rotation is under way: the old one is as good until the next look.
    }
  }
}

const lookEveryMs = 1_000

/** A FIFO or a socket under that name would hang the agent: only what can be appended to. */
function openLog(path: string): number {
  const { O_APPEND, O_CREAT, O_NOCTTY, O_NONBLOCK, O_WRONLY } = constants
  const fd = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK, 0o640)
  if (fstatSync(fd).isFile()) return fd
  closeSync(fd)
  throw new TypeError('is no regular file')
}

/** Of what a descriptor leads to, where that is a file. */
export function inodeOf(fd: number): bigint | undefined {
  try {
    const info = fstatSync(fd, { bigint: true })
    return info.isFile() ? info.ino : undefined
  } catch {
    return undefined
  }
}
