import { appendFile, readFile, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { untilDelivered } from '../crash/histories/agent-history.ts'
import { newSite, stop } from '../crash/new-site.ts'
import type { Site } from '../crash/site.ts'
import { waitFor } from '../crash/wait-for.ts'
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
  { name: 'the log lost its unsynced tail', log: shorter },
  { name: 'the log lost its unsynced tail, the checkpoint is torn', log: shorter, state: tornCheckpoint },
  {
    name: 'the log lost its unsynced tail, the state is gone',
    log: shorter,
    state: ({ state }) => rm(state, { recursive: true }),
  },
  { name: 'the tail of the log is NULs', log: withNuls },
  { name: 'the tail of the log is NULs, the checkpoint is torn', log: withNuls, state: tornCheckpoint },
]

/** An agent and a writer that die in the same moment, after everything that the writer had written was delivered. */
async function cutOff(label: string, { log, state }: Pick<Cut, 'log' | 'state'>) {
  const site = await newSite(label)
  const config = await site.configure()
  const path = join(site.logs, 'app.log')
  await appendFile(path, lines('before', 3000))
  const agent = site.processes.start(['agent', '-c', config])
  await untilDelivered(site, await site.files(), [agent])
  await waitFor(
    'a checkpoint',
    async () => (await stat(join(site.state, 'checkpoint.jsonl')).catch(() => undefined)) !== undefined,
  )
  agent.process.kill('SIGKILL')
  await agent.ended
  await site.look()
  const before = await readFile(path)
  await log(path, before.byteLength)
  await state?.(site)
  return { site, config, path, before }
}

describe('a power cut', { timeout: 120_000 }, () => {
  it.each(cuts)('I1, I6: $name, and the log goes on otherwise: both histories are there, each once', async (cut) => {
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
      expect({ isEnded, isNamed, ...(isEnded || isNamed ? {} : { old, now }) }).toSatisfy(() => isEnded || isNamed)
    }
    await expectCat(site, new Map([[path, after]]))
  })

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
