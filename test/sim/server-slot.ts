import { isCode, messageOf } from '../../src/base/errors.ts'
import { retryingReads } from '../../src/bucket/retrying-reads.ts'
import { compactFollowing } from '../../src/compactor/compactor.ts'
import { openDirectorySink } from '../../src/compactor/directory-sink.ts'
import type { CompactorEvent } from '../../src/compactor/event.ts'
import type { Inode } from './inode.ts'
import { processDisk, VirtualProcess } from './process.ts'
import type { Store } from './store.ts'
import { VirtualDisk } from './virtual-disk.ts'
import type { World } from './world.ts'

export const sinkRoot = '/published'

/** A compactor over a disk of its own, killed and started again; and what it published, watched at every write. */
export class ServerSlot {
  readonly world: World
  readonly name: string
  readonly store: Store
  readonly disk: VirtualDisk
  process: VirtualProcess | undefined
  readonly events: CompactorEvent[] = []
  /** Everything that ever stood under a published name, byte by byte as far as it was synced or seen whole. */
  readonly published = new Map<string, Buffer>()
  /** Power cuts and torn writes may take back what was not synced. */
  readonly changes: string[] = []
  #stop = new AbortController()

  constructor(world: World, name: string, store: Store) {
    this.world = world
    this.name = name
    this.store = store
    this.disk = new VirtualDisk({ now: () => world.clock.now(), hasBirthTimes: true, reusesInodes: false })
    this.disk.onWrite = (path, inode) => this.#written(path, inode)
  }

  get isRunning(): boolean {
    return this.process?.isAlive === true
  }

  start(root = sinkRoot): void {
    if (this.isRunning) return
    const { world } = this
    const process = new VirtualProcess({ clock: world.clock, random: world.random, slowCalls: world.setup.slowCalls })
    this.process = process
    this.#stop = new AbortController()
    this.#run(process, root, this.#stop.signal).catch((error) => {
      if (!process.isAlive) return
      process.kill()
      // A full disk has no room for the lock, or an intruder has it: whoever runs it starts it again.
      if (!isCode(error, 'unavailable', 'conflict'))
        world.failures.push(`compactor ${this.name} ended: ${messageOf(error)}`)
    })
  }

  kill(): void {
    this.process?.kill()
  }

  /** A second one on the same directory: it must not get in. */
  async intrude(): Promise<'refused' | 'let in'> {
    const process = new VirtualProcess({ clock: this.world.clock, random: this.world.random, slowCalls: 0 })
    try {
      const sink = await openDirectorySink(sinkRoot, process.clock, () => {}, { disk: processDisk(this.disk, process) })
      await sink.close()
      return 'let in'
    } catch (error) {
      return isCode(error, 'conflict') || isCode(error, 'unavailable') ? 'refused' : 'let in'
    } finally {
      process.kill()
    }
  }

  /** Published files as they are now: path below the root → inode. */
  files(): Map<string, Inode> {
    const found = new Map<string, Inode>()
    for (const [path, inode] of this.disk.within(sinkRoot))
      if (inode.kind === 'file' && isPublic(path)) found.set(path.slice(sinkRoot.length + 1), inode)
    return found
  }

  /** After a power cut: what was not synced may be gone, or NULs; only what is left as it was counts as published. */
  recollect(): void {
    for (const [path, before] of [...this.published]) {
      const inode = this.disk.lookUp(path, false)
      if (inode === undefined) this.published.delete(path)
      else this.published.set(path, before.subarray(0, sameLength(before, inode.bytes)))
    }
  }

  async #run(process: VirtualProcess, root: string, signal: AbortSignal): Promise<void> {
    const { clock } = process
    const onEvent = (event: CompactorEvent): void => void this.events.push(event)
    const sink = await openDirectorySink(root, clock, (event) => onEvent({ kind: 'set-aside', ...event }), {
      disk: processDisk(this.disk, process),
    })
    const bucket = retryingReads(this.store.reach(process), clock)
    const pace = { intervalMinMs: 2_000, intervalMaxMs: 20_000, fullIntervalMs: 60_000 }
    try {
      await compactFollowing({ bucket, sink, clock, pace, onEvent, signal })
    } finally {
      await sink.close()
    }
  }

  #written(path: string, inode: Inode): void {
    if (!path.startsWith(`${sinkRoot}/`)) {
      this.changes.push(`${path} is outside of the sink`)
      return
    }
    if (!isPublic(path)) return
    const before = this.published.get(path)
    const now = inode.bytes
    if (before !== undefined && (now.length < before.length || !now.subarray(0, before.length).equals(before)))
      this.changes.push(`${path}: ${before.length} published bytes became others`)
    if (before === undefined || now.length > before.length) this.published.set(path, Buffer.from(now))
  }
}

/** Names that begin with a dot are the sink's own. */
function isPublic(path: string): boolean {
  return !path.split('/').some((part) => part.startsWith('.'))
}

function sameLength(a: Buffer, b: Buffer): number {
  let length = 0
  while (length < a.length && length < b.length && a[length] === b[length]) length++
  return length
}
