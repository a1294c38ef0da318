import type { Agent, AgentParts } from '../../../src/agent/agent.ts'
import type { SourceSettings } from '../../../src/agent/context.ts'
import type { Names } from '../../../src/agent/files/names.ts'
import type { Writers } from '../../../src/agent/files/writers.ts'
import { Spool } from '../../../src/agent/spool/spool.ts'
import { SpoolFiles } from '../../../src/agent/spool/spool-files.ts'
import { WholeRecords } from '../../../src/agent/whole/whole-records.ts'
import { WholeShipper } from '../../../src/agent/whole/whole-shipper.ts'
import { WholeSpool, type WholeSpoolRecord } from '../../../src/agent/whole/whole-spool.ts'
import type { Disk } from '../../../src/base/disk.ts'
import type { AgentSlot } from '../agent-slot.ts'
import type { Machine } from '../machine.ts'
import type { VirtualProcess } from '../process.ts'
import type { World } from '../world.ts'
import { movedRoom, wholeRoom } from './ledger.ts'
import { findEarlyRemoval } from './removal-oracle.ts'

type Parts = Pick<AgentParts, 'spool' | 'names' | 'findWriters'> & {
  source: Partial<SourceSettings>
  run(
    agent: Agent,
    parts: Pick<AgentParts, 'settings' | 'clock' | 'files' | 'report'>,
    signal: AbortSignal,
  ): Promise<void>
}

const none: Parts = { source: {}, run: (agent, _, signal) => agent.run(signal) }

/** What an agent has of the spool, of housekeeping and of whole files in this history; nothing where they are off. */
export function rescueParts(slot: AgentSlot, process: VirtualProcess, stateDisk: Disk): Parts {
  const { world, machine } = slot
  const { rescue } = world.setup
  if (rescue === undefined || slot.isImport) return none
  world.rescue?.started(slot)
  const disk = counting(stateDisk, world)
  const { spoolBytes, after, hasWholes, seesWriters } = rescue
  const findWriters = async (): Promise<Writers> => {
    await process.call()
    const written = new Set([...machine.held.values(), ...[...machine.busy].map((path) => machine.file(path))])
    const numbers = new Set([...written].map((inode) => BigInt(inode?.number ?? 0)))
    return { has: ({ ino }) => numbers.has(ino), isComplete: seesWriters }
  }
  const wholeFiles = new SpoolFiles<WholeSpoolRecord>(`${slot.state}/spool/whole`, disk)
  const wholeSpool = spoolBytes === undefined ? undefined : new WholeSpool(wholeFiles, () => spoolBytes)
  return {
    source: { after, moveTo: movedRoom },
    spool: spoolBytes === undefined ? undefined : new Spool(new SpoolFiles(`${slot.state}/spool`, disk), spoolBytes),
    names: virtualNames(slot, machine, process),
    findWriters,
    async run(agent, { settings, clock, files, report }, signal) {
      if (!hasWholes) return agent.run(signal)
      const over = new AbortController()
      const both = AbortSignal.any([signal, over.signal])
      const source: SourceSettings = {
        name: 'wholes',
        include: [`${wholeRoom}/**`],
        exclude: [],
        followSymlinks: false,
        sealAfterMs: 0,
        copies: 'new-stream',
        whole: { as: 'wholes/{filename}', compress: 'none', idleMs: 20_000 },
      }
      const shipper = new WholeShipper({
        settings: { ...settings, sources: [source] },
        clock,
        files,
        destinations: [...agent.couriers.values()].map(({ destination }) => destination),
        records: new WholeRecords(slot.state, disk),
        spool: wholeSpool,
        report: (event) => (event.kind === 'problem' ? report(event) : world.counts.add(`whole ${event.kind}`)),
        findWriters,
      })
      const failed = (error: unknown): never => {
        over.abort(error)
        throw error
      }
      const ended = await Promise.allSettled([agent.run(both).catch(failed), shipper.run(both).catch(failed)])
      for (const one of ended) if (one.status === 'rejected') throw one.reason
    },
  }
}

/** Tells how often something was kept. */
function counting(disk: Disk, { counts }: World): Disk {
  return {
    ...disk,
    async rename(from, to) {
      await disk.rename(from, to)
      if (/\/rescued-.*\.json$/.test(to)) counts.add(to.includes('/whole/') ? 'whole spooled' : 'spooled')
    },
  }
}

/** As the machine has them; before a name goes that the product removes, it is asked whether it may. */
function virtualNames({ world }: AgentSlot, machine: Machine, process: VirtualProcess): Names {
  return {
    async link(from, to) {
      await process.call()
      if (machine.disk.lookUp(to, false)) throw Object.assign(new Error(`EEXIST ${to}`), { code: 'EEXIST' })
      machine.link(from, to)
    },
    async rename(from, to) {
      await process.call()
      machine.rename(from, to)
    },
    async unlink(path) {
      await process.call()
      if (!path.startsWith(movedRoom)) findEarlyRemoval(world, machine, path)
      machine.unlink(path)
    },
    makeDirectory: () => process.call(),
    async syncDirectory(directory) {
      await process.call()
      machine.disk.syncDirectory(directory)
    },
  }
}
