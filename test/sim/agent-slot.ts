import { Agent, type AgentParts } from '../../src/agent/agent.ts'
import type { AgentEvent } from '../../src/agent/context.ts'
import type { Hint } from '../../src/agent/files/watch.ts'
import { FileCheckpoint } from '../../src/agent/state/checkpoint.ts'
import { openState } from '../../src/agent/state/state.ts'
import { isCode, messageOf } from '../../src/base/errors.ts'
import { probe, requirePassed } from '../../src/bucket/probe.ts'
import { retryingReads } from '../../src/bucket/retrying-reads.ts'
import { archive, logs, type Machine } from './machine.ts'
import { processDisk, VirtualProcess } from './process.ts'
import { rescueParts } from './rescue/rescue-parts.ts'
import type { VirtualDisk } from './virtual-disk.ts'
import { virtualFiles } from './virtual-files.ts'
import type { World } from './world.ts'

export const host = 'web-1'

/** One agent of a machine, which is started and killed again and again over the same state directory. */
export class AgentSlot {
  readonly world: World
  readonly machine: Machine
  /** In the chronicle: whose memory it is. */
  readonly name: string
  readonly state: string
  process: VirtualProcess | undefined
  agent: Agent | undefined
  readonly events: AgentEvent[] = []
  /** It decides at once. */
  isOneShot = false
  /** It reads a snapshot, once. */
  isImport = false
  /** The state directory as it was at some time. */
  backup: ReadonlyMap<string, Buffer> | undefined
  #stop = new AbortController()
  #ended: Promise<void> = Promise.resolve()

  constructor(world: World, machine: Machine, name: string) {
    this.world = world
    this.machine = machine
    this.name = `${machine.name}/${name}`
    this.state = `/state-${name}`
  }

  get isRunning(): boolean {
    return this.process?.isAlive === true
  }

