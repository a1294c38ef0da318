import { appendFile, cp, readFile, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { untilDelivered } from '../crash/histories/agent-history.ts'
import { newSite, stop } from '../crash/new-site.ts'
import { sample } from '../crash/sample.ts'
import type { Site } from '../crash/site.ts'
import { waitFor } from '../crash/wait-for.ts'
import { faults } from '../support/fault-s3-faults.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { expectCat, readStreams, sharedLength } from './read-back.ts'

guardLeaks()

const lines = (what: string, count: number): string =>
  Array.from({ length: count }, (_, at) => `${what} ${at}\n`).join('')

/** What the disk had not got yet. */
const unsynced = 9_000

interface Cut {
  name: string
  /** Leaves of the log what a power cut leaves. */
  log: (path: string, size: number) => Promise<void>
  /** The S3 server stores all, and its answers never arrive: the agent knows of the directory's only. */
  isUnanswered?: boolean
  /** The same of the state directory. */
  state?: (site: Site) => Promise<void>
}

const shorter = (path: string, size: number): Promise<void> => truncate(path, size - unsynced)

/** Blocks were allocated, and the length written, but not the bytes: NULs, and no end of a line. */
async function withNuls(path: string, size: number): Promise<void> {
  await truncate(path, size - unsynced)
  await truncate(path, size + 500)
}

async function tornCheckpoint({ state }: Site): Promise<void> {
  const path = join(state, 'checkpoint.jsonl')
  await truncate(path, (await stat(path)).size - 100)
}

const cuts: Cut[] = [
  { name: 'tail lost', log: shorter },
  { name: 'tail lost, one store ahead of it', log: shorter, isUnanswered: true },
  { name: 'tail lost, checkpoint torn', log: shorter, state: tornCheckpoint },
  {
    name: 'tail lost, state gone',
    log: shorter,
    state: ({ state }) => rm(state, { recursive: true }),
  },
  {
    name: 'tail lost, checkpoint behind',
    log: shorter,
    async state({ state }) {
      await rm(state, { recursive: true })
      await cp(`${state}-older`, state, { recursive: true })
    },
  },
  { name: 'tail NULs', log: withNuls },
  { name: 'tail NULs, checkpoint torn', log: withNuls, state: tornCheckpoint },
]

/** A beginning, and a copy of the state that knows only of that. */
async function deliverFirst(site: Site, config: string, path: string): Promise<void> {
  await appendFile(path, lines('first', 10))
  const first = site.processes.start(['agent', '-c', config])
  await untilDelivered(site, await site.files(), [first])
  expect(await stop(first)).toMatchObject({ code: 0 })
  await cp(site.state, `${site.state}-older`, { recursive: true })
}

/** An agent and a writer that die in the same moment, after everything that the writer had written was delivered. */
async function cutOff(label: string, { log, state, isUnanswered }: Omit<Cut, 'name'>) {
  const site = await newSite(label)
  const config = await site.configure()
  const path = join(site.logs, 'app.log')
  if (!isUnanswered) await deliverFirst(site, config, path)
  await appendFile(path, lines('before', 3000))
  const before = await readFile(path)
  const works = isUnanswered && site.server.fault(({ key }) => (key.includes('segments/') ? faults.lost : undefined))
  const agent = site.processes.start(['agent', '-c', config])
  await untilDelivered(site, await site.files(), [agent])
  const checkpoint = join(site.state, 'checkpoint.jsonl')
  const isNoted = async (): Promise<boolean> =>
    (await readFile(checkpoint, 'utf8').catch(() => '')).includes(`${before.byteLength}`)
  await waitFor('a checkpoint of that', isNoted, { context: agent.stderr })
  agent.process.kill('SIGKILL')
  await agent.ended
  if (works) works()
  await site.look()
  await log(path, before.byteLength)
  await state?.(site)
  return { site, config, path, before }
}

describe('a power cut', { timeout: 120_000 }, () => {
  it.each(sample(cuts, 2))(
    'I1, I6: $name: the log goes on otherwise, and both histories are there, each once',
    async (cut) => {
      const { site, config, path, before } = await cutOff('power-cut', cut)
      await appendFile(path, lines('after', 300))
      const after = await readFile(path)
      const agent = site.processes.start(['agent', '-c', config])
      const isThere = async (): Promise<boolean> => {
        const found = await Promise.all(site.stores.map((store) => readStreams(site, store, path)))
        return found.every((streams) => streams.some(({ content }) => content.equals(after)))
      }
      await waitFor('the log as it is now', isThere, { everyMs: 500, context: agent.stderr })
      expect(await stop(agent)).toMatchObject({ code: 0 })
      await site.look()
      expect(site.rewritten).toEqual([])
      for (const store of site.stores) {
        const [old, now, ...more] = await readStreams(site, store, path)
        expect(more).toEqual([])
        expect(old?.content.equals(before)).toBe(true)
        expect(now?.content.equals(after)).toBe(true)
        // Why there are two: a life that ended, with a gap where it may have lost bytes, or a fork that names what it shares.
        const isEnded = old?.gaps.some(({ offset, reason }) => offset === before.byteLength && reason === 'truncated')
        const isNamed = now?.forkOf?.stream === old?.stream && now?.forkOf?.shared === sharedLength(before, after)
        expect({ isEnded, isNamed, gaps: old?.gaps, forkOf: now?.forkOf, said: agent.stderr() }).toSatisfy(
          () => isEnded || isNamed,
        )
      }
      await expectCat(site, new Map([[path, after]]))
    },
  )

  it('I1: the log lost its unsynced tail and is written again as it was: it goes on, and nothing is repeated', async () => {
    const { site, config, path, before } = await cutOff('power-cut', { log: shorter })
    const agent = site.processes.start(['agent', '-c', config])
    // Shorter than what is delivered, and equal so far: the first byte that differs would decide.
    await appendFile(path, before.subarray(before.byteLength - unsynced))
    await appendFile(path, lines('after', 300))
    await untilDelivered(site, await site.files(), [agent])
    const { code, stderr } = await stop(agent)
    expect(code, stderr).toBe(0)
    expect(stderr).not.toMatch(/"forked"|"gap"/)
    await site.look()
    expect(site.rewritten).toEqual([])
    for (const store of site.stores) expect(await readStreams(site, store, path)).toHaveLength(1)
    await expectCat(site, await site.files())
  })

  it('I1: what was not delivered yet when it was lost was never there: the rest goes on in the same stream', async () => {
    const { site, config, path } = await cutOff('power-cut', { log: async () => {} })
    const kept = await readFile(path)
    // Written after the last delivery, and lost with the power.
    await appendFile(path, lines('lost', 100))
    await truncate(path, kept.byteLength)
    await appendFile(path, lines('after', 300))
    const agent = site.processes.start(['agent', '-c', config])
    await untilDelivered(site, await site.files(), [agent])
    expect((await stop(agent)).stderr).not.toMatch(/"forked"|"gap"/)
    for (const store of site.stores) expect(await readStreams(site, store, path)).toHaveLength(1)
    await expectCat(site, await site.files())
  })
})
