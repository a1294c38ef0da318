import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SeededRandom } from '../../support/seeded-random.ts'
import type { Killer } from '../killer.ts'
import type { Site } from '../site.ts'
import { Account, type Outcome } from './outcome.ts'

/** `ship` that is killed again and again: the last one completes what the others began, and repeats nothing. */
export async function shipHistory(site: Site, kill: Killer, kills: number, random: SeededRandom): Promise<Outcome> {
  const account = new Account()
  await makeFiles(site.logs, random)
  const args = ['ship', site.logs, ...site.to, '--state', site.state, '--host', 'crash-1']
  for (let at = 0; at < kills; at++) {
    account.add(await kill(site, args, random))
    await site.look()
    if (random.chance(0.4)) {
      await rm(site.state, { recursive: true, force: true })
      account.statesDeleted++
    }
  }
  const { code, stderr } = await site.processes.run(args)
  account.heard(stderr)
  if (code !== 0) throw new Error(`ship ended with ${code}:\n${stderr}`)
  site.server.releaseLate()
  await site.look()
  const files = await site.files()
  return account.outcome(site, files, await site.compare(files))
}

/** Some of several segments, many small ones, empty ones among them. */
export async function makeFiles(directory: string, random: SeededRandom): Promise<void> {
  for (let at = 0; at < 24; at++) {
    const length = at % 8 === 0 ? random.int(1_000_000, 6_000_000) : random.int(0, 50_000)
    await writeFile(join(directory, `${at}.log`), Buffer.alloc(length, `line ${at}\n`))
  }
}
