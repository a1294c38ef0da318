import type { AgentEvent } from '../../src/agent/context.ts'
import { type SeededRandom, seededRandom } from '../support/seeded-random.ts'
import { createVirtualClock, type VirtualClock } from '../support/virtual-clock.ts'
import { AgentSlot } from './agent-slot.ts'
import { Chronicle } from './chronicle.ts'
import { Counts } from './counts.ts'
import { archive, logs, Machine } from './machine.ts'
import { RescueLedger } from './rescue/ledger.ts'
import { ServerSlot } from './server-slot.ts'
import type { Setup } from './setup.ts'
import { Store } from './store.ts'
import { VirtualDisk } from './virtual-disk.ts'

/** Everything that is there in a history: machines with agents, stores, compactors, and the time. */
export class World {
  readonly setup: Setup
  readonly clock: VirtualClock
  /** Chance of what is not a step: waits, faults, which unsynced bytes a power cut leaves. */
  readonly random: SeededRandom
  readonly counts = new Counts()
  readonly chronicle: Chronicle
  readonly stores: Store[]
  readonly machines: Machine[] = []
  readonly agents: AgentSlot[] = []
  readonly servers: ServerSlot[] = []
  /** What must never happen, whatever the buckets say in the end. */
  readonly failures: string[] = []
  readonly rescue: RescueLedger | undefined
  onEvent: ((agent: string, event: AgentEvent) => void) | undefined
  readonly #backups = new Map<string, ReadonlyMap<string, import('./store.ts').StoredObject>>()

  constructor(seed: number, setup: Setup) {
    this.setup = setup
    this.clock = createVirtualClock({ seed })
    this.random = seededRandom(seed ^ 0x5eed)
    this.chronicle = new Chronicle(() => this.clock.now())
    this.stores = ['a', 'b', 'c']
      .slice(0, setup.stores)
      .map((name) => new Store(name, this.clock, this.random.fork(), this.counts))
    const disk = new VirtualDisk(
      { now: () => this.clock.now(), hasBirthTimes: setup.hasBirthTimes, reusesInodes: setup.reusesInodes },
      ['/', archive],
    )
    disk.mkdir(logs)
    disk.mkdir(`${logs}/old`)
    disk.syncAll()
    const machine = this.addMachine('m1', 'machine-1', disk)
    this.rescue = setup.rescue && new RescueLedger(this)
    for (const name of ['a', 'b'].slice(0, setup.agents)) this.addAgent(machine, name)
    const [store] = this.stores
    if (store)
      for (const name of ['s1', 's2'].slice(0, setup.compactors)) this.servers.push(new ServerSlot(this, name, store))
  }

  addMachine(name: string, machineId: string, disk: VirtualDisk): Machine {
    const machine = new Machine(name, machineId, disk, this.chronicle)
    this.machines.push(machine)
    return machine
  }

  addAgent(machine: Machine, name: string): AgentSlot {
    const slot = new AgentSlot(this, machine, name)
    this.agents.push(slot)
    return slot
  }

  /** Those that look at the machine's own files. */
  agentsOf(machine: Machine): AgentSlot[] {
    return this.agents.filter((slot) => slot.machine === machine && !slot.isImport)
  }

  startAgent(slot: AgentSlot): void {
    slot.start()
    if (this.agentsOf(slot.machine).filter((one) => one.isRunning).length > 1) this.chronicle.hadTwoAgents = true
  }

  /** Something that takes a while on a machine: called `ms` later, unless the machine was reset meanwhile. */
  later(machine: Machine, ms: number, action: () => void): void {
    const { epoch } = machine
    this.clock.timer(ms, () => {
      if (machine.epoch === epoch) action()
    })
  }

  backUp(store: Store): void {
    this.#backups.set(store.name, new Map(store.objects))
  }

  backupOf(store: Store): ReadonlyMap<string, import('./store.ts').StoredObject> | undefined {
    return this.#backups.get(store.name)
  }

  /** Every process ends, so that nothing of this history outlives it. */
  end(): void {
    for (const slot of this.agents) slot.kill()
    for (const server of this.servers) server.kill()
  }
}
