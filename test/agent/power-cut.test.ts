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
    const isNoted = async (): Promise<boolean> =>
      /"acked":\{"offset":10000/.test(await readFile(join(at.state, 'checkpoint.jsonl'), 'utf8').catch(() => ''))
    await until('a checkpoint of that', isNoted)
    await daemon.kill()
    at.fault('b', undefined)
    await truncate(log, 6_000)
    await appendFile(log, 'otherwise\n'.repeat(100))
    return { before, after: before.slice(0, 6_000) + 'otherwise\n'.repeat(100) }
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

  it('I1: where one destination has seen it as a fork before another told of the end, nothing is sent twice', async () => {
    const { before, after } = await cut()
    at.fault('a', () => ({ kind: 'unavailable' }))
    const daemon = at.daemon()
    await until('b has both', async () => (await at.contents('b')).size === 2)
    at.fault('a', undefined)
    for (const name of ['a', 'b']) await at.delivered([before, after], name)
    await daemon.stop()
    for (const name of ['a', 'b']) expect((await at.contents(name)).size).toBe(2)
  })
})
