import { dirname } from 'node:path'
import type { SeededRandom } from '../support/seeded-random.ts'
import { Inode } from './inode.ts'

/** The kernel's clock for stamps and births ticks so often. */
const jiffyMs = 4

export interface DiskSettings {
  now: () => number
  /** False: as a file system that knows no birth times. */
  hasBirthTimes: boolean
  /** A freed inode's number is given to the next file. */
  reusesInodes: boolean
}

interface Change {
  undo: () => void
  /** Directories whose sync makes it durable, or the inode. */
  durableBy: readonly unknown[]
}

/** An error as the system makes them. */
export function systemError(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code })
}

/**
 * A machine's disk with its page cache: what is written is seen at once, and what was synced outlives a power cut. Names
 * are absolute paths; every mount has inode numbers of its own.
 */
export class VirtualDisk {
  readonly settings: DiskSettings
  readonly names = new Map<string, Inode>()
  readonly mounts: readonly string[]
  /** Paths of directories that cannot be read now. */
  readonly unreadable = new Set<string>()
  readonly locks = new Set<string>()
  /** Processes that go through the ports have no room; the programs that write the logs have (another disk). */
  isFull = false
  /** Told of every file whose bytes were changed by whoever works through ports. */
  onWrite: (path: string, inode: Inode) => void = () => {}
  #journal: Change[] = []
  #nextInode: number[]
  readonly #free: number[][]

  constructor(settings: DiskSettings, mounts: readonly string[] = ['/']) {
    this.settings = settings
    this.mounts = mounts
    this.#nextInode = mounts.map(() => 12)
    this.#free = mounts.map(() => [])
    for (const mount of ['/', ...mounts]) if (!this.names.has(mount)) this.#name(mount, this.#make(mount, 'directory'))
  }

