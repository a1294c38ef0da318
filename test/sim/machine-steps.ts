import { resetMachine, restart } from './agent-steps.ts'
import type { StepKinds } from './steps.ts'

/** What becomes of whole machines, which are files elsewhere. */
export const machineSteps: StepKinds = {
  'VM clone': (world, random, machine) => {
    if (world.machines.length > 1) return false
    const { disk, origin } = machine.disk.copy()
    // Some tools give the clone a machine id of its own, some do not.
    const clone = world.addMachine('m2', random.chance(0.5) ? machine.machineId : 'machine-2', disk)
    world.chronicle.copied(origin, clone.name)
    for (const { state } of world.agentsOf(machine).slice(0, 1))
      restart(world, random, world.addAgent(clone, state.replace('/state-', '')))
    return true
  },
  'VM snapshot': (_, __, machine) => {
    const { disk, origin } = machine.disk.copy()
    machine.snapshot = disk
    machine.snapshotOrigin = origin
    return true
  },
  'VM roll back': (world, random, machine) => {
    const { snapshot, snapshotOrigin } = machine
    if (snapshot === undefined || snapshotOrigin === undefined) return false
    for (const slot of world.agentsOf(machine)) slot.kill()
    resetMachine(machine)
    const { disk, origin } = snapshot.copy()
    const originals = new Map([...origin].map(([copy, inode]) => [copy, snapshotOrigin.get(inode) ?? inode]))
    world.chronicle.rolledBack(machine.name)
    world.chronicle.copied(originals, machine.name)
    machine.disk = disk
    for (const slot of world.agentsOf(machine)) {
      slot.remember()
      restart(world, random, slot)
    }
    return true
  },
  'snapshot import': (world, random, machine) => {
    const { snapshot } = machine
    if (snapshot === undefined) return false
    const name = `import${world.agents.length}`
    if (world.agents.length > 4) return false
    // The machine's own agent may run meanwhile: two at once.
    if (random.chance(0.5)) for (const slot of world.agentsOf(machine)) slot.kill()
    const slot = world.addAgent(machine, name)
    slot.isImport = true
    slot.start({ isOneShot: true, disk: snapshot })
    world.chronicle.hadTwoAgents = true
    return true
  },
}
