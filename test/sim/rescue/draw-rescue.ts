import { type SeededRandom, seededRandom } from '../../support/seeded-random.ts'
import { drawHistory, type History } from '../history.ts'
import { drawWait, type Step } from '../steps.ts'
import { rescueKind } from './rescue-kind.ts'
import { rescueSteps } from './rescue-steps.ts'

/** What of the agent's local doings is on in a history: the spool, housekeeping, files that go whole. */
export interface RescueSetup {
  /** What the spool may hold; undefined: there is none. */
  spoolBytes?: number | undefined
  after: 'keep' | 'delete' | 'move'
  hasWholes: boolean
  /** All processes can be looked at. */
  seesWriters: boolean
}

/** Steps that make one identity mean several histories: what a file system or a bucket has lost is judged elsewhere. */
const others = /^(VM|snapshot|second agent|segments expired|bucket|hostile|sync)/

/** Common causes of what the spool is for, whatever else comes in the history. */
const causes = ['delete', 'rotate', 'kill', 'stop', 'store down', 'store refusing', 'append after rotation']

/**
 * A history in which these are on: of a kind of its own, so that those of the same seed without them stay as they are. The
 * settings come from a chance of their own.
 */
export function drawRescueHistory(seed: number, kinds: readonly string[]): History {
  const fit = kinds.filter((kind) => !others.test(kind))
  const { setup, steps } = drawHistory(seed, fit)
  const random = seededRandom(seed ^ 0x2e5c)
  const rescue = drawSetup(random)
  const own = [...causes.filter((kind) => fit.includes(kind)), ...(rescue.hasWholes ? Object.keys(rescueSteps) : [])]
  const drawn = steps.flatMap((step) => (random.chance(0.3) ? [step, drawStep(random, own)] : [step]))
  const stores = random.pick([1, 2, 2])
  const at = random.int(0, drawn.length)
  const told = random.chance(0.7) ? [...drawn.slice(0, at), ...drawEpisode(random, rescue), ...drawn.slice(at)] : drawn
  return { seed, setup: { ...setup, stores, rescue, kinds: [...setup.kinds, ...own] }, steps: told }
}

/** What the spool is for, in its order: a file is known, no store answers, it goes, the agent ends. */
function drawEpisode(random: SeededRandom, { hasWholes }: RescueSetup): Step[] {
  const isWhole = hasWholes && random.chance(0.5)
  const [write, remove] = isWhole ? ['whole write', 'whole delete'] : ['append', 'delete']
  const story: [string, number][] = [
    ['stores away', random.int(0, 3_000)],
    [write, 36_000],
    [remove, random.pick([1_000, 36_000, 36_000])],
    [random.pick(['kill', 'stop', 'power cut', 'kill']), random.int(0, 5_000)],
  ]
  return story.map(([kind, afterMs]) => ({ do: kind, r: random.int(0, 2 ** 31), afterMs }))
}

export function draw(seed: number, kinds: readonly string[]): History {
  const steps = kinds.filter((kind) => kind !== rescueKind)
  return steps.length === kinds.length ? drawHistory(seed, steps) : drawRescueHistory(seed, steps)
}

function drawSetup(random: SeededRandom): RescueSetup {
  return {
    spoolBytes: random.pick([undefined, 1 << 30, 1 << 30, 1 << 30, 3_000]),
    after: random.pick(['keep', 'delete', 'delete', 'move']),
    hasWholes: random.chance(0.6),
    seesWriters: random.chance(0.7),
  }
}

function drawStep(random: SeededRandom, kinds: readonly string[]): Step {
  return { do: random.pick(kinds), r: random.int(0, 2 ** 31), afterMs: random.chance(0.3) ? 20_000 : drawWait(random) }
}
