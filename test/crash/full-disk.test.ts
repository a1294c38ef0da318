import { execFileSync } from 'node:child_process'
import { statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isLong } from '../scenarios/long.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { canMount, mounted } from '../support/mounts.ts'
import { patternBytes } from '../support/pattern-bytes.ts'
import { untilDelivered } from './histories/agent-history.ts'
import { compactArgs, publish } from './histories/publish.ts'
import { append, expectWhole, expectWholeAfterRestart, newSite, stop, writeLogs } from './new-site.ts'
import type { Site } from './site.ts'
import { waitFor } from './wait-for.ts'

guardLeaks()

const isHere = canMount()
const not = isHere ? '' : ' (not run: mounting a tmpfs needs root, and a kernel that lets it)'

/** A disk of one megabyte at `path`, while `use` runs; `grow` makes it larger, as whoever frees space does. */
function smallDisk(path: string, use: (grow: () => void) => Promise<void>): Promise<void> {
  const grow = (): void => void execFileSync('mount', ['-o', 'remount,size=32m', path])
  return mounted(['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs'], path, () => use(grow))
}

/** Takes what is left. */
async function fill(path: string): Promise<void> {
  const { bsize, bfree } = await statfs(path)
  await writeFile(join(path, 'filler'), Buffer.alloc(bsize * bfree))
}

async function s3Has(site: Site, text: string): Promise<boolean> {
  const [, s3] = site.stores
  return [...((await s3?.read()) ?? [])].some(([, body]) => body.includes(text))
}

describe.skipIf(!isHere)(`a disk that is full${not}`, { timeout: 120_000 }, () => {
  if (isLong)
    it('I1, I6: under the state: it delivers on and says so; started again, it refuses with the remedy until there is room', async () => {
      const site = await newSite('full-state')
      await smallDisk(site.state, async (grow) => {
        const config = await site.configure()
        await writeLogs(site, 5)
        const agent = site.processes.start(['agent', '-c', config])
        await untilDelivered(site, await site.files(), [agent])
        await fill(site.state)
        // Enough that the checkpoint needs a block of its own.
        for (let at = 0; at < 40; at++) await append(site, `later-${at}.log`, 'more\n'.repeat(200))
        await untilDelivered(site, await site.files(), [agent])
        await waitFor('it says so', () => agent.stderr().includes('free space for the state directory'), {
          context: agent.stderr,
        })
        agent.process.kill('SIGKILL')
        await agent.ended
        await append(site, '1.log', 'while nobody looked\n')
        const refused = site.processes.start(['agent', '-c', config])
        await Promise.race([
          refused.ended,
          waitFor('an end, or the delivery', () => s3Has(site, 'while nobody looked')),
        ])
        // Either is right: with the lock it works on, without room for it, it says what is missing.
        if (refused.process.exitCode !== null) expect(refused.stderr()).toMatch(/fix: free space/)
        else expect((await stop(refused)).code).toBe(0)
        grow()
        await expectWholeAfterRestart(site, config)
      })
    })

  it('I1, I5: under a store: the other store gets all, nothing half is left, and it goes on by itself once there is room', async () => {
    const site = await newSite('full-store')
    await smallDisk(site.root, async (grow) => {
      const config = await site.configure()
      for (let at = 0; at < 8; at++) await writeFile(join(site.logs, `${at}.log`), patternBytes(400_000, at))
      const agent = site.processes.start(['agent', '-c', config])
      const [file, s3] = [...site.stores.keys()].map(
        (at) => async () => [...(await site.compare(await site.files())).values()][at],
      )
      await waitFor('the other has all', async () => (await s3?.())?.lost === 0, { context: agent.stderr })
      await waitFor('it is said', () => agent.stderr().includes('ENOSPC'), { context: agent.stderr })
      const before = await file?.()
      expect(before).toMatchObject({ doubled: 0 })
      expect(before?.lost).toBeGreaterThan(0)
      await site.look()
      agent.process.kill('SIGKILL')
      await agent.ended
      const again = site.processes.start(['agent', '-c', config])
      await append(site, '1.log', 'more\n')
      await waitFor('the other has that, too', () => s3Has(site, 'more\n'), { context: again.stderr })
      grow()
      await untilDelivered(site, await site.files(), [again])
      expect((await stop(again)).code).toBe(0)
      await expectWhole(site)
    })
  })

  if (isLong)
    it('I8: under what compact publishes: --once ends with 75 and the remedy, nothing wrong is published, and the next one goes on', async () => {
      const site = await newSite('full-sink')
      for (let at = 0; at < 6; at++) await writeFile(join(site.logs, `${at}.log`), patternBytes(400_000, at))
      const ship = ['ship', site.logs, ...site.to, '--state', site.state, '--host', 'crash-1']
      expect((await site.processes.run(ship)).code).toBe(0)
      const [file] = site.stores
      if (file === undefined) throw new Error('no such store')
      await smallDisk(site.sink, async (grow) => {
        const { code, stderr } = await site.processes.run([...compactArgs(site, file), '--once'])
        expect(stderr).toMatch(/ENOSPC[\s\S]*fix:.*free space/)
        expect(code).toBe(75)
        await site.look()
        const following = site.processes.start([...compactArgs(site, file), '--interval', '100ms'])
        await waitFor('it is said', () => following.stderr().includes('ENOSPC'), { context: following.stderr })
        grow()
        await waitFor('it goes on by itself', async () => (await statfs(site.sink)).bfree < 8192 - 586, {
          context: following.stderr,
        })
        expect((await stop(following)).code).toBe(0)
        expect(await publish(site, file, await site.files())).toMatchObject({ lost: 0, doubled: 0, different: [] })
        await expectWhole(site)
      })
    })
})