  get #stampMs(): number {
    return Math.floor(this.settings.now() / jiffyMs) * jiffyMs
  }

  mountOf(path: string): number {
    let best = 0
    for (const [at, mount] of this.mounts.entries()) if (path.startsWith(`${mount}/`)) best = at
    return best
  }

  /** What a name stands for; undefined where there is none, or a link leads nowhere. */
  lookUp(path: string, followSymlinks = true): Inode | undefined {
    let inode = this.names.get(path)
    for (let hop = 0; followSymlinks && inode?.kind === 'symlink' && hop < 8; hop++)
      inode = this.names.get(inode.target)
    return followSymlinks && inode?.kind === 'symlink' ? undefined : inode
  }

  // Names

  mkdir(path: string): void {
    if (this.names.has(path)) throw systemError('EEXIST', path)
    this.#requireDirectory(path)
    this.#link(path, this.#make(path, 'directory'))
  }

  create(path: string): Inode {
    this.#requireDirectory(path)
    const inode = this.#make(path, 'file')
    this.#link(path, inode)
    return inode
  }

  symlink(target: string, path: string): void {
    this.#link(path, this.#make(path, 'symlink', target))
  }

  link(path: string, to: string): void {
    const inode = this.lookUp(path, false)
    if (inode === undefined) throw systemError('ENOENT', path)
    this.#link(to, inode)
  }

  unlink(path: string): void {
    const inode = this.names.get(path)
    if (inode === undefined) throw systemError('ENOENT', path)
    this.#record([dirname(path)], () => this.#name(path, inode))
    this.#unname(path)
  }

  rename(from: string, to: string): void {
    const inode = this.names.get(from)
    if (inode === undefined) throw systemError('ENOENT', from)
    if (from === to) return
    const replaced = this.names.get(to)
    // One change: a power cut never leaves neither name.
    this.#record([dirname(from), dirname(to)], () => {
      this.#unname(to)
      if (replaced) this.#name(to, replaced)
      this.#name(from, inode)
    })
    inode.opens++
    if (replaced) this.#unname(to)
    this.#unname(from)
    this.#name(to, inode)
    inode.opens--
    inode.changedMs = this.#stampMs
  }

  *within(directory: string): Iterable<[string, Inode]> {
    const prefix = directory === '/' ? '/' : `${directory}/`
    for (const entry of [...this.names]) if (entry[0].startsWith(prefix)) yield entry
  }

  // Bytes

  write(inode: Inode, bytes: Uint8Array, position: number): number {
    if (position < inode.size) {
      const before = Buffer.from(inode.bytes.subarray(position, position + bytes.byteLength))
      const synced = inode.syncedBytes
      // Overwritten bytes are on disk again, or not.
      if (position < synced)
        this.#record([inode], () => {
          inode.write(before.subarray(0, Math.max(0, synced - position)), position)
        })
    }
    inode.write(bytes, position)
    this.touch(inode)
    return bytes.byteLength
  }

  append(inode: Inode, bytes: Uint8Array): void {
    this.write(inode, bytes, inode.size)
  }

  truncate(inode: Inode, size: number): void {
    const before = Buffer.from(inode.bytes)
    const { syncedBytes } = inode
    this.#record([inode], () => {
      inode.resize(0)
      inode.write(before, 0)
      inode.syncedBytes = syncedBytes
    })
    inode.resize(size)
    this.touch(inode)
  }

  touch(inode: Inode): void {
    inode.modifiedMs = inode.changedMs = this.#stampMs
  }

  // Durability

  sync(inode: Inode): void {
    inode.syncedBytes = inode.size
    this.#journal = this.#journal.filter(({ durableBy }) => durableBy[0] !== inode)
  }

  /** Names that were made, moved or removed in the directory; a journal keeps what came before them, too. */
  syncDirectory(path: string): void {
    const last = this.#journal.findLastIndex(({ durableBy }) => durableBy.includes(path))
    this.#journal.splice(0, last + 1)
  }

  syncAll(): void {
    for (const inode of this.names.values()) inode.syncedBytes = inode.size
    this.#journal = []
  }

  /**
   * What is on disk when the power comes back: any prefix of the changes of names and lengths that were not synced, and of
   * each file any prefix of its unsynced bytes, or NULs in place of some. Answers what was lost.
   */
  powerCut(random: SeededRandom): { changes: number; bytes: number; nuls: number } {
    const lost = { changes: 0, bytes: 0, nuls: 0 }
    const kept = random.int(0, this.#journal.length)
    for (const change of this.#journal.splice(kept).reverse()) {
      change.undo()
      lost.changes++
    }
    this.#journal = []
    this.locks.clear()
    const used = new Set([...this.names.values()].map((inode) => inode.number))
    for (const [at, numbers] of this.#free.entries()) this.#free[at] = numbers.filter((number) => !used.has(number))
    for (const inode of new Set(this.names.values())) {
      inode.opens = 0
      const unsynced = inode.size - inode.syncedBytes
      if (inode.kind !== 'file' || unsynced <= 0) continue
      const keptBytes = random.pick([0, unsynced, random.int(0, unsynced)])
      const from = inode.syncedBytes + keptBytes
      // The block was allocated and the length written, the data not.
      if (random.chance(0.25)) {
        lost.nuls += inode.size - from
        inode.write(new Uint8Array(inode.size - from), from)
      } else {
        lost.bytes += inode.size - from
        inode.resize(from)
      }
      inode.syncedBytes = inode.size
    }
    return lost
  }

  /** A copy of everything, as a snapshot or a cloned machine has it; with the inode that each of its inodes is a copy of. */
  copy(): { disk: VirtualDisk; origin: Map<Inode, Inode> } {
    const disk = new VirtualDisk(this.settings, this.mounts)
    disk.names.clear()
    const copies = new Map<Inode, Inode>()
    const origin = new Map<Inode, Inode>()
    for (const [path, inode] of this.names) {
      const copy = copies.get(inode) ?? inode.copy()
      copies.set(inode, copy)
      origin.set(copy, inode)
      copy.links++
      disk.names.set(path, copy)
    }
    disk.#nextInode = [...this.#nextInode]
    for (const inode of disk.names.values()) inode.syncedBytes = inode.size
    return { disk, origin }
  }

  /** A descriptor was closed: the number of an inode that nobody has is free again. */
  closed(inode: Inode, path: string): void {
    inode.opens--
    this.#reap(inode, path)
  }

  #requireDirectory(path: string): void {
    if (this.names.get(dirname(path))?.kind !== 'directory') throw systemError('ENOENT', dirname(path))
  }

  #make(path: string, kind: Inode['kind'], target?: string): Inode {
    const mount = this.mountOf(path)
    const free = this.settings.reusesInodes && kind === 'file' ? this.#free[mount]?.pop() : undefined
    const number = free ?? this.#nextInode[mount] ?? 12
    if (free === undefined) this.#nextInode[mount] = number + 1
    const atMs = this.#stampMs
    const birthNs = this.settings.hasBirthTimes ? BigInt(atMs) * 1_000_000n : 0n
    return new Inode(number, birthNs, kind, atMs, target)
  }

  #link(path: string, inode: Inode): void {
    const replaced = this.names.get(path)
    this.#record([dirname(path)], () => {
      this.#unname(path)
      if (replaced) this.#name(path, replaced)
    })
    if (replaced) this.#unname(path)
    this.#name(path, inode)
    inode.changedMs = this.#stampMs
  }

  #record(durableBy: readonly unknown[], undo: () => void): void {
    this.#journal.push({ durableBy, undo })
  }

  #name(path: string, inode: Inode): void {
    this.names.set(path, inode)
    inode.links++
  }

  #unname(path: string): void {
    const inode = this.names.get(path)
    if (inode === undefined) return
    this.names.delete(path)
    inode.links--
    inode.changedMs = this.#stampMs
    this.#reap(inode, path)
  }

  #reap(inode: Inode, path: string): void {
    if (inode.links > 0 || inode.opens > 0 || inode.kind !== 'file') return
    this.#free[this.mountOf(path)]?.push(inode.number)
  }
}
