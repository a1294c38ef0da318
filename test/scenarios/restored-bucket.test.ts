import { appendFile, cp, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { untilDelivered } from '../crash/histories/agent-history.ts'
import { expectWhole, newSite, stop } from '../crash/new-site.ts'
import { sample } from '../crash/sample.ts'
import type { Site } from '../crash/site.ts'
import { waitFor } from '../crash/wait-for.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { patternBytes } from '../support/pattern-bytes.ts'
import { expectCat, readStreams } from './read-back.ts'

guardLeaks()

const names = ['app.log', 'access.log', 'quiet.log']

interface Backup {
  /** Turns both stores back to what they were; without it they are emptied. */
  restore(): Promise<void>
}

/** What is in both stores now: as `cp -a` of a directory, and as a copy of a bucket, with the metadata. */
async function backUp({ root, server }: Site): Promise<Backup> {
  const copy = `${root}-backup`
  await cp(root, copy, { recursive: true, preserveTimestamps: true })
  const objects = server.objects.keys().map((key) => ({ key, object: server.objects.current(key) }))
  return {
    async restore() {
      await rm(root, { recursive: true })
      await cp(copy, root, { recursive: true, preserveTimestamps: true })
      for (const key of server.objects.keys()) server.objects.purge(key)
      for (const { key, object } of objects) if (object) server.objects.put(key, object.body, object.metadata)
    },
  }
}

/** All but what says that a store is there: an empty directory in its place would be a disk that is not mounted. */
async function empty({ root, server }: Site): Promise<void> {
  for (const room of ['segments', 'seals', 'gaps', 'aliases', 'probes'])
    await rm(join(root, room), { recursive: true, force: true })
  for (const key of server.objects.keys()) server.objects.purge(key)
}

/** Logs in both stores, an older copy of these, and more that was delivered since: some of it by a rotation. */
async function setUp() {
  const site = await newSite('restored')
  const config = await site.configure()
  for (const [at, name] of names.entries())
    await writeFile(join(site.logs, name), patternBytes(200_000 * at + 5_000, at))
  const deliver = async (): Promise<void> => {
    const agent = site.processes.start(['agent', '-c', config])
    await untilDelivered(site, await site.files(), [agent])
    const { code, stderr } = await stop(agent)
    expect(code, stderr).toBe(0)
    expect(stderr).not.toMatch(/"forked"|"gap"/)
  }
  await deliver()
  const backup = await backUp(site)
  for (const name of ['app.log', 'access.log']) await appendFile(join(site.logs, name), patternBytes(300_000, 7))
  await rename(join(site.logs, 'app.log'), join(site.logs, 'app.log.1'))
  await writeFile(join(site.logs, 'app.log'), 'after the rotation\n')
  await deliver()
  const ship = async (): Promise<void> => {
    const args = ['ship', site.logs, ...site.to, '--state', site.state, '--host', 'crash-1']
    const { code, stderr } = await site.processes.run(args)
    expect(code, stderr).toBe(0)
  }
  return { site, deliver, ship, backup }
}

/** Every file is one stream in both stores, with exactly its bytes, and no gap. */
async function expectAsIfNothingHappened(site: Site): Promise<void> {
  const files = await site.files()
  for (const [store, { lost, doubled, different }] of await site.compare(files))
    expect({ store, lost, doubled, different }).toEqual({ store, lost: 0, doubled: 0, different: [] })
  for (const store of site.stores) {
    for (const path of files.keys())
      for (const { gaps, forkOf, strays } of await readStreams(site, store, path).catch(() => []))
        expect({ path, gaps, forkOf, strays }).toEqual({ path, gaps: [], forkOf: undefined, strays: 0 })
  }
}

describe('a bucket', { timeout: 120_000 }, () => {
  it.each(sample(['from an older copy', 'to nothing'], 1))(
    'I3: that was turned back %s: ship fills it again, and cat gives every byte of every file once',
    async (how) => {
      const { site, ship, backup } = await setUp()
      if (how === 'to nothing') await empty(site)
      else await backup.restore()
      await ship()
      await expectAsIfNothingHappened(site)
      await expectByName(site)
    },
  )

  it.each(sample(['to nothing', 'from an older copy'], 1))(
    'I3: that was turned back %s, and the state was lost with it: the same',
    async (how) => {
      const { site, ship, backup } = await setUp()
      if (how === 'to nothing') await empty(site)
      else await backup.restore()
      await rm(site.state, { recursive: true })
      await ship()
      await expectAsIfNothingHappened(site)
      await expectByName(site)
    },
  )

  it('I3: that was turned back while the agent was down: it goes on with what is new, and ship fills what was there', async () => {
    const { site, ship, backup } = await setUp()
    await backup.restore()
    await appendFile(join(site.logs, 'access.log'), 'after the restore\n')
    const config = await site.configure()
    const agent = site.processes.start(['agent', '-c', config])
    // Of old bytes it only learns within the day, or when a file is complete.
    const hasNews = async (): Promise<boolean> =>
      (await Promise.all(site.stores.map(({ read }) => read()))).every((holdings) =>
        [...holdings.values()].some((body) => body.includes('after the restore')),
      )
    await waitFor('what is new', hasNews, { context: agent.stderr })
    const { code, stderr } = await stop(agent)
    expect(code, stderr).toBe(0)
    await ship()
    await expectAsIfNothingHappened(site)
    await expectWhole(site)
    await expectByName(site)
  })
})

/** By the names that they were first seen by: app.log.1 was app.log, unless all was forgotten since. */
async function expectByName(site: Site): Promise<void> {
  const files = await site.files()
  const rotated = join(site.logs, 'app.log.1')
  await expectCat(site, new Map([...files].filter(([path]) => path !== rotated)))
  for (const store of site.stores) {
    const known = [join(site.logs, 'app.log'), rotated].map((path) => readStreams(site, store, path).catch(() => []))
    const streams = (await Promise.all(known)).flat()
    expect(streams.filter(({ content }) => content.equals(files.get(rotated) ?? Buffer.alloc(0)))).toHaveLength(1)
  }
}
