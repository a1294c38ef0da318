import { execFileSync } from 'node:child_process'
import { appendFile, cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { newSite, stop } from '../crash/new-site.ts'
import { sample } from '../crash/sample.ts'
import type { Site } from '../crash/site.ts'
import { waitFor } from '../crash/wait-for.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { canMount, mounted } from '../support/mounts.ts'
import type { Running } from './logcask-process.ts'
import { readStreams, sharedLength } from './read-back.ts'

guardLeaks()

const isHere = canMount() && canMakeDisks()
const not = isHere ? '' : ' (not run: two disks with one history need root, loop mounts and mkfs.ext4)'
const names = ['app.log', 'quiet.log']

/** A disk with logs and state, and afterwards its copy, block by block: inodes and birth times are the same on both. */
async function withClone(site: Site, before: (disk: string) => Promise<void>, after: (disks: Disks) => Promise<void>) {
  const [image, copy, one, two] = ['one.img', 'two.img', 'one', 'two'].map((name) => join(site.directory, name)) as Four
  execFileSync('truncate', ['-s', '24m', image])
  execFileSync('mkfs.ext4', ['-q', '-F', image])
  await mounted(['-o', 'loop', image], one, async () => {
    for (const room of ['logs', 'state']) await mkdir(join(one, room))
    await before(one)
  })
  await cp(image, copy)
  await mounted(['-o', 'loop', image], one, () => mounted(['-o', 'loop', copy], two, () => after({ one, two })))
}

type Four = [string, string, string, string]
interface Disks {
  one: string
  two: string
}

function canMakeDisks(): boolean {
  try {
    execFileSync('sh', ['-c', 'command -v mkfs.ext4 && test -e /dev/loop-control'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** A machine that has this disk: under the same paths as the other one. */
function on(site: Site, disk: string): string[] {
  const binds = ['logs', 'state'].map((room) => `mount --bind ${disk}/${room} ${join(site.directory, room)}`)
  return ['unshare', '-m', 'sh', '-c', `${binds.join(' && ')} && exec "$@"`, 'sh']
}

async function newMachine(): Promise<Site> {
  const site = await newSite('cloned')
  await mkdir(site.state)
  return site
}

/** What every store has of a name. */
async function contents(site: Site, name: string): Promise<Buffer[][]> {
  const found = site.stores.map((store) => readStreams(site, store, join(site.logs, name)))
  return (await Promise.all(found)).map((streams) => streams.map(({ content }) => content))
}

async function untilInStores(site: Site, disk: string, agents: Running[]): Promise<void> {
  for (const name of await readdir(join(disk, 'logs'))) {
    const bytes = await readFile(join(disk, 'logs', name))
    const isThere = async (): Promise<boolean> =>
      (await contents(site, name)).every((streams) => streams.some((content) => content.equals(bytes)))
    await waitFor(`${name} of ${disk}`, isThere, {
      everyMs: 500,
      context: () => agents.map((agent) => agent.stderr()).join('\n'),
    })
  }
}

/** One machine that has delivered everything and dies; then it and its clone. */
async function cloned(site: Site, goOn: (disks: Disks) => Promise<void>): Promise<void> {
  const config = await site.configure('one', { machineId: 'machine-one' })
  const before = async (disk: string): Promise<void> => {
    for (const [at, name] of names.entries())
      await writeFile(join(disk, 'logs', name), `line of ${at} before it was cloned\n`.repeat(3000))
    const agent = site.processes.start(['agent', '-c', config], { by: on(site, disk) })
    await untilInStores(site, disk, [agent])
    agent.process.kill('SIGKILL')
    await agent.ended
    await site.look()
  }
  await withClone(site, before, goOn)
}

describe.skipIf(!isHere)(`a cloned machine${not}`, { timeout: 120_000 }, () => {
  it.each(
    sample(
      [
        ['with a machine id of its own', 'machine-two'],
        ['with the machine id of the first', 'machine-one'],
      ],
      1,
    ),
  )('I1, I3: %s: both go on, both histories are there, and what they share is named', async (_, machineId) => {
    const site = await newMachine()
    await cloned(site, async ({ one, two }) => {
      const configs = [
        await site.configure('one', { machineId: 'machine-one' }),
        await site.configure('two', { machineId }),
      ]
      for (const [disk, who] of [
        [one, 'one'],
        [two, 'two'],
      ] as const)
        await appendFile(join(disk, 'logs/app.log'), `${who} alone has this\n`.repeat(500))
      const agents = [one, two].map((disk, at) =>
        site.processes.start(['agent', '-c', configs[at] ?? ''], { by: on(site, disk) }),
      )
      for (const disk of [one, two]) await untilInStores(site, disk, agents)
      for (const disk of [one, two]) await appendFile(join(disk, 'logs/app.log'), `and more of ${disk}\n`)
      for (const disk of [one, two]) await untilInStores(site, disk, agents)
      for (const agent of agents) expect(await stop(agent)).toMatchObject({ code: 0 })
      await site.look()
      expect(site.rewritten).toEqual([])
      await expectHistories(site, one, two)
    })
  })

  it('under another host name: its state belongs to the first; with one of its own it begins there, and mixes nothing', async () => {
    const site = await newMachine()
    await cloned(site, async ({ one, two }) => {
      const other = await site.configure('other', { host: 'crash-2', machineId: 'machine-two' })
      const refused = await site.processes.run(['agent', '-c', other], { by: on(site, two) })
      expect(refused.stderr).toMatch(/belongs to host crash-1, not to crash-2\nfix: .*--state/)
      expect(refused.code).toBe(2)
      await appendFile(join(two, 'logs/app.log'), 'only two has this\n')
      const state = join(site.directory, 'state-two')
      const agent = site.processes.start(['agent', '-c', other, '--state', state], { by: on(site, two) })
      const path = join(site.logs, 'app.log')
      const bytes = await readFile(join(two, 'logs/app.log'))
      const ofTwo = () => Promise.all(site.stores.map((store) => readStreams(site, store, path, 'crash-2')))
      await waitFor('all of it', async () => (await ofTwo()).every(([first]) => first?.content.equals(bytes)), {
        everyMs: 500,
        context: agent.stderr,
      })
      expect(await stop(agent)).toMatchObject({ code: 0 })
      const first = await readFile(join(one, 'logs/app.log'))
      for (const streams of await contents(site, 'app.log')) expect(streams).toEqual([first])
    })
  })
})

/** Each file of either disk is one stream, and of two that share a beginning one says so. */
async function expectHistories(site: Site, one: string, two: string): Promise<void> {
  for (const name of names) {
    const files = await Promise.all([one, two].map((disk) => readFile(join(disk, 'logs', name))))
    const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = files
    for (const store of site.stores) {
      const streams = await readStreams(site, store, join(site.logs, name))
      for (const bytes of files)
        expect(streams.filter(({ content }) => content.equals(bytes)).length).toBeGreaterThan(0)
      const forks = streams.filter(({ forkOf }) => forkOf !== undefined)
      // One life, or two of which the later one is a fork.
      expect({ name, streams: streams.length, forks: forks.length }).toEqual({
        name,
        streams: forks.length + 1,
        forks: first.equals(second) ? expect.toBeOneOf([0, 1]) : 1,
      })
      for (const { forkOf } of forks) expect(forkOf?.shared).toBe(sharedLength(first, second))
      expect(streams.every(({ strays }) => strays === 0)).toBe(true)
    }
  }
}
