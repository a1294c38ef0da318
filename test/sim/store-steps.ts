import type { StepKinds } from './steps.ts'
import { weathers } from './store.ts'

/** What becomes of the stores. */
export const storeSteps: StepKinds = {
  ...Object.fromEntries(
    weathers
      .filter((weather) => weather !== 'fine')
      .map(
        (weather) =>
          [
            `store ${weather}`,
            (world, random) => {
              const store = random.pick(world.stores)
              store.weather = weather
              if (random.chance(0.8))
                world.clock.timer(random.pick([500, 5_000, 30_000]), () => {
                  if (store.weather === weather) store.weather = 'fine'
                })
              return true
            },
          ] satisfies [string, StepKinds[string]],
      ),
  ),
  'bucket backed up': (world, random) => {
    world.backUp(random.pick(world.stores))
    return true
  },
  'bucket restored': async (world, random) => {
    const store = random.pick(world.stores)
    const backup = world.backupOf(store)
    if (backup === undefined) return false
    await store.become(backup)
    return true
  },
  'segments expired': async (world, random) => {
    const store = random.pick(world.stores)
    const before = world.clock.now() - random.pick([1_000, 10_000, 60_000])
    const left = [...store.objects].filter(
      ([key, object]) => !key.startsWith('segments/') || object.storedAtMs > before,
    )
    if (left.length === store.objects.size) return false
    await store.become(new Map(left))
    return true
  },
  'bucket emptied': async (world, random) => {
    await random.pick(world.stores).become(new Map())
    return true
  },
}
