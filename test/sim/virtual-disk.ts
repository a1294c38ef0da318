import { dirname } from 'node:path'
import type { SeededRandom } from '../support/seeded-random.ts'
import { Inode } from './inode.ts'
import { InodeNumbers } from './inode-numbers.ts'
import { Journal } from './journal.ts'
import { systemError } from './system-error.ts'

/** The kernel's clock for stamps and births ticks so often. */
const jiffyMs = 4

export interface DiskSettings {
  now: () => number
  /** False: as a file system that knows no birth times. */
  hasBirthTimes: boolean
  /** A freed inode's number is given to the next file. */
  reusesInodes: boolean
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
  readonly #journal = new Journal()
  #numbers: InodeNumbers

  constructor(settings: DiskSettings, mounts: readonly string[] = ['/']) {
    this.settings = settings
    this.mounts = mounts
    this.#numbers = new InodeNumbers(mounts.length, settings.reusesInodes)
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
    this.#journal.record([dirname(path)], () => this.#name(path, inode))
    this.#unname(path)
  }

  rename(from: string, to: string): void {
    const inode = this.names.get(from)
    if (inode === undefined) throw systemError('ENOENT', from)
    if (from === to) return
    const replaced = this.names.get(to)
    // One change: a power cut never leaves neither name.
    this.#journal.record([dirname(from), dirname(to)], () => {
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
        this.#journal.record([inode], () => {
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
    this.#journal.record([inode], () => {
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
    this.#journal.syncInode(inode)
  }

  syncDirectory(path: string): void {
    this.#journal.syncDirectory(path)
  }

  syncAll(): void {
    for (const inode of this.names.values()) inode.syncedBytes = inode.size
    this.#journal.syncAll()
  }

  /**
   * What is on disk when the power comes back: any prefix of the changes of names and lengths that were not synced, and of
   * each file any prefix of its unsynced bytes, or NULs in place of some. Answers what was lost.
   */
  powerCut(random: SeededRandom): { changes: number; bytes: number; nuls: number } {
    const lost = { changes: this.#journal.tear(random), bytes: 0, nuls: 0 }
    this.locks.clear()
    const used = new Set([...this.names.values()].map((inode) => inode.number))
    this.#numbers.keep(used)
    for (const inode of new Set(this.names.values())) {
      inode.opens = 0
      if (inode.kind !== 'file') continue
      const torn = inode.tear(random)
      lost.bytes += torn.bytes
      lost.nuls += torn.nuls
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
    disk.#numbers = this.#numbers.copy()
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
    const number = this.#numbers.take(this.mountOf(path), kind === 'file')
    const atMs = this.#stampMs
    const birthNs = this.settings.hasBirthTimes ? BigInt(atMs) * 1_000_000n : 0n
    return new Inode(number, birthNs, kind, atMs, target)
  }

  #link(path: string, inode: Inode): void {
    const replaced = this.names.get(path)
    this.#journal.record([dirname(path)], () => {
      this.#unname(path)
      if (replaced) this.#name(path, replaced)
    })
    if (replaced) this.#unname(path)
    this.#name(path, inode)
    inode.changedMs = this.#stampMs
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
    this.#numbers.giveBack(this.mountOf(path), inode.number)
  }
}
