import { type SeededRandom, seededRandom } from '../support/seeded-random.ts'
import { agentSteps } from './agent-steps.ts'
import { fileSteps } from './file-steps.ts'
import { hostileSteps } from './hostile-steps.ts'
import type { Machine } from './machine.ts'
import { machineSteps } from './machine-steps.ts'
import { rescueSteps } from './rescue/rescue-steps.ts'
import { serverSteps } from './server-steps.ts'
import { storeSteps } from './store-steps.ts'
import { syncSteps } from './sync-steps.ts'
import type { World } from './world.ts'

/** Does something to the world; answers whether it really happened. */
export type StepKind = (world: World, random: SeededRandom, machine: Machine) => boolean | Promise<boolean>
export type StepKinds = Record<string, StepKind>

/** One step of a history: plain data, so that it replays and shrinks. */
export interface Step {
  do: string
  /** Its own chance: what other steps draw does not change what this one does. */
  r: number
  /** Virtual time that passes afterwards. */
  afterMs: number
}

export const allSteps: StepKinds = {
  ...fileSteps,
  ...agentSteps,
  ...machineSteps,
  ...storeSteps,
  ...serverSteps,
  ...syncSteps,
  ...hostileSteps,
}

export async function takeStep(world: World, step: Step): Promise<void> {
  const kind = allSteps[step.do] ?? rescueSteps[step.do]
  if (kind === undefined) throw new Error(`there is no step ${step.do}`)
  const random = seededRandom(step.r)
  const machine = random.pick(world.machines)
  if (await kind(world, random, machine)) world.counts.add(step.do)
  await world.clock.advance(step.afterMs)
}

/** Most steps come close on each other, in the middle of what agents are at; some only after a while. */
export function drawWait(random: SeededRandom): number {
  return random.pick([
    0,
    random.int(0, 30),
    random.int(0, 300),
    random.int(0, 2_000),
    random.int(0, 8_000),
    random.chance(0.1) ? 70_000 : 1_000,
  ])
}