  /** As the command line composes it. `disk`: a snapshot that is looked at instead of the machine's own files. */
  start(options: { isOneShot?: boolean; disk?: VirtualDisk } = {}): void {
    if (this.isRunning) return
    const { world } = this
    const process = new VirtualProcess({ clock: world.clock, random: world.random, slowCalls: world.setup.slowCalls })
    this.process = process
    this.isOneShot = options.isOneShot ?? false
    this.#stop = new AbortController()
    this.#ended = this.#run(process, this.#stop.signal, options).then(
      () => this.#over(process, undefined),
      (error) => this.#over(process, error),
    )
  }

  /** SIGTERM: ends in order, state saved. */
  async stop(): Promise<void> {
    if (!this.isRunning) return
    this.#stop.abort(new Error('stopped'))
    await this.world.clock.run(Promise.race([this.#ended, this.#dead()]), 600_000)
  }

  /** SIGKILL: nothing of it is heard any more, whatever it is at. */
  kill(): void {
    if (!this.isRunning) return
    this.process?.kill()
    this.agent = undefined
    this.remember()
  }

  /** What it knows from now on is what its state directory says. */
  remember(): void {
    const text = this.machine.disk.lookUp(`${this.state}/checkpoint.jsonl`)?.bytes.toString('latin1') ?? ''
    this.world.chronicle.forgot(this.name, (identity) => knownSize(text, identity))
  }

  loseState(): void {
    for (const [path, inode] of this.machine.disk.within(this.state))
      if (inode.kind === 'file') this.machine.disk.unlink(path)
    this.world.rescue?.stateLost()
    this.remember()
  }

  saveState(): void {
    this.backup = new Map(
      [...this.machine.disk.within(this.state)]
        .filter(([, inode]) => inode.kind === 'file')
        .map(([path, inode]) => [path, Buffer.from(inode.bytes)]),
    )
  }

  /** False where there is no backup. */
  restoreState(): boolean {
    if (this.backup === undefined) return false
    this.loseState()
    const { disk } = this.machine
    // A power cut may have taken the directory, too.
    if (disk.lookUp(this.state) === undefined) disk.mkdir(this.state)
    for (const [path, bytes] of this.backup) {
      const inode = disk.create(path)
      disk.append(inode, bytes)
      disk.sync(inode)
    }
    disk.syncDirectory(this.state)
    this.remember()
    return true
  }

  async #run(
    process: VirtualProcess,
    signal: AbortSignal,
    { isOneShot = false, disk = this.machine.disk }: { isOneShot?: boolean; disk?: VirtualDisk },
  ): Promise<void> {
    const { world, machine } = this
    const { setup, chronicle } = world
    const clock = process.clock
    const stateDisk = processDisk(machine.disk, process)
    const state = await openState(this.state, host, clock, stateDisk)
    const rescue = rescueParts(this, process, stateDisk)
    const parts: AgentParts = {
      settings: {
        host: state.host,
        machine: setup.hasMachineIds ? machine.machineId : undefined,
        version: 'simulation',
        spoolDirectory: `${this.state}/spool`,
        sources: [
          {
            name: 'logs',
            include: [`${logs}/**`, `${archive}/**`],
            exclude: ['*.tmp'],
            followSymlinks: setup.followSymlinks,
            olddir: setup.olddir,
            sealAfterMs: setup.sealAfterMs,
            copies: 'new-stream',
            ...rescue.source,
          },
        ],
        isOneShot,
        scanIntervalMs: setup.scanIntervalMs,
      },
      clock,
      files: virtualFiles(disk, process, (inode, size) => chronicle.seen(this.name, inode, size)),
      destinations: world.stores.map((store) => {
        const bucket = retryingReads(store.reach(process), clock)
        return {
          name: store.name,
          bucket,
          budget: { capacity: setup.budget, perSecond: setup.budget / 10 },
          bytesInFlightMax: 1 << 24,
          async admit(subject, inner) {
            if (setup.probes) requirePassed(await probe(subject, { host, clock, signal: inner }), bucket.url)
            await state.noteUse(store.name)
          },
        }
      }),
      checkpoint: new FileCheckpoint(this.state, stateDisk),
      spool: rescue.spool,
      names: rescue.names,
      findWriters: rescue.findWriters,
      report: (event) => {
        this.events.push(event)
        world.onEvent?.(this.name, event)
      },
      openFilesMax: setup.openFilesMax,
      segmentBytes: setup.segmentBytes,
      watch: setup.watches ? (hint) => this.#watch(process, hint) : undefined,
    }
    const agent = new Agent(parts)
    this.agent = agent
    try {
      await rescue.run(agent, parts, signal)
    } finally {
      await state.close()
    }
  }

  /** Hints come a little later, and some never. */
  #watch(process: VirtualProcess, hint: (hint: Hint) => void): { close(): Promise<void> } {
    const { world, machine } = this
    const tell = (one: Hint): void => {
      if (world.random.chance(0.8)) process.clock.timer(world.random.int(0, 40), () => hint(one))
    }
    machine.watchers.add(tell)
    const close = (): void => void machine.watchers.delete(tell)
    process.atEnd(close)
    return { close: async () => close() }
  }

  #over(process: VirtualProcess, error: unknown): void {
    if (!process.isAlive) return
    process.kill()
    this.agent = undefined
    this.remember()
    // Without room for its lock an agent does not run: whoever runs it starts it again.
    if (error !== undefined && !isCode(error, 'unavailable'))
      this.world.failures.push(`agent ${this.name} ended: ${messageOf(error)}`)
  }

  #dead(): Promise<void> {
    return new Promise((resolve) => this.process?.atEnd(resolve))
  }
}

/** The largest size that a checkpoint's lines say of a file with this identity. */
function knownSize(text: string, identity: string): number {
  let known = 0
  for (const line of text.split('\n')) {
    if (!line.includes(`"key":"${identity}+`)) continue
    const size = /"size":(\d+)/.exec(line)?.[1]
    known = Math.max(known, Number(size ?? 0))
  }
  return known
}
