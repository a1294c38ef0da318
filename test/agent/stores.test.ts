import { appendFile, readdir, rename, truncate, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { randomFaults } from '../support/fault-bucket.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { fastClock, type Rig, rig, text, until } from './rig.ts'

guardLeaks()

let at: Rig
let log: string
beforeEach(async () => {
  at = await rig(['a', 'b'])
  log = join(at.logs, 'app.log')
})
afterEach(() => at.close())

const down = () => ({ kind: 'unavailable' }) as const
const both = async (contents: readonly string[]): Promise<void> => {
  for (const name of ['a', 'b']) await at.delivered(contents, name)
}

describe('a bucket that was turned back', () => {
  for (const [what, keep] of [
    ['emptied', () => false],
    [
      'restored from an older copy',
      (key: string) => !key.includes(`/${String(10).padStart(20, '0')}-`) && !key.startsWith('seals/'),
    ],
    ['without its seals', (key: string) => !key.startsWith('seals/')],
    ['without a segment in the middle', (key: string) => !key.includes(`/${String(5).padStart(20, '0')}-`)],
  ] as const) {
    for (const when of ['live', 'at the seal', 'while the agent was down'] as const) {
      it(`I3: ${what}, noticed ${when}: filled again, nothing doubled, sealed`, async () => {
        // A day's check comes at once.
        const clock = fastClock(400)
        let daemon = at.daemon({ clock, source: { sealAfterMs: when === 'at the seal' ? 20_000 : 2_000 } })
        await writeFile(log, '0123\n')
        await both(['0123\n'])
        await appendFile(log, '5678\n')
        await both(['0123\n5678\n'])
        await appendFile(log, 'abcd\n')
        await both(['0123\n5678\nabcd\n'])
        await rename(log, `${log}.1`)
        await writeFile(log, 'new\n')
        await both(['0123\n5678\nabcd\n', 'new\n'])
        if (when !== 'at the seal') await until('sealed', async () => (await at.seals()).length === 1)
        if (when === 'while the agent was down') await daemon.stop()
        const kept = new Map([...(await at.snapshot('a'))].filter(([key]) => keep(key)))
        await at.restore('a', kept)
        if (when === 'while the agent was down') daemon = at.daemon({ clock })
        await appendFile(log, 'more\n')
        await both(['0123\n5678\nabcd\n', 'new\nmore\n'])
        await until('sealed again', async () => (await at.seals()).length === 1)
        expect(await at.seals()).toEqual([15])
        expect(await at.gaps()).toEqual([])
        await daemon.stop()
      })
    }
  }
})

describe('stores that answer badly', () => {
  for (const [what, mix] of [
    ['lost answers, landed or late', { lost: 0.2, late: 0.1, unavailable: 0.1 }],
    ['503 on a third of the requests', { unavailable: 0.34 }],
    ['slow ones, and listings that break off', { slow: 0.2, 'slow-answer': 0.2, cut: 0.2 }],
  ] as const) {
    it(`I1: ${what}: bytes identical, no fork`, async () => {
      for (const [n, name] of ['a', 'b'].entries()) at.fault(name, randomFaults(seededRandom(n + 7), mix, 200))
      const first = at.daemon()
      const contents: string[] = []
      for (let n = 0; n < 8; n++) {
        contents.push('')
        for (let round = 0; round < 4; round++) {
          contents[n] += `file ${n} round ${round}\n`
          await appendFile(join(at.logs, `f${n + 10}.log`), `file ${n} round ${round}\n`)
          await new Promise((resolve) => setTimeout(resolve, 2))
        }
      }
      await first.kill()
      await at.loseState()
      const second = at.daemon()
      await both(contents)
      await second.stop()
      expect(at.events.filter((event) => event.kind === 'forked' || event.kind === 'gap')).toEqual([])
    })
  }

  it('I5: a destination that hangs, and one that refuses, cost the other nothing', async () => {
    at.fault('b', ({ op }) => (op === 'put' ? { kind: 'hang' } : undefined))
    const daemon = at.daemon()
    for (let n = 0; n < 60; n++) await writeFile(join(at.logs, `f${n + 100}.log`), `${n}\n`)
    await at.delivered(Array.from({ length: 60 }, (_, n) => `${n}\n`))
    await daemon.stop()
    at.fault('b', () => ({ kind: 'refused' }))
    const second = at.daemon()
    await appendFile(join(at.logs, 'f100.log'), 'more\n')
    await at.delivered(['0\nmore\n', ...Array.from({ length: 59 }, (_, n) => `${n + 1}\n`)])
    at.fault('b', undefined)
    await at.delivered(['0\nmore\n', ...Array.from({ length: 59 }, (_, n) => `${n + 1}\n`)], 'b')
    await second.stop()
  })

  it('I5: a destination that is down through rotation, truncation and deletion gets all that a descriptor holds', async () => {
    const daemon = at.daemon()
    await writeFile(log, 'one\n')
    await both(['one\n'])
    at.fault('b', down)
    await appendFile(log, 'two\n')
    await rename(log, `${log}.1`)
    await writeFile(log, 'three\n')
    await at.delivered(['one\ntwo\n', 'three\n'])
    await unlink(`${log}.1`)
    await rename(log, `${log}.1`)
    await writeFile(log, 'four\n')
    await at.delivered(['one\ntwo\n', 'three\n', 'four\n'])
    at.fault('b', undefined)
    await both(['one\ntwo\n', 'three\n', 'four\n'])
    expect(await at.gaps('b')).toEqual([])
    await daemon.stop()
  })

  it('a source that is routed to some destinations reaches those, and is counted by those', async () => {
    const source = {
      include: [`${at.logs}/*`],
      exclude: [],
      followSymlinks: false,
      sealAfterMs: 2_000,
      copies: 'new-stream' as const,
    }
    const daemon = at.daemon({
      sources: [
        { ...source, name: 'only-b', include: [`${at.logs}/only*`], to: ['b'] },
        { ...source, name: 'rest' },
      ],
    })
    await writeFile(join(at.logs, 'only.log'), 'b\n')
    await writeFile(join(at.logs, 'all.log'), 'all\n')
    await at.delivered(['all\n'])
    await at.delivered(['all\n', 'b\n'], 'b')
    await until('drained', () => daemon.agent.isDrained)
    await daemon.stop()
    await at.delivered(['all\n'])
  })
})

describe('two agents on the same files, with state directories of their own', () => {
  it('I3: different cuts, never a fork, every byte once', async () => {
    const other = join(at.directory, 'state-2')
    await import('node:fs/promises').then(({ mkdir }) => mkdir(other))
    const slow = (n: number) => randomFaults(seededRandom(n), { slow: 0.5, 'slow-answer': 0.3 }, 400)
    for (const [n, name] of ['a', 'b'].entries()) at.fault(name, slow(n))
    const daemons = [at.daemon(), at.daemon({ state: other, scanIntervalMs: 1_700 })]
    let content = ''
    for (let n = 0; n < 60; n++) {
      content += `line ${n} ${'.'.repeat(n)}\n`
      await appendFile(log, `line ${n} ${'.'.repeat(n)}\n`)
      await new Promise((resolve) => setTimeout(resolve, n % 7))
    }
    await both([content])
    await rename(log, `${log}.1`)
    await writeFile(log, 'next\n')
    await both([content, 'next\n'])
    await until('sealed', async () => (await at.seals()).length === 1 && (await at.seals('b')).length === 1)
    for (const daemon of daemons) await daemon.stop()
    expect(at.events.filter((event) => event.kind === 'forked')).toEqual([])
    expect(await at.gaps()).toEqual([])
  })

  it('I3: with truncation: no byte is mixed, changed or lost', async () => {
    const other = join(at.directory, 'state-2')
    await import('node:fs/promises').then(({ mkdir }) => mkdir(other))
    const daemons = [at.daemon(), at.daemon({ state: other })]
    const lives: string[] = []
    for (let round = 0; round < 5; round++) {
      lives.push(`life ${round}\n`)
      await appendFile(log, `life ${round}\n`)
      await until('there', async () => [...(await at.contents()).values()].includes(`life ${round}\n`))
      if (round < 4) await truncate(log, 0)
      await new Promise((resolve) => setTimeout(resolve, round * 9))
    }
    for (const name of ['a', 'b']) {
      await until('all lives', async () => {
        const found = [...(await at.contents(name)).values()]
        return lives.every((life) => found.includes(life))
      })
      expect([...(await at.contents(name)).values()].filter((content) => !lives.includes(content))).toEqual([])
    }
    for (const daemon of daemons) await daemon.stop()
  })
})

describe('at rest', () => {
  it('NULs at the end of a live file, which may be no bytes yet, keep no stop waiting', async () => {
    const daemon = at.daemon()
    await writeFile(log, 'one\n\0\0')
    await both(['one\n'])
    await until('drained', () => daemon.agent.isDrained)
    await appendFile(log, 'two\n')
    await both(['one\n\0\0two\n'])
    await daemon.stop()
  })

  it('I7: nothing is asked of a store while nothing changes, and no descriptor of a deleted file is kept', async () => {
    const daemon = at.daemon()
    for (let n = 0; n < 20; n++) await writeFile(join(at.logs, `f${n + 100}.log`), text(n * 300))
    await until(
      'drained',
      async () =>
        // The first of them is empty. An agent that has seen none yet is drained, too.
        (await at.contents()).size === 19 &&
        daemon.agent.isDrained &&
        daemon.agent.isExplored &&
        [...daemon.agent.couriers.values()].every((courier) => courier.isIdle),
    )
    await new Promise((resolve) => setTimeout(resolve, 300))
    const before = at.buckets.get('a')?.operations.length ?? 0
    await new Promise((resolve) => setTimeout(resolve, 500))
    // Five hundred ms are 20 s of the agent's: the daily check of one file may fall into them.
    expect((at.buckets.get('a')?.operations.length ?? 0) - before).toBeLessThan(10)
    for (const name of await readdir(at.logs)) await unlink(join(at.logs, name))
    await until('forgotten', () => [...daemon.agent.book.all()].length === 0)
    await daemon.stop()
  })
})
