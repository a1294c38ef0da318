import { randomFaults } from '../support/fault-s3-faults.ts'
import { type SeededRandom, seededRandom } from '../support/seeded-random.ts'
import { agentHistory, twoAgentsHistory } from './histories/agent-history.ts'
import { compactHistory } from './histories/compact-history.ts'
import type { Outcome } from './histories/outcome.ts'
import { shipHistory } from './histories/ship-history.ts'
import { atNamedPoint, byChance, type Killer } from './killer.ts'
import { whyNoStrace } from './named-point.ts'
import { Site } from './site.ts'

type History = (site: Site, kill: Killer, kills: number, random: SeededRandom) => Promise<Outcome>

/** A kind of history: who is killed, how, and what the store does meanwhile. */
export interface Mode {
  name: string
  history: History
  killer: Killer
  /** What the S3 server does, by probability. */
  faults: Parameters<typeof randomFaults>[0]
  /** Why it cannot be run here. */
  notHere?: string | undefined
}

/** An answer that takes a moment leaves time to be killed in. */
const slow = { slow: 0.5 }
const bad = { '503': 0.33, lost: 0.05, '500-after': 0.05, 'lost-before': 0.03, late: 0.02 }
const somewhatBad = { '503': 0.1, lost: 0.05, '500-after': 0.05, late: 0.02, slow: 0.5 }

export const modes: readonly Mode[] = [
  { name: 'agent, by chance', history: agentHistory, killer: byChance, faults: slow },
  { name: 'agent, by chance, bad store', history: agentHistory, killer: byChance, faults: bad },
  { name: 'two agents, by chance', history: twoAgentsHistory, killer: byChance, faults: somewhatBad },
  { name: 'ship, by chance', history: shipHistory, killer: byChance, faults: somewhatBad },
  { name: 'compact, by chance', history: compactHistory, killer: byChance, faults: somewhatBad },
  { name: 'agent, at system calls', history: agentHistory, killer: atNamedPoint, faults: {}, notHere: whyNoStrace },
  { name: 'ship, at system calls', history: shipHistory, killer: atNamedPoint, faults: {}, notHere: whyNoStrace },
  { name: 'compact, at system calls', history: compactHistory, killer: atNamedPoint, faults: {}, notHere: whyNoStrace },
]

/**
 * One history. The seed chooses what is written and where is killed; what a kill meets is up to the machine as well.
 * Where it fails its directory is kept, and the error says which.
 */
export async function runHistory(mode: Mode, seed: number, kills: number): Promise<Outcome> {
  const random = seededRandom(seed)
  const site = await Site.create(mode.name.split(',')[0]?.replace(' ', '-') ?? '')
  let isKept = true
  try {
    site.server.fault(randomFaults(mode.faults, seed))
    const outcome = await mode.history(site, mode.killer, kills, random)
    isKept = false
    return outcome
  } catch (error) {
    throw new Error(`${mode.name}, seed ${seed}: see ${site.directory}`, { cause: error })
  } finally {
    await site.close({ isKept })
  }
}
