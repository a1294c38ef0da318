import type { SeededRandom } from '../support/seeded-random.ts'
import type { AgentSlot } from './agent-slot.ts'
import type { Machine } from './machine.ts'
import type { StepKinds } from './steps.ts'
import type { World } from './world.ts'

/**
 * A copytruncate is between its first byte and the cut. A one-shot run decides at once (DESIGN.md 4), and of a copy whose
 * source was not cut yet nobody can know that it will be: two files with the same bytes.
 */
function isCopying(machine: Machine): boolean {
  return [...machine.busy].some((path) => {
    const inode = machine.file(path)
    return inode !== undefined && machine.chronicle.fileOf(inode)?.kind === 'copy'
  })
}

/** What becomes of agents, their state and their machines. */
export const agentSteps: StepKinds = {
  kill: (world, random, machine) => {
    const slot = pickRunning(world, random, machine)
    if (slot === undefined) return false
    slot.kill()
    restart(world, random, slot)
    return true
  },
  stop: async (world, random, machine) => {
    const slot = pickRunning(world, random, machine)
    if (slot === undefined) return false
    await slot.stop()
    restart(world, random, slot)
    return true
  },
  'state deleted': (world, random, machine) => {
    const slot = pickRunning(world, random, machine)
    if (slot === undefined) return false
    slot.kill()
    slot.loseState()
    restart(world, random, slot)
    return true
  },
  'state saved': (world, random, machine) => {
    const slot = random.pick(world.agentsOf(machine))
    slot.saveState()
    return true
  },
  'state restored': (world, random, machine) => {
    const slot = random.pick(world.agentsOf(machine))
    if (slot.backup === undefined) return false
    slot.kill()
    slot.restoreState()
    restart(world, random, slot)
    return true
  },
  'one shot': async (world, random, machine) => {
    const slot = pickRunning(world, random, machine)
    if (slot === undefined || isCopying(machine)) return false
    await slot.stop()
    if (!isCopying(machine)) slot.start({ isOneShot: true })
    restart(world, random, slot)
    return true
  },
  'second agent': (world, random, machine) => {
    const idle = world.agentsOf(machine).filter((slot) => !slot.isRunning)
    if (idle.length === 0) return false
    world.startAgent(random.pick(idle))
    return true
  },
  reboot: async (world, random, machine) => {
    for (const slot of world.agentsOf(machine)) await slot.stop()
    machine.disk.syncAll()
    resetMachine(machine)
    for (const slot of world.agentsOf(machine)) restart(world, random, slot)
    return true
  },
  'power cut': (world, random, machine) => {
    // Those that import a snapshot on it as well.
    for (const slot of world.agents) if (slot.machine === machine) slot.kill()
    resetMachine(machine)
    const lost = machine.disk.powerCut(random)
    world.counts.add('power cut lost names or lengths', Math.min(1, lost.changes))
    world.counts.add('power cut lost bytes', Math.min(1, lost.bytes))
    world.counts.add('power cut left NULs', Math.min(1, lost.nuls))
    for (const [, inode] of machine.disk.within('/')) machine.chronicle.observe(inode, 'power')
    machine.chronicle.restarted(machine.name)
    for (const slot of world.agentsOf(machine)) {
      slot.remember()
      restart(world, random, slot)
    }
    return true
  },
  'state disk full': (world, random, machine) => {
    machine.disk.isFull = true
    world.later(machine, random.int(500, 15_000), () => {
      machine.disk.isFull = false
      for (const slot of world.agentsOf(machine).slice(0, 1)) if (!slot.isRunning) world.startAgent(slot)
    })
    return true
  },
}

function pickRunning(world: World, random: SeededRandom, machine: Machine): AgentSlot | undefined {
  const running = world.agentsOf(machine).filter((slot) => slot.isRunning)
  return running.length > 0 ? random.pick(running) : undefined
}

/** At once, soon, or after so long that much happens meanwhile. */
export function restart(world: World, random: SeededRandom, slot: AgentSlot): void {
  const waitMs = random.pick([0, 0, 50, 2_000, 15_000])
  if (waitMs === 0) world.startAgent(slot)
  else world.clock.timer(waitMs, () => world.startAgent(slot))
}

/** Whatever was under way ends with the machine: writers, rotations, locks. */
export function resetMachine(machine: Machine): void {
  machine.epoch++
  machine.busy.clear()
  machine.disk.unreadable.clear()
  machine.disk.isFull = false
  for (const path of [...machine.held.keys()]) machine.letGo(path)
}
