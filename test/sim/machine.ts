import { dirname } from 'node:path'
import type { Hint } from '../../src/agent/files/watch.ts'
import type { Cause, Chronicle, WrittenFile } from './chronicle.ts'
import type { Inode } from './inode.ts'
import type { VirtualDisk } from './virtual-disk.ts'

export const logs = '/logs'
/** Another file system, where rotations may go. */
export const archive = '/archive'

/**
 * A machine with the programs that write its logs. Every change is told to the chronicle, and to the agents that watch.
 */
export class Machine {
  readonly name: string
  readonly machineId: string
  readonly chronicle: Chronicle
  disk: VirtualDisk
  /** Files that a writer holds open although its name may be another's by now. */
  readonly held = new Map<string, Inode>()
  /** Names that a rotation is at work on. */
  readonly busy = new Set<string>()
  /** The disk as it was at some time. */
  snapshot: VirtualDisk | undefined
  snapshotOrigin: ReadonlyMap<Inode, Inode> | undefined
  /** Ends whatever is under way on this machine when the power or the disk goes. */
  epoch = 0
  readonly watchers = new Set<(hint: Hint) => void>()

  constructor(name: string, machineId: string, disk: VirtualDisk, chronicle: Chronicle) {
    this.name = name
    this.machineId = machineId
    this.disk = disk
    this.chronicle = chronicle
  }

  /** The file behind a path that a writer writes to. */
  file(path: string): Inode | undefined {
    const inode = this.disk.lookUp(path)
    return inode?.kind === 'file' ? inode : undefined
  }

  create(path: string, kind?: WrittenFile['kind'], source?: WrittenFile): Inode {
    const inode = this.disk.create(path)
    this.chronicle.created(inode, this.name, kind, source)
    this.#tell(path, true)
    return inode
  }

  append(path: string, inode: Inode, text: string | Uint8Array): void {
    this.disk.append(inode, Buffer.from(text as string))
    this.#changed(path, inode, 'append')
  }

  truncate(path: string, inode: Inode, size: number): void {
    this.disk.truncate(inode, size)
    this.#changed(path, inode, 'truncate')
  }

  edit(path: string, inode: Inode, bytes: Uint8Array, position: number): void {
    this.disk.write(inode, bytes, position)
    this.#changed(path, inode, 'edit')
  }

  rename(from: string, to: string): void {
    const replaced = this.file(to)
    this.disk.rename(from, to)
    if (replaced) this.#released(replaced)
    this.#tell(from, true)
    this.#tell(to, true)
  }

  unlink(path: string): void {
    const inode = this.disk.lookUp(path, false)
    this.disk.unlink(path)
    if (inode?.kind === 'file') this.#released(inode)
    this.#tell(path, true)
  }

  symlink(target: string, path: string): void {
    this.disk.symlink(target, path)
    this.#tell(path, true)
  }

  link(path: string, to: string): void {
    this.disk.link(path, to)
    this.#tell(to, true)
  }

  /** A writer keeps the file open, whatever becomes of its name. */
  hold(path: string, inode: Inode): void {
    if (this.held.get(path) === inode) return
    this.letGo(path)
    inode.opens++
    this.held.set(path, inode)
  }

  letGo(path: string): void {
    const inode = this.held.get(path)
    if (inode === undefined) return
    this.held.delete(path)
    this.disk.closed(inode, path)
    this.#released(inode)
  }

  /** Log files by path, in the order of their names. */
  files(): [string, Inode][] {
    return [logs, archive]
      .flatMap((directory) => [...this.disk.within(directory)])
      .filter(([, inode]) => inode.kind === 'file')
      .sort(([a], [b]) => (a < b ? -1 : 1))
  }

  #changed(path: string, inode: Inode, cause: Cause): void {
    this.chronicle.observe(inode, cause)
    this.#tell(path, false)
  }

  #released(inode: Inode): void {
    if (inode.links === 0 && ![...this.held.values()].includes(inode)) this.chronicle.deleted(inode)
  }

  #tell(path: string, appeared: boolean): void {
    if (dirname(path) === '/') return
    for (const watch of this.watchers) watch({ path, appeared })
  }
}
