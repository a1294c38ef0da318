import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Running } from '../scenarios/logcask-process.ts'
import { logcask, startLogcask, until } from '../scenarios/logcask-process.ts'
import { type Comparison, compareWithFiles, compareWithPublished, type Holdings } from '../scenarios/stored-content.ts'
import type { SeededRandom } from '../support/seeded-random.ts'
import { startLogWriter } from './log-writer.ts'

export interface Store {
  name: string
  url: string
  endpoint?: string
  read(): Holdings | Promise<Holdings>
  isFollowed?: boolean
}

export interface CrashRun {
  kills: number
  /** Of them, with the state directory deleted afterwards. */
  statesDeleted: number
  rotations: number
  /** By name of the store. */
  comparisons: Map<string, Comparison>
  /** What each agent said. */
  logs: string[]
  files: Map<string, Uint8Array>
}

/** Follows a store into a directory, and is killed and started again as the agent is. */
interface Follower {
  crash(): Promise<void>
  /** Ends it, publishes what is left, and compares. */
  finish(files: ReadonlyMap<string, Uint8Array>): Promise<Comparison>
}

function startFollower(store: Store, root: string, env: Readonly<Record<string, string>>): Follower {
  const endpoint = store.endpoint === undefined ? [] : ['--endpoint', store.endpoint]
  const args = ['compact', '--from', store.url, '--to', root, ...endpoint]
  const start = (): Running => startLogcask([...args, '--interval', '100ms'], { env })
  let running = start()
  const kill = async (): Promise<void> => {
    running.process.kill('SIGKILL')
    await running.ended
  }
  return {
    async crash() {
      await kill()
      running = start()
    },
    async finish(files) {
      await kill()
      const { code, stderr } = await logcask([...args, '--once'], { env })
      if (code !== 0) throw new Error(`compact --once ended with ${code}:\n${stderr}`)
      return compareWithPublished(files, root)
    },
  }
}

/**
 * An agent that is killed `kills` times while files grow and rotate, started again each time, and then left alone until
 * every store has every byte. `calm` is called before that: faults may end there. A compactor follows each store with
 * `isFollowed`, and is killed as often.
 */
export async function runCrashes(
  directory: string,
  stores: readonly Store[],
  options: { kills: number; random: SeededRandom; calm?: () => void; env?: Readonly<Record<string, string>> },
): Promise<CrashRun> {
  const { kills, random, env = {} } = options
  const logs = join(directory, 'logs')
  const state = join(directory, 'state')
  const config = join(directory, 'agent.yaml')
  await mkdir(logs)
  await writeFile(config, configOf(logs, state, stores))
  const said: string[] = []
  const writer = startLogWriter(logs, ['app.log', 'access.log', 'with space.log'], random.fork())
  const followers = stores
    .filter(({ isFollowed }) => isFollowed)
    .map((store) => ({ name: store.name, follower: startFollower(store, join(directory, `of-${store.name}`), env) }))
  let statesDeleted = 0
  for (let kill = 0; kill < kills; kill++) {
    const agent = startLogcask(['agent', '-c', config], { env })
    // Short ones die while they start: in the probe, the listing, the first segment.
    await sleep(random.chance(0.3) ? random.int(50, 400) : random.int(400, 1500))
    agent.process.kill('SIGKILL')
    const { stderr, signal, code } = await agent.ended
    said.push(stderr)
    if (random.chance(0.5)) for (const { follower } of followers) await follower.crash()
    if (signal !== 'SIGKILL') throw new Error(`the agent ended by itself with ${code}:\n${stderr}`)
    if (random.chance(0.3)) {
      await rm(state, { recursive: true, force: true })
      statesDeleted++
    }
    if (random.chance(0.3)) await sleep(random.int(0, 300))
  }
  await writer.stop()
  options.calm?.()
  const files = new Map<string, Uint8Array>()
  for (const name of await readdir(logs)) files.set(join(logs, name), await readFile(join(logs, name)))
  const last = startLogcask(['agent', '-c', config], { env })
  const comparisons = new Map<string, Comparison>()
  await untilDelivered(stores, files, comparisons, last)
  last.process.kill('SIGTERM')
  const { code, stderr } = await last.ended
  said.push(stderr)
  if (code !== 0) throw new Error(`the agent ended with ${code}:\n${stderr}`)
  for (const store of stores) comparisons.set(store.name, compareWithFiles(files, await store.read()))
  for (const { name, follower } of followers) comparisons.set(`${name} → files`, await follower.finish(files))
  return { kills, statesDeleted, rotations: writer.rotations, comparisons, logs: said, files }
}

async function untilDelivered(
  stores: readonly Store[],
  files: ReadonlyMap<string, Uint8Array>,
  comparisons: Map<string, Comparison>,
  agent: Running,
): Promise<void> {
  for (const store of stores) {
    await until(
      `${store.name} has every byte`,
      async () => {
        const comparison = compareWithFiles(files, await store.read())
        comparisons.set(store.name, comparison)
        return comparison.lost === 0
      },
      {
        // A net, not a measure: on a busy machine all of it may still be to go. The look itself reads everything.
        withinMs: 90_000,
        everyMs: 500,
        context: () => `${JSON.stringify(comparisons.get(store.name))}\n${agent.stderr().slice(-4_000)}`,
      },
    )
  }
}

function configOf(logs: string, state: string, stores: readonly Store[]): string {
  const destinations = stores.map(({ name, url, endpoint }) => ({
    name,
    url,
    ...(endpoint === undefined ? {} : { endpoint }),
    budget: { burst: 1000, everySeconds: 0.1 },
  }))
  return JSON.stringify({
    host: 'crash-1',
    state,
    sources: [{ name: 'logs', include: [`${logs}/*.log*`], sealAfter: '1s' }],
    destinations,
    scanInterval: '1s',
    log: { level: 'warn' },
  })
}

/** For the people who read the output of a run. */
export function tableOf(run: CrashRun): string {
  const rows = [...run.comparisons].map(
    ([name, { bytes, lost, doubled, different }]) =>
      `${name.padEnd(12)} ${String(bytes).padStart(12)} ${String(lost).padStart(8)} ${String(doubled).padStart(8)} ${String(different.length).padStart(8)}`,
  )
  const head = `${'store'.padEnd(12)} ${'bytes'.padStart(12)} ${'lost'.padStart(8)} ${'doubled'.padStart(8)} ${'differ'.padStart(8)}`
  return [
    `${run.kills} kills (${run.statesDeleted} with the state deleted) · ${run.rotations} rotations · ${run.files.size} files`,
    head,
    ...rows,
  ].join('\n')
}
