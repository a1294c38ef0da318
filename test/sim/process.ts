import type { Clock } from '../../src/base/clock.ts'
import type { Disk, DiskFile } from '../../src/base/disk.ts'
import { LogcaskError } from '../../src/base/errors.ts'
import type { SeededRandom } from '../support/seeded-random.ts'
import { sleepOn } from '../support/virtual-clock.ts'
import type { Inode } from './inode.ts'
import { systemError } from './system-error.ts'
import type { VirtualDisk } from './virtual-disk.ts'

export interface ProcessOptions {
  clock: Clock
  random: SeededRandom
  /** Part of the system calls that take time, in which other things happen. */
  slowCalls: number
}

/**
 * A process of the model: its time, its system calls and its locks end with it, at whatever call it is, and nothing of it
 * is heard any more. (Promises that nobody settles are collected with all that waits for them.)
 */
export class VirtualProcess {
  isAlive = true
  readonly clock: Clock
  readonly #options: ProcessOptions
  readonly #timers = new Set<() => void>()
  readonly #atEnd = new Set<() => void>()

  constructor(options: ProcessOptions) {
    this.#options = options
    const { clock } = options
    const timer = (ms: number, callback: () => void): (() => void) => {
      if (!this.isAlive) return () => {}
      const cancel = clock.timer(ms, () => {
        this.#timers.delete(cancel)
        callback()
      })
      this.#timers.add(cancel)
      return () => {
        this.#timers.delete(cancel)
        cancel()
      }
    }
    this.clock = {
      now: clock.now,
      monotonic: clock.monotonic,
      random: clock.random,
      id: clock.id,
      timer,
      sleep: sleepOn(timer),
    }
  }

  /** A system call: takes some time now and then. Never answers a dead process. */
  async call(): Promise<void> {
    const { random, slowCalls } = this.#options
    if (random.chance(slowCalls)) await this.clock.sleep(random.pick([0.1, 0.5, 2, random.int(1, 30)]))
    if (!this.isAlive) await new Promise(() => {})
  }

  /** An answer from outside: never for a dead process. */
  hear<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      answer.then(
        (value) => this.isAlive && resolve(value),
        (error) => this.isAlive && reject(error),
      )
    })
  }

  atEnd(action: () => void): void {
    this.#atEnd.add(action)
  }

  /** SIGKILL, or the power. Idempotent. */
  kill(): void {
    if (!this.isAlive) return
    this.isAlive = false
    for (const cancel of this.#timers) cancel()
    for (const action of this.#atEnd) action()
  }
}

/** The port to durable state, as one process has it. */
export function processDisk(disk: VirtualDisk, process: VirtualProcess): Disk {
  return {
    async open(path, flags) {
      await process.call()
      const { isExclusive, creates, truncates } = readFlags(flags)
      const found = disk.lookUp(path, false)
      if (found && isExclusive) throw systemError('EEXIST', path)
      if (!found && !creates) throw systemError('ENOENT', path)
      if (!found && disk.isFull) throw systemError('ENOSPC', path)
      const inode = found ?? disk.create(path)
      if (found && truncates) disk.truncate(inode, 0)
      return openDiskFile(disk, process, path, inode)
    },
    async readFile(path) {
      await process.call()
      const inode = disk.lookUp(path)
      if (inode === undefined) throw systemError('ENOENT', path)
      return Buffer.from(inode.bytes)
    },
    async readdir(path) {
      await process.call()
      if (disk.lookUp(path)?.kind !== 'directory') throw systemError('ENOENT', path)
      const names = [...disk.within(path)].map(([at]) => at.slice(path.length + 1))
      return names.filter((name) => !name.includes('/')).sort()
    },
    async mkdir(path, { recursive = false }) {
      await process.call()
      if (!recursive) return void disk.mkdir(path)
      let first: string | undefined
      const parts = path.split('/').filter((part) => part !== '')
      for (let depth = 1; depth <= parts.length; depth++) {
        const directory = `/${parts.slice(0, depth).join('/')}`
        const there = disk.lookUp(directory)
        if (there && there.kind !== 'directory') throw systemError('ENOTDIR', directory)
        if (there) continue
        disk.mkdir(directory)
        first ??= directory
      }
      return first
    },
    async rename(from, to) {
      await process.call()
      disk.rename(from, to)
      const inode = disk.lookUp(to)
      if (inode) disk.onWrite(to, inode)
    },
    async unlink(path) {
      await process.call()
      disk.unlink(path)
    },
    async lock(path) {
      await process.call()
      if (disk.lookUp(path) === undefined) {
        if (disk.isFull) throw new LogcaskError('unavailable', `${path}: cannot be locked: disk is full`)
        disk.create(path)
      }
      if (disk.locks.has(path)) return 'busy'
      disk.locks.add(path)
      const release = (): void => void disk.locks.delete(path)
      process.atEnd(release)
      return { release }
    },
  }
}

function openDiskFile(disk: VirtualDisk, process: VirtualProcess, path: string, inode: Inode): DiskFile {
  let isOpen = true
  inode.opens++
  const close = (): void => {
    if (isOpen) disk.closed(inode, path)
    isOpen = false
  }
  process.atEnd(close)
  const requireOpen = (): void => {
    if (!isOpen) throw systemError('EBADF', path)
  }
  const sync = async (): Promise<void> => {
    requireOpen()
    await process.call()
    if (inode.kind === 'directory') disk.syncDirectory(path)
    else disk.sync(inode)
  }
  return {
    async read(into, at, length, position) {
      requireOpen()
      await process.call()
      const bytes = inode.bytes.subarray(position, position + length)
      into.set(bytes, at)
      return { bytesRead: bytes.byteLength }
    },
    async write(from, at, length, position) {
      requireOpen()
      // In two halves: a kill, a full disk or the power comes in between, and leaves a torn write.
      const first = length > 1 ? Math.ceil(length / 2) : length
      for (const [start, end] of [
        [0, first],
        [first, length],
      ] as const) {
        await process.call()
        if (disk.isFull && position + end > inode.size) throw systemError('ENOSPC', path)
        if (end > start) disk.write(inode, from.subarray(at + start, at + end), position + start)
        disk.onWrite(path, inode)
      }
      return { bytesWritten: length }
    },
    stat: async () => ({ size: inode.size, isFile: () => inode.kind === 'file' }),
    sync,
    datasync: sync,
    async close() {
      await process.call()
      close()
    },
  }
}

/** Of open(2), in Node's letters or the system's bits. */
function readFlags(flags: string | number): { isExclusive: boolean; creates: boolean; truncates: boolean } {
  if (typeof flags === 'number')
    return { isExclusive: (flags & 0o200) !== 0, creates: (flags & 0o100) !== 0, truncates: (flags & 0o1000) !== 0 }
  return { isExclusive: flags.includes('x'), creates: flags.startsWith('w'), truncates: flags === 'w' }
}
