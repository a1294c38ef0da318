import { type AgentSlot, host } from '../agent-slot.ts'
import type { Inode } from '../inode.ts'
import type { Machine } from '../machine.ts'
import { viewStreams } from '../oracle/bucket-view.ts'
import type { Store } from '../store.ts'
import type { World } from '../world.ts'
import { DeletedLogs } from './deleted-logs.ts'

export const wholeRoom = '/whole'
export const movedRoom = '/moved'
/** Above every pause between two scans. */
const seenAfterMs = 30_000

/** A file that is to go whole, as the model wrote it. */
export interface WrittenWhole {
  inode: Inode
  name: string
  /** What it held after each write; the last is the whole. */
  versions: Buffer[]
  createdMs: number
  /** It went while a writer had it open: nobody may have seen its end. */
  wasCutOff: boolean
  /** An agent had time enough to know it and to keep it when it was deleted: no store may miss it in the end. */
  mustArrive: boolean
  /** The state was lost since it was written. */
  mayRepeat: boolean
}

/** What the oracle knows of files that go whole: by what was written, never by the agents' insides. */
export class RescueLedger {
  readonly wholes: WrittenWhole[] = []
  readonly #logs: DeletedLogs | undefined
  readonly #world: World
  readonly #startedMs = new Map<unknown, number>()

  constructor(world: World) {
    this.#world = world
    const [machine] = world.machines
    for (const room of [wholeRoom, movedRoom]) machine?.disk.mkdir(room)
    machine?.disk.syncAll()
    this.#logs = machine && new DeletedLogs(world, machine)
  }

  started(slot: AgentSlot): void {
    this.#startedMs.set(slot.process, this.#world.clock.monotonic())
  }

  /** Its bytes are on the disk: what a power cut leaves of a file is judged elsewhere. */
  write(machine: Machine, path: string, text: string): WrittenWhole {
    const { disk } = machine
    const known = machine.file(path)
    const inode = known ?? disk.create(path)
    disk.append(inode, Buffer.from(text))
    disk.sync(inode)
    disk.syncDirectory(wholeRoom)
    const whole = this.of(inode) ?? this.#born(inode, path)
    whole.versions.push(Buffer.from(inode.bytes))
    return whole
  }

  of(inode: Inode): WrittenWhole | undefined {
    return this.wholes.find((one) => one.inode === inode)
  }

  /** It has run for long enough to have seen every file that is there. */
  isSettled({ process }: AgentSlot): boolean {
    const startedMs = this.#startedMs.get(process)
    return startedMs !== undefined && this.#world.clock.monotonic() - startedMs > seenAfterMs
  }

  /** To be called before its name goes. */
  deleted(machine: Machine, whole: WrittenWhole): void {
    const { clock, setup } = this.#world
    whole.wasCutOff ||= [...machine.held.values()].includes(whole.inode)
    const hasRoom = (setup.rescue?.spoolBytes ?? 0) > 1_000_000
    const slot = this.#world.agentsOf(machine).find((one) => one.isRunning && !one.isOneShot)
    if (!hasRoom || slot === undefined || !this.isSettled(slot) || clock.monotonic() - whole.createdMs < seenAfterMs)
      return
    const { process } = slot
    clock.timer(seenAfterMs, () => {
      whole.mustArrive = process?.isAlive === true
      this.#world.counts.add('whole deleted before all eyes', Number(whole.mustArrive))
    })
  }

  /** Whoever deletes the state deletes the spool, and what was delivered under another name is not known again. */
  stateLost(): void {
    this.#logs?.stateLost()
    for (const whole of this.wholes) {
      whole.mustArrive = false
      whole.mayRepeat = true
    }
  }

  /** Programs of other steps write to whatever they have open. */
  look(): void {
    for (const { inode, versions } of this.wholes)
      if (versions.at(-1)?.equals(inode.bytes) === false) versions.push(Buffer.from(inode.bytes))
  }

  /** Files that stand there, complete, and the store lacks; and those that it must have got. */
  missing(store: Store): string[] {
    return [...(this.#logs?.missing(viewStreams(store.objects, host)) ?? []), ...this.#missingWholes(store)]
  }

  #missingWholes(store: Store): string[] {
    if (this.#world.setup.rescue?.hasWholes !== true) return []
    this.look()
    const bodies = [...store.objects]
      .filter(([key]) => key.startsWith('wholes/'))
      .map(([, { body }]) => Buffer.from(body))
    const isThere = ({ versions }: WrittenWhole): boolean =>
      bodies.some((body) => versions.some((version) => version.equals(body)))
    return this.wholes
      .filter((whole) => (this.#isComplete(whole) || whole.mustArrive) && !isThere(whole))
      .map(
        ({ name, mustArrive }) =>
          `I5 whole: ${name} is not there${mustArrive ? ', and was deleted before all eyes' : ''}`,
      )
  }

  /** Nobody writes to it: it was rotated, its period is over, or it is idle for long enough by the end. */
  #isComplete({ inode }: WrittenWhole): boolean {
    if (inode.links === 0) return false
    return this.#world.machines.some((machine) => {
      const isHeld = [...machine.held.values()].includes(inode)
      return !isHeld && [...machine.disk.within(wholeRoom)].some(([, one]) => one === inode)
    })
  }

  #born(inode: Inode, path: string): WrittenWhole {
    const whole: WrittenWhole = {
      inode,
      name: path.slice(wholeRoom.length + 1),
      versions: [],
      createdMs: this.#world.clock.monotonic(),
      wasCutOff: false,
      mustArrive: false,
      mayRepeat: false,
    }
    this.wholes.push(whole)
    return whole
  }
}
