import { appendFileSync, writeFileSync } from 'node:fs'
import { unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SourceSettings } from '../../src/agent/context.ts'
import { type Rig, rig, text, until } from './rig.ts'

let at: Rig
beforeEach(async () => {
  at = await rig(['a', 'b'])
})
afterEach(() => at.close())

describe('a reload, while an open file without a name is not delivered', () => {
  it('I5: a destination that is new gets all of it, from its descriptor', async () => {
    const sourceTo = (...to: string[]): SourceSettings => ({
      name: 'logs',
      include: [`${at.logs}/**`],
      exclude: [],
      followSymlinks: false,
      sealAfterMs: 3_600_000,
      copies: 'new-stream',
      to,
    })
    const path = join(at.logs, 'app.log')
    const daemon = at.daemon({ sources: [sourceTo('a')], spoolBytes: 1 << 30 })
    writeFileSync(path, text(9_000))
    await at.delivered([text(9_000)])
    at.fault('a', ({ op }) => (op === 'put' ? { kind: 'unavailable' } : undefined))
    appendFileSync(path, 'last words\n')
    const life = () => [...daemon.agent.book.current.values()][0]
    await until('it was seen', () => life()?.size === 9_011)
    await unlink(path)
    await until('it has no name', () => life()?.isUnlinked === true)
    const destinations = [...daemon.agent.couriers.values()].map(({ destination }) => destination.settings)
    await daemon.agent.reload({ sources: [sourceTo('a', 'b')], destinations })
    await at.delivered([`${text(9_000)}last words\n`], 'b')
    expect([...(await at.contents('a')).values()]).toEqual([text(9_000)])
    // What was in the spool for the one is there for the other, too: a restart costs neither of them a byte.
    await daemon.stop()
    at.fault('a', undefined)
    await at.once({ sources: [sourceTo('a', 'b')], spoolBytes: 1 << 30 })
    await at.delivered([`${text(9_000)}last words\n`])
    expect(await at.gaps('b')).toEqual(await at.gaps('a'))
  })
})
