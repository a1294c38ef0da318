import { describe, expect, it } from 'vitest'
import { keepRounds } from '../../src/agent/discovery/rounds.ts'
import type { OpenFile } from '../../src/agent/files/files.ts'
import { type Life, newLife } from '../../src/agent/life.ts'
import { LifeBook } from '../../src/agent/life-book.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

const hour = 3_600_000

describe('rounds: events are hints, so open files are asked', () => {
  it('asks each second while a file grows, and at most once a minute when it has long been quiet', async () => {
    const { asked, at, life } = await rounds()
    for (let second = 1; second <= 10; second++) {
      life.grewAtMs = second * 1_000
      await at(second * 1_000)
    }
    expect(asked()).toBeGreaterThanOrEqual(9)
    await at(hour)
    const before = asked()
    await at(2 * hour)
    expect(asked() - before).toBeGreaterThanOrEqual(59)
    expect(asked() - before).toBeLessThanOrEqual(80)
  })

  it('asks a file that was quiet for an hour each second again, from the moment that it grows', async () => {
    const { asked, at, life, book } = await rounds()
    await at(hour)
    life.grewAtMs = hour
    book.lively.add(life)
    const before = asked()
    await at(hour + 5_000)
    expect(asked() - before).toBeGreaterThanOrEqual(4)
  })

  it('looks at a file that changed, and at one that cannot be asked', async () => {
    const { looked, at, file } = await rounds()
    await at(3_000)
    expect(looked()).toBe(0)
    file.stamp = 'changed'
    await at(4_500)
    expect(looked()).toBeGreaterThan(0)
    const before = looked()
    file.stamp = undefined
    await at(6_000)
    expect(looked()).toBeGreaterThan(before)
  })
})

/** One open file, asked in rounds over virtual time; `at` moves to a time (milliseconds since the start). */
async function rounds() {
  const clock = createVirtualClock()
  const file: { stamp: string | undefined } = { stamp: 'first' }
  let [asked, looked] = [0, 0]
  const life: Life = newLife({
    identity: 'i1',
    firstGeneration: 0,
    origin: { path: '/log' } as Life['origin'],
    source: 'logs',
    path: '/log',
    destinations: [],
  })
  life.stamp = 'first'
  life.file = {
    stat() {
      asked++
      if (file.stamp === undefined) throw new Error('EIO')
      return { size: 1, stamp: file.stamp, links: 1 }
    },
  } as OpenFile
  const book = new LifeBook()
  book.add(life)
  void keepRounds(
    book,
    clock,
    new AbortController().signal,
    () => looked++,
    () => {},
  )
  return {
    life,
    book,
    file,
    asked: () => asked,
    looked: () => looked,
    at: (ms: number) => clock.advance(ms - clock.monotonic()),
  }
}
