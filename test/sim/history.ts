import type { AgentEvent } from '../../src/agent/context.ts'
import { type SeededRandom, seededRandom } from '../support/seeded-random.ts'
import type { Counts } from './counts.ts'
import type { Machine } from './machine.ts'
import { judge, missing } from './oracle/oracle.ts'
import { drawSetup, type Setup } from './setup.ts'
import { drawWait, type Step, takeStep } from './steps.ts'
import { syncSteps } from './sync-steps.ts'
import { World } from './world.ts'

/** A history as data: the same one runs the same way. */
export interface History {
  seed: number
  setup: Setup
  steps: readonly Step[]
}

export interface Verdict {
  violations: string[]
  counts: Counts
  /** Virtual time that it took. */
  tookMs: number
}

export function drawHistory(seed: number, kinds: readonly string[]): History {
  const random = seededRandom(seed)
  const others = kinds.filter((kind) => syncSteps[kind] === undefined)
  const setup = drawSetup(random, others, { kindsMax: 6 })
  const steps = Array.from({ length: random.int(8, 30) }, () => drawStep(random, setup))
  return withSync({ seed, setup, steps }, kinds)
}

/** Some histories are joined as well, by a chance of their own: those that are not stay as they were. */
function withSync({ seed, setup, steps }: History, kinds: readonly string[]): History {
  const random = seededRandom(seed ^ 0x51c)
  const own = kinds.filter((kind) => syncSteps[kind] !== undefined)
  if (own.length === 0 || !random.chance(0.2)) return { seed, setup, steps }
  const joined = steps.flatMap((step) => {
    const sync = { do: random.pick(own), r: random.int(0, 2 ** 31), afterMs: drawWait(random) }
    return random.chance(0.25) ? [step, sync] : [step]
  })
  return { seed, setup: { ...setup, stores: 2, kinds: [...setup.kinds, ...own] }, steps: joined }
}

function drawStep(random: SeededRandom, setup: Setup): Step {
  const kind = random.chance(0.4) ? 'append' : random.pick(setup.kinds)
  return { do: kind, r: random.int(0, 2 ** 31), afterMs: drawWait(random) }
}

export interface Watcher {
  onStep?: (step: Step, world: World) => void
  onEvent?: (agent: string, event: AgentEvent, world: World) => void
}

/** Runs a history to its end, lets everything come to rest, and judges it. */
export async function runHistory(history: History, watcher: Watcher = {}): Promise<Verdict> {
  const world = new World(history.seed, history.setup)
  world.onEvent = (agent, event) => watcher.onEvent?.(agent, event, world)
  const beganMs = world.clock.monotonic()
  try {
    const [first] = world.agents
    if (first) world.startAgent(first)
    for (const server of world.servers) server.start()
    for (const step of history.steps) {
      watcher.onStep?.(step, world)
      await takeStep(world, step)
    }
    await comeToRest(world)
    return { violations: judge(world), counts: world.counts, tookMs: world.clock.monotonic() - beganMs }
  } finally {
    world.end()
  }
}

/** Holds are a minute at most; a bucket that was turned back is looked at a life a minute. */
const restMs = 75_000
const restlessMs = 1_200_000
/** Compressed files are held for a minute before they are judged. */
const lateMs = 240_000
/**
 * A whole check of each stream, a life a minute, and a compactor's looks: a few requests each; and each agent (two of them
 * cost requests, DESIGN.md section 4) reads each segment once.
 */
const idleMs = 60_000
const idleRequestsMax = 150

/**
 * I5: with a store that is down for good, the others have everything all the same. False where no such store is there, or
 * no other.
 */
async function restWithout(world: World): Promise<boolean> {
  const down = world.stores.filter((store) => store.weather === 'down' || store.weather === 'refusing')
  const others = world.stores.filter((store) => !down.includes(store))
  if (down.length === 0 || others.length === 0) return false
  for (const store of others) store.weather = 'fine'
  const began = world.clock.monotonic()
  while (world.clock.monotonic() - began < lateMs && missing(world, others).length > 0) {
    for (const store of down) store.weather = 'down'
    await world.clock.advance(5_000)
  }
  world.counts.add('judged with a store down')
  const full = world.machines.filter((machine) => isFullOfDeleted(world, machine))
  world.counts.add('descriptors all held by deleted files', full.length)
  const isExcused = (what: string): boolean => full.some(({ name }) => what.startsWith(`I1 missing: ${name}:`))
  for (const what of missing(world, others))
    if (!isExcused(what)) world.failures.push(what.replace('I1 missing', 'I5 late'))
  return true
}

/** Known: a descriptor is all that keeps a deleted file that a silent store lacks; here no spool takes it over. */
function isFullOfDeleted({ chronicle, setup }: World, { name }: Machine): boolean {
  const held = chronicle.files.filter(({ machine, inode }) => machine === name && inode.links === 0 && inode.opens > 0)
  return held.length >= setup.openFilesMax
}

/** I7: what agents ask of the stores when nothing happens. */
async function countIdleRequests(world: World): Promise<void> {
  const before = world.stores.map((store) => ({ requests: store.requests, objects: store.objects.size }))
  await world.clock.advance(idleMs)
  const agents = world.agents.filter((slot) => slot.isRunning).length
  const running = agents + world.servers.length
  for (const [at, store] of world.stores.entries()) {
    // A copy that was judged, or a seal that fell due: something happened.
    if (store.objects.size !== before[at]?.objects) continue
    const requests = store.requests - before[at].requests
    if (requests > idleRequestsMax * running + store.objects.size * Math.max(1, agents))
      world.failures.push(
        `${store.name}: I7 idle: ${requests} requests in ${idleMs / 1000} s in which nothing happened`,
      )
  }
}

/** All faults stop, and time passes until nothing changes any more. */
async function comeToRest(world: World): Promise<void> {
  await world.clock.advance(5_000)
  startAll(world)
  await restWithout(world)
  for (const store of world.stores) store.weather = 'fine'
  const began = world.clock.monotonic()
  let state = ''
  let since = began
  while (world.clock.monotonic() - began < restlessMs) {
    await world.clock.advance(5_000)
    const now = world.stores.map((store) => store.objects.size).join()
    if (now !== state) since = world.clock.monotonic()
    state = now
    if (world.clock.monotonic() - since >= restMs && missing(world).length === 0) return countIdleRequests(world)
  }
}

function startAll(world: World): void {
  for (const machine of world.machines) {
    machine.disk.isFull = false
    machine.disk.unreadable.clear()
    // It gives what was there when it began, and no more.
    for (const slot of world.agentsOf(machine)) if (slot.isOneShot && !slot.isImport) slot.kill()
    if (!world.agentsOf(machine).some((slot) => slot.isRunning)) {
      const [slot] = world.agentsOf(machine)
      if (slot) world.startAgent(slot)
    }
  }
  for (const server of world.servers) {
    server.disk.isFull = false
    server.start()
  }
}
