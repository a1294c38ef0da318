import { appendFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newDelivery } from '../../src/agent/life.ts'
import { Pace } from '../../src/agent/shipping/pace.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { type Rig, rig, text } from './rig.ts'

const perStream = { capacity: 20, perSecond: 0.1 }

describe('I7: when a small segment may go', () => {
  it('twenty at once, then one in ten seconds', async () => {
    const clock = createVirtualClock()
    const pace = new Pace(clock, perStream, undefined)
    const delivery = newDelivery('a')
    for (let at = 0; at < 20; at++) expect(pace.waitMs(delivery, 10, undefined)).toBe(0)
    expect(pace.waitMs(delivery, 10, undefined)).toBe(10_000)
    await clock.advance(10_000)
    expect(pace.waitMs(delivery, 10, undefined)).toBe(0)
  })

  it('of what is gathered: at once when there is enough, else once the first of it has waited for so long', async () => {
    const clock = createVirtualClock()
    const pace = new Pace(clock, perStream, undefined)
    const delivery = newDelivery('a')
    const gathering = { bytes: 4096, delayMs: 30_000 }
    expect(pace.waitMs(delivery, 4096, gathering)).toBe(0)
    pace.sent(delivery)
    expect(pace.waitMs(delivery, 100, gathering)).toBe(30_000)
    await clock.advance(20_000)
    expect(pace.waitMs(delivery, 200, gathering)).toBe(10_000)
    await clock.advance(10_000)
    expect(pace.waitMs(delivery, 300, gathering)).toBe(0)
    pace.sent(delivery)
    expect(pace.waitMs(delivery, 100, gathering)).toBe(30_000)
  })

  it('with a bound over all streams: it holds, and each stream has its turn', async () => {
    const clock = createVirtualClock()
    const total = { capacity: 1, perSecond: 0.5 }
    const pace = new Pace(clock, perStream, total)
    const deliveries = Array.from({ length: 10 }, (_, at) => newDelivery(String(at)))
    const sent = new Map<string, number>()
    for (let second = 0; second < 200; second++) {
      for (const delivery of deliveries)
        if (pace.waitMs(delivery, 10, undefined) === 0)
          sent.set(delivery.destination, (sent.get(delivery.destination) ?? 0) + 1)
      await clock.advance(1_000)
    }
    const counts = [...sent.values()]
    expect(counts).toHaveLength(10)
    expect(counts.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(1 + 200 * total.perSecond)
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(Math.max(...counts) - 1)
  })

  it('is never for ever: who asks again when it was told may go', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.double({ min: 0.01, max: 2, noNaN: true }),
        fc.integer({ min: 0, max: 60_000 }),
        async (streams, perSecond, delayMs) => {
          const clock = createVirtualClock()
          const pace = new Pace(clock, perStream, { capacity: 1, perSecond })
          const gathering = { bytes: 10, delayMs }
          for (let at = 0; at < streams; at++) pace.waitMs(newDelivery('other'), 10, undefined)
          const mine = newDelivery('mine')
          const waits: number[] = []
          while (waits.length < 4 && waits.at(-1) !== 0) {
            waits.push(pace.waitMs(mine, 5, gathering))
            await clock.advance(waits.at(-1) ?? 0)
          }
          // What is gathered, its turn, and off.
          expect(waits.length).toBeLessThanOrEqual(3)
          expect(waits.at(-1)).toBe(0)
        },
      ),
      { numRuns: 50 },
    )
  })
})

describe('what a source asks for', () => {
  let at: Rig
  let log: string
  beforeEach(async () => {
    at = await rig()
    log = join(at.logs, 'app.log')
  })
  afterEach(() => at.close())

  it('minSize: many small appends become one segment, and a stop sends what was gathered', async () => {
    const daemon = at.daemon({ source: { gathering: { bytes: 1_000, delayMs: 3_600_000 } } })
    await writeFile(log, '')
    let content = ''
    for (let line = 0; line < 20; line++) {
      content += `line ${line}\n`
      await appendFile(log, `line ${line}\n`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect(await at.keys('a', 'segments/')).toEqual([])
    daemon.agent.hurry()
    await at.delivered([content])
    expect(await at.keys('a', 'segments/')).toHaveLength(1)
    await appendFile(log, text(1_500))
    await at.delivered([content + text(1_500)])
    await daemon.stop()
  })

  it('since: old files are left out, and counted, until they change', async () => {
    const old = join(at.logs, 'old.log')
    await writeFile(old, 'old\n')
    await utimes(old, 1_000_000, 1_000_000)
    await writeFile(log, 'new\n')
    const daemon = at.daemon({ source: { sinceMs: 86_400_000 } })
    await at.delivered(['new\n'])
    expect([...daemon.agent.book.leftOut]).toEqual([[old, 'logs']])
    await appendFile(old, 'more\n')
    await at.delivered(['new\n', 'old\nmore\n'])
    expect(daemon.agent.book.leftOut.size).toBe(0)
    await daemon.stop()
  })

  it('since: what is known already goes on, however old', async () => {
    await writeFile(log, 'one\n')
    const first = at.daemon()
    await at.delivered(['one\n'])
    await first.stop()
    await appendFile(log, 'two\n')
    await utimes(log, 1_000_000, 1_000_000)
    const second = at.daemon({ source: { sinceMs: 86_400_000 } })
    await at.delivered(['one\ntwo\n'])
    await second.stop()
  })
})
