import { appendFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SeededRandom } from '../../support/seeded-random.ts'
import type { Killer } from '../killer.ts'
import type { Site } from '../site.ts'
import { Account, type Outcome } from './outcome.ts'
import { compactArgs, publish } from './publish.ts'
import { makeFiles } from './ship-history.ts'

/**
 * A compactor that is killed again and again while the streams that it publishes grow. It reads one of the stores; what
 * it published once may only grow.
 */
export async function compactHistory(site: Site, kill: Killer, kills: number, random: SeededRandom): Promise<Outcome> {
  const account = new Account()
  const store = random.pick(site.stores)
  await makeFiles(site.logs, random)
  const ship = async (): Promise<void> => {
    const args = ['ship', site.logs, ...site.to, '--state', site.state, '--host', 'crash-1']
    const { code, stderr } = await site.processes.run(args)
    if (code !== 0) throw new Error(`ship ended with ${code}:\n${stderr}`)
  }
  await ship()
  for (let at = 0; at < kills; at++) {
    const how = random.chance(0.5) ? ['--once'] : ['--interval', '100ms']
    account.add(await kill(site, [...compactArgs(site, store), ...how], random))
    await site.look()
    // Its records are a cache: without them it compares.
    if (random.chance(0.2)) await rm(join(site.sink, '.logcask'), { recursive: true, force: true })
    for (let file = 0; file < 24; file += random.int(1, 8))
      await appendFile(join(site.logs, `${file}.log`), `more ${at}\n`.repeat(random.int(0, 20_000)))
    await writeFile(join(site.logs, `new-${at}.log`), `new ${at}\n`)
    await ship()
  }
  const files = await site.files()
  const published = await publish(site, store, files)
  const comparisons = await site.compare(files)
  return account.outcome(site, files, comparisons.set('published', published))
}
