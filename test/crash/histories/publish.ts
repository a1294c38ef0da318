import type { Running } from '../../scenarios/logcask-process.ts'
import { type Comparison, compareWithPublished } from '../../scenarios/stored-content.ts'
import type { Site, SiteStore } from '../site.ts'

export function compactArgs(site: Site, { url, endpoint }: SiteStore): string[] {
  return ['compact', '--from', url, '--to', site.sink, ...(endpoint === undefined ? [] : ['--endpoint', endpoint])]
}

/** A compactor that follows a store; to be killed and started again. */
export function follow(site: Site, store: SiteStore): Running {
  return site.processes.start([...compactArgs(site, store), '--interval', '100ms'])
}

/** Publishes all that there is, as often as "try again" is the answer, and compares. */
export async function publish(
  site: Site,
  store: SiteStore,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<Comparison> {
  for (let attempt = 1; ; attempt++) {
    const { code, stderr } = await site.processes.run([...compactArgs(site, store), '--once'])
    if (code === 0) break
    if (code !== 75 || attempt === 10) throw new Error(`compact --once ended with ${code}:\n${stderr}`)
  }
  await site.look()
  return compareWithPublished(files, site.sink)
}
