import type { SeededRandom } from '../../support/seeded-random.ts'
import type { Machine } from '../machine.ts'
import type { StepKinds } from '../steps.ts'
import type { World } from '../world.ts'
import { wholeRoom } from './ledger.ts'

const live = `${wholeRoom}/app.log`

/** What becomes of files that go whole. Each answers whether it really did something. */
export const rescueSteps: StepKinds = {
  'stores away': (world, random) => {
    const awayMs = random.pick([60_000, 120_000, 150_000])
    for (const store of world.stores) {
      store.weather = 'down'
      world.clock.timer(awayMs, () => {
        if (store.weather === 'down') store.weather = 'fine'
      })
    }
    return true
  },
  'whole write': (world, random, machine) => {
    const number = world.rescue?.wholes.length ?? 0
    write(world, random, machine, `${wholeRoom}/job${number}-20130704T00Z.log`)
    return true
  },
  'whole append': (world, random, machine) => {
    const before = machine.file(live)
    // Whoever opens a log anew after it was closed begins another: an idle one may be complete.
    if (before && machine.held.get(live) !== before) machine.rename(live, rotated(world))
    write(world, random, machine, live)
    const inode = machine.file(live)
    if (inode) machine.hold(live, inode)
    return true
  },
  'whole late': (world, random, machine) => {
    const inode = machine.held.get(live)
    if (inode === undefined || world.rescue?.of(inode) === undefined) return false
    if (machine.file(live) === inode) machine.rename(live, rotated(world))
    // Rotated, and quiet for so long that it could pass for complete.
    world.later(machine, random.pick([0, 8_000, 40_000]), () => {
      if (machine.held.get(live) === inode) machine.disk.append(inode, Buffer.from(text(world, random)))
      world.rescue?.look()
    })
    return true
  },
  'whole rotate': (world, random, machine) => {
    if (machine.file(live) === undefined) return false
    machine.rename(live, rotated(world))
    if (random.chance(0.7)) machine.letGo(live)
    return true
  },
  'whole close': (_, __, machine) => {
    const isHeld = machine.held.has(live)
    machine.letGo(live)
    return isHeld
  },
  'whole delete': (world, random, machine) => {
    const there = [...machine.disk.within(wholeRoom)].filter(([, inode]) => inode.kind === 'file')
    if (there.length === 0) return false
    const [path, inode] = random.pick(there)
    const whole = world.rescue?.of(inode)
    if (random.chance(0.7)) machine.letGo(live)
    if (whole) world.rescue?.deleted(machine, whole)
    machine.unlink(path)
    return true
  },
}

/** A name that no other file has had. */
function rotated(world: World): string {
  return `${live}.${world.rescue?.wholes.length ?? 0}`
}

function write(world: World, random: SeededRandom, machine: Machine, path: string): void {
  world.rescue?.write(machine, path, text(world, random))
}

/** Lines that nobody else writes. */
function text(world: World, random: SeededRandom): string {
  return `${world.clock.monotonic()} ${random.int(0, 2 ** 31)} ${'.'.repeat(random.pick([3, 500, 6_000]))}\n`
}
