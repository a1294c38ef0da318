import { isCode, messageOf } from '../../src/base/errors.ts'
import { retryingReads } from '../../src/bucket/retrying-reads.ts'
import { syncOnce } from '../../src/compactor/sync/sync.ts'
import type { SeededRandom } from '../support/seeded-random.ts'
import { VirtualProcess } from './process.ts'
import type { StepKinds } from './steps.ts'
import type { World } from './world.ts'

/** Joining stores, while agents deliver to them. */
export const syncSteps: StepKinds = {
  sync: (world, random) => start(world, random) !== undefined,
  'sync kill': (world, random) => {
    const process = start(world, random)
    if (process === undefined) return false
    world.clock.timer(random.pick([10, 100, 1_000, 5_000]), () => {
      if (process.isAlive) world.counts.add('sync killed at work')
      process.kill()
    })
    return true
  },
}

/** From one store to another, as a process of its own. Several may run at once. */
function start(world: World, random: SeededRandom): VirtualProcess | undefined {
  const [source, target] = random.shuffle(world.stores)
  if (source === undefined || target === undefined) return undefined
  const process = new VirtualProcess({ clock: world.clock, random: world.random, slowCalls: 0 })
  const { clock } = process
  syncOnce({
    source: retryingReads(source.reach(process), clock),
    target: retryingReads(target.reach(process), clock),
    clock,
    admit: async () => {},
    isDryRun: false,
    isWanted: () => true,
    onStream: ({ kind, segments, problems }) => {
      world.counts.add(`sync: ${kind}`)
      world.counts.add('sync: segments brought', segments)
      const [bad] = problems.filter(({ code }) => code === 'internal' || code === 'invalid')
      if (bad) world.failures.push(`sync: ${bad.message}`)
    },
    onProblem: () => {},
    signal: new AbortController().signal,
  }).then(
    () => {
      world.counts.add('sync ended')
      process.kill()
    },
    (error) => {
      if (process.isAlive && !isCode(error, 'unavailable', 'refused'))
        world.failures.push(`sync ended: ${messageOf(error)}`)
      process.kill()
    },
  )
  return process
}
