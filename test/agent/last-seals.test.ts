import { open, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findWriters } from '../../src/agent/files/writers.ts'
import { drainAgent } from '../../src/cli/drain/drain-agent.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { fastClock, type Rig, rig, until } from './rig.ts'

guardLeaks()

let at: Rig
let log: string
beforeEach(async () => {
  at = await rig()
  log = join(at.logs, 'app.log')
})
afterEach(() => at.close())

/** An agent that delivered a file is told to stop within `withinMs`, and the next one starts. */
async function deletedBeforeStop(
  sealAfterMs: number,
  withinMs: number,
  isHeld: boolean,
  isComplete = true,
): Promise<void> {
  // Whoever is not root, or in a container, sees some processes only.
  const writers = async () => ({ ...(await findWriters()), isComplete })
  const options = { source: { sealAfterMs }, findWriters: writers }
  const first = at.daemon(options)
  await writeFile(log, 'one\n')
  await at.delivered(['one\n'])
  const writer = isHeld ? await open(log, 'a') : undefined
  await unlink(log)
  await drainAgent(first.agent, undefined, fastClock(), withinMs)
  await first.stop()
  await writer?.close()
  const second = at.daemon(options)
  await until('settled', () => second.agent.isExplored && [...second.agent.book.all()].length === 0)
  await second.stop()
}

describe('a deleted file, all of it delivered, and a stop before its seal is due', () => {
  it('I6: no process can write to it: it is sealed, and there is no gap', async () => {
    await deletedBeforeStop(3_600_000, 60_000, false)
    expect(await at.seals()).toEqual([4])
    expect(await at.gaps()).toEqual([])
  })

  it('I4: not every process can be looked at: nobody knows, which is a gap', async () => {
    await deletedBeforeStop(3_600_000, 60_000, false, false)
    expect(await at.seals()).toEqual([])
    expect(await at.gaps()).toEqual(['4 gone'])
  })

  it('I6: a process holds it: nobody knows whether it goes on, which is a gap', async () => {
    await deletedBeforeStop(3_600_000, 60_000, true)
    expect(await at.seals()).toEqual([])
    expect(await at.gaps()).toEqual(['4 gone'])
  })

  it('I6: a process holds it, and it is complete soon: that is waited for', async () => {
    await deletedBeforeStop(5_000, 60_000, true)
    expect(await at.seals()).toEqual([4])
    expect(await at.gaps()).toEqual([])
  })
})
