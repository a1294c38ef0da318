import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Running } from '../../scenarios/logcask-process.ts'
import type { SeededRandom } from '../../support/seeded-random.ts'
import type { Killer } from '../killer.ts'
import { startLogWriter } from '../log-writer.ts'
import type { Site } from '../site.ts'
import { waitFor } from '../wait-for.ts'
import { Account, type Outcome } from './outcome.ts'
import { follow, publish } from './publish.ts'

/**
 * An agent that is killed `kills` times while files grow and rotate, started again each time, and then left alone until
 * every store has every byte. A compactor follows the first store, and is killed as it comes.
 */
export async function agentHistory(site: Site, kill: Killer, kills: number, random: SeededRandom): Promise<Outcome> {
  const account = new Account()
  const config = await site.configure()
  const [followed] = site.stores
  if (followed === undefined) throw new Error('a site without a store')
  const writer = startLogWriter(site.logs, ['app.log', 'access.log', 'with space.log'], random.fork())
  let follower = follow(site, followed)
  for (let at = 0; at < kills; at++) {
    const killed = await kill(site, ['agent', '-c', config], random)
    account.add(killed)
    if (!killed.isKilled) throw new Error(`the agent ended by itself with ${killed.code}:\n${killed.stderr}`)
    if (random.chance(0.5)) {
      await end(follower, 'SIGKILL')
      follower = follow(site, followed)
    }
    await site.look()
    if (random.chance(0.3)) {
      await rm(site.state, { recursive: true, force: true })
      account.statesDeleted++
    }
    if (random.chance(0.3)) await sleep(random.int(0, 300))
  }
  await writer.stop()
  site.server.releaseLate()
  const files = await site.files()
  const last = site.processes.start(['agent', '-c', config])
  await untilDelivered(site, files, [last])
  const { code, stderr } = await end(last, 'SIGTERM')
  account.heard(stderr)
  if (code !== 0) throw new Error(`the agent ended with ${code}:\n${stderr}`)
  await end(follower, 'SIGKILL')
  await site.look()
  const comparisons = await site.compare(files)
  comparisons.set('published', await publish(site, followed, files))
  return account.outcome(site, files, comparisons)
}

/** Two agents on one host by mistake, of which now one and now the other is killed. */
export async function twoAgentsHistory(site: Site, _: Killer, kills: number, random: SeededRandom): Promise<Outcome> {
  const account = new Account()
  const names = ['one', 'two']
  const stateOf = (at: number): string => `${site.state}-${names[at]}`
  const configs = await Promise.all(names.map((name, at) => site.configure(name, { state: stateOf(at) })))
  const start = (at: number): Running => site.processes.start(['agent', '-c', configs[at] ?? ''])
  const writer = startLogWriter(site.logs, ['app.log', 'access.log'], random.fork())
  const agents = [start(0), start(1)]
  for (let killed = 0; killed < kills; killed++) {
    await sleep(random.int(300, 1000))
    const at = random.int(0, 1)
    const { signal, stderr } = await end(agents[at] ?? start(at), 'SIGKILL')
    account.add({ isKilled: signal === 'SIGKILL', hit: undefined, stderr })
    await site.look()
    if (random.chance(0.3)) {
      await rm(stateOf(at), { recursive: true, force: true })
      account.statesDeleted++
    }
    agents[at] = start(at)
  }
  await writer.stop()
  site.server.releaseLate()
  const files = await site.files()
  await untilDelivered(site, files, agents)
  for (const agent of agents) {
    const { code, stderr } = await end(agent, 'SIGTERM')
    account.heard(stderr)
    if (code !== 0) throw new Error(`an agent ended with ${code}:\n${stderr}`)
  }
  await site.look()
  return account.outcome(site, files, await site.compare(files))
}

/** Until every store has every byte of the files. */
export async function untilDelivered(
  site: Site,
  files: ReadonlyMap<string, Uint8Array>,
  agents: readonly Running[],
): Promise<void> {
  const said = (): string => agents.map((agent) => agent.stderr().slice(-4_000)).join('\n')
  const isWhole = async (): Promise<boolean> =>
    [...(await site.compare(files)).values()].every(({ lost }) => lost === 0)
  // The look itself reads everything: not too often.
  await waitFor('every store has every byte', isWhole, { withinMs: 90_000, everyMs: 250, context: said })
}

function end(running: Running, signal: NodeJS.Signals): Running['ended'] {
  running.process.kill(signal)
  return running.ended
}
