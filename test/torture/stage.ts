import { mkdtemp, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type SeededRandom, seededRandom } from '../support/seeded-random.ts'
import { FaultPlan, fullRates } from './fault-plan.ts'
import { requireFit } from './fitness.ts'
import type { TortureOptions } from './options.ts'
import { Oracle } from './oracle.ts'
import { Pace } from './pace.ts'
import { type PlainStore, plainStore } from './plain-store.ts'
import { FaultProxy } from './proxy.ts'
import { createSigner } from './proxy-sign.ts'
import { Sightings } from './sightings.ts'
import { resolveTarget, type S3Target, type Target } from './target.ts'
import { type Note, openTimeline } from './timeline.ts'
import { prepareLogcask } from './torture-process.ts'

/** What a run works with: the store from both sides, and a directory. */
export interface Stage {
  target: Target
  store: PlainStore
  /** The command that is `logcask ARGS`. */
  logcask(...args: string[]): string[]
  /** Undefined: a file:// store. */
  proxy: FaultProxy | undefined
  plan: FaultPlan
  sightings: Sightings
  oracle: Oracle
  directory: string
  note: Note
  pace: Pace
  random: SeededRandom
  close(): Promise<void>
}

/** Throws, with what to do, where the store cannot be reached. */
export async function openStage(options: TortureOptions): Promise<Stage> {
  const random = seededRandom(options.seed)
  const name = `torture-${Date.now().toString(36)}`
  const target = await resolveTarget(options, name)
  const store = plainStore(target)
  await requireReachable(store, target)
  const logcask = await prepareLogcask()
  if (target.scheme === 's3') await requireFit(target, logcask)
  const pace = new Pace(logcask('--version'))
  await pace.measure()
  const sightings = new Sightings()
  const plan = new FaultPlan(random.fork(), fullRates, {
    // A request that is older is refused for its signature.
    lateMsMax: Math.min(300_000, options.durationMs / 2),
    now: () => performance.now(),
  })
  const proxy = target.scheme === 's3' ? await startProxy(target, plan, sightings) : undefined
  const directory = await mkdtemp(join(await realpath(tmpdir()), `logcask-${name}-`))
  return {
    target,
    store,
    logcask,
    pace,
    proxy,
    plan,
    sightings,
    oracle: new Oracle(join(directory, 'oracle')),
    directory,
    note: openTimeline(join(directory, 'timeline.log')),
    random,
    async close() {
      await proxy?.close()
      if (target.scheme === 's3') target.client.destroy()
    },
  }
}

async function requireReachable(store: PlainStore, target: Target): Promise<void> {
  try {
    await store.list('')
  } catch (error) {
    const where = target.scheme === 's3' ? ` at ${target.endpoint}` : ''
    throw new Error(`${target.url}${where}: ${reasonOf(error)}`)
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as { code?: string }
  return `${error.name}${code ? ` ${code}` : ''}: ${error.message || 'no answer'}`
}

async function startProxy(target: S3Target, plan: FaultPlan, sightings: Sightings): Promise<FaultProxy> {
  const root = `/${target.bucket}/${target.prefix}`
  const proxy = new FaultProxy({
    upstream: target.endpoint,
    ca: target.ca,
    plan,
    sign: createSigner(target),
    onStored(path, facts) {
      if (path.startsWith(root)) sightings.see(path.slice(root.length), facts)
    },
  })
  await proxy.listen()
  return proxy
}
