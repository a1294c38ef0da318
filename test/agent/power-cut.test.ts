import { appendFile, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { guardLeaks } from '../support/leak-guard.ts'
import { type Rig, rig, text, until } from './rig.ts'

guardLeaks()

let at: Rig
let log: string
beforeEach(async () => {
  at = await rig(['a', 'b'])
  log = join(at.logs, 'app.log')
})
afterEach(() => at.close())

const isNoted = async (): Promise<boolean> =>
  /"acked":\{"offset":10000/.test(await readFile(join(at.state, 'checkpoint.jsonl'), 'utf8').catch(() => ''))

/** What was not on the disk is gone, and other bytes follow. */
async function goOnOtherwise(before: string): Promise<string> {
  await truncate(log, 6_000)
  await appendFile(log, 'otherwise\n'.repeat(100))
  return before.slice(0, 6_000) + 'otherwise\n'.repeat(100)
}

const isSegment = (key: string): boolean => key.startsWith('segments/')

describe('a power cut after which the log goes on otherwise', () => {
  /** Both have all of it; the agent's record says so of `a` only, since no answer of `b` has ever arrived. */
  async function cut(): Promise<{ before: string; after: string }> {
    const before = text(10_000)
    at.fault('b', (call) => (call.op === 'put' && isSegment(call.key) ? { kind: 'hang', acted: true } : undefined))
    const daemon = at.daemon()
    await writeFile(log, before)
    await at.delivered([before], 'a')
    await until('b has it, too', async () => [...(await at.contents('b')).values()].includes(before))
    await until('a checkpoint of that', isNoted)
    await daemon.kill()
    at.fault('b', undefined)
    return { before, after: await goOnOtherwise(before) }
  }

  it('I6: the gap of the life that ended is where its chain ends, in every destination', async () => {
    const { before, after } = await cut()
    // The first one to answer says that the life has ended.
    at.fault('b', () => ({ kind: 'unavailable' }))
    const daemon = at.daemon()
    await until('a has both', async () => (await at.contents('a')).size === 2)
    at.fault('b', undefined)
    for (const name of ['a', 'b']) await at.delivered([before, after], name)
    await daemon.stop()
    for (const name of ['a', 'b']) expect(await at.gaps(name)).toEqual(['10000 truncated'])
  })

  it.each([
    ['had nothing', 0],
    ['was behind', 5_000],
  ])(
    'I1: a destination that %s sees a fork before another tells of the end: nothing is sent twice',
    async (_, first) => {
      const before = text(10_000)
      const daemon = at.daemon()
      await writeFile(log, before.slice(0, first))
      if (first > 0) for (const name of ['a', 'b']) await at.delivered([before.slice(0, first)], name)
      at.fault('a', () => ({ kind: 'unavailable' }))
      await appendFile(log, before.slice(first))
      await at.delivered([before], 'b')
      await until('a checkpoint of that', isNoted)
      // Of what `a` got in the second before the power went away, the record says nothing.
      const checkpoint = join(at.state, 'checkpoint.jsonl')
      const noted = await readFile(checkpoint)
      at.fault('a', undefined)
      await at.delivered([before], 'a')
      await daemon.kill()
      await writeFile(checkpoint, noted)
      const after = await goOnOtherwise(before)
      at.fault('b', () => ({ kind: 'unavailable' }))
      const next = at.daemon()
      await until('a has both', async () => (await at.contents('a')).size === 2)
      at.fault('b', undefined)
      await until('b has both', async () => (await at.contents('b')).size === 2)
      for (const name of ['a', 'b']) await at.delivered([before, after], name)
      await next.stop()
      for (const name of ['a', 'b']) expect((await at.contents(name)).size).toBe(2)
    },
  )
})
