import type { SeededRandom } from '../support/seeded-random.ts'
import type { RescueSetup } from './rescue/draw-rescue.ts'

/** What stands still during a history. */
export interface Setup {
  stores: number
  agents: number
  compactors: number
  /** What every file begins with, in bytes: equal heads are where evidence is hard. */
  header: number
  hasBirthTimes: boolean
  reusesInodes: boolean
  hasMachineIds: boolean
  followSymlinks: boolean
  olddir?: string | undefined
  sealAfterMs: number
  scanIntervalMs: number
  openFilesMax: number
  /** Undefined: the product's, which no history fills. */
  segmentBytes?: number | undefined
  /** Bytes by which lines are longer than their number: of one length only, whoever writes instead of another fits in. */
  paddings: readonly number[]
  /** Segments at once that are not full. */
  budget: number
  watches: boolean
  probes: boolean
  /** Part of the system calls that take time. */
  slowCalls: number
  /** The agents' local doings beside shipping; undefined: none of them. */
  rescue?: RescueSetup | undefined
  /** Kinds of steps that come in it. */
  kinds: readonly string[]
}

/** Files of a history, by path. */
export const logNames = ['/logs/app.log', '/logs/app.log', '/logs/b.log']

const variedPaddings = [0, 0, 3, 3, 50, 50, 1_000, 3_000, 7, 7, 7, 40_000]

/** What must happen before a step can do anything. */
const needs: Readonly<Record<string, readonly string[]>> = {
  compress: ['rotate'],
  reopen: ['rotate'],
  'append after rotation': ['rotate'],
  'rotate chain': ['rotate'],
  'state restored': ['state saved'],
  'bucket restored': ['bucket backed up'],
  'VM roll back': ['VM snapshot'],
  'snapshot import': ['VM snapshot'],
  'second agent': ['kill'],
}

export function drawSetup(random: SeededRandom, kinds: readonly string[], steps: { kindsMax: number }): Setup {
  const drawn = random.shuffle(kinds).slice(0, random.int(2, steps.kindsMax))
  const chosen = [...new Set(drawn.flatMap((kind) => [kind, ...(needs[kind] ?? [])]))]
  const has = (...names: string[]): boolean => names.some((name) => chosen.includes(name))
  const stores = random.pick([1, 1, 2])
  const hasBirthTimes = random.chance(0.85)
  return {
    stores,
    agents: has('second agent') ? 2 : 1,
    compactors: has(
      'compactor kill',
      'torn write',
      'server disk full',
      'second compactor',
      'hostile keys',
      'hostile strays',
    )
      ? random.pick([1, 2])
      : random.pick([0, 0, 0, 1]),
    header: random.pick([0, 0, 5, 300, 4_200]),
    paddings: random.pick([variedPaddings, variedPaddings, [3]]),
    hasBirthTimes,
    reusesInodes: random.chance(0.6),
    hasMachineIds: random.chance(0.8),
    followSymlinks: has('symlink switch') && random.chance(0.7),
    olddir: random.chance(0.2) ? 'old' : undefined,
    sealAfterMs: random.pick([2_000, 10_000, 30_000]),
    scanIntervalMs: random.pick([1_000, 2_000, 10_000]),
    openFilesMax: random.pick([100, 100, 2]),
    budget: random.pick([1000, 1000, 3]),
    watches: random.chance(0.6),
    probes: random.chance(0.1),
    slowCalls: random.pick([0.02, 0.1, 0.3]),
    // Many of a stream are under way at once where they are small; some smaller than a window, some larger.
    segmentBytes: random.pick([undefined, undefined, 250, 1_000, 4_096, 6_000]),
    kinds: chosen,
  }
}
