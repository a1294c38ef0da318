import { describe, expect, it } from 'vitest'
import { type Clock, isoTime, systemClock } from '../../src/base/clock.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

guardLeaks()

/** What every clock keeps. `run` lets time pass until the work is done. */
function clockSuite(name: string, create: () => Clock, run: <T>(clock: Clock, work: Promise<T>) => Promise<T>): void {
  describe(name, () => {
    it('sleeps at least as long as asked, and its own time never steps back', async () => {
      const clock = create()
      const before = clock.monotonic()
      await run(clock, clock.sleep(20))
      // Node's timers may be early by less than a millisecond.
      expect(clock.monotonic() - before).toBeGreaterThanOrEqual(19)
    })

    it('a sleep that is aborted rejects with the reason, at once or later', async () => {
      const clock = create()
      await expect(clock.sleep(60_000, AbortSignal.abort('before'))).rejects.toBe('before')
      const abort = new AbortController()
      const sleeping = clock.sleep(60_000, abort.signal)
      abort.abort('meanwhile')
      await expect(sleeping).rejects.toBe('meanwhile')
    })

    it('an abort after the sleep changes nothing', async () => {
      const clock = create()
      const abort = new AbortController()
      await run(clock, clock.sleep(1, abort.signal))
      abort.abort()
      await run(clock, clock.sleep(1))
    })

    it('a timer fires once, and not when cancelled', async () => {
      const clock = create()
      const fired: string[] = []
      const cancel = clock.timer(1, () => fired.push('cancelled'))
      clock.timer(2, () => fired.push('kept'))
      cancel()
      cancel()
      await run(clock, clock.sleep(20))
      expect(fired).toEqual(['kept'])
    })

    it('a timer that is far away does not fire at once', async () => {
      let fired = 0
      const cancel = systemClock.timer(100 * 365 * 86_400_000, () => fired++)
      await systemClock.sleep(20)
      cancel()
      expect(fired).toBe(0)
    })

    it('chance is in [0, 1), and an id has its bytes in hex', () => {
      const clock = create()
      const draws = Array.from({ length: 1_000 }, () => clock.random())
      expect(draws.every((draw) => draw >= 0 && draw < 1)).toBe(true)
      expect(new Set(draws).size).toBeGreaterThan(990)
      expect(clock.id(8)).toMatch(/^[0-9a-f]{16}$/)
      expect(clock.id(8)).not.toBe(clock.id(8))
    })
  })
}

clockSuite(
  'system clock',
  () => systemClock,
  (_clock, work) => work,
)
clockSuite(
  'virtual clock',
  () => createVirtualClock(),
  (clock, work) => (clock as ReturnType<typeof createVirtualClock>).run(work),
)

describe('virtual clock', () => {
  it('fires what is due in the order of time, then of making', async () => {
    const clock = createVirtualClock()
    const fired: string[] = []
    clock.timer(20, () => fired.push(`late ${clock.monotonic()}`))
    clock.timer(10, () => fired.push(`first ${clock.monotonic()}`))
    clock.timer(10, () => fired.push(`second ${clock.monotonic()}`))
    await clock.advance(9)
    expect(fired).toEqual([])
    await clock.advance(6)
    expect(fired).toEqual(['first 10', 'second 10'])
    expect(clock.monotonic()).toBe(15)
    expect(clock.pending).toBe(1)
  })

  it('what a timer sets off has settled before the next one fires', async () => {
    const clock = createVirtualClock()
    const seen: number[] = []
    const loop = (async () => {
      for (let round = 0; round < 5; round++) {
        await clock.sleep(10)
        await Promise.resolve()
        seen.push(clock.monotonic())
      }
    })()
    await clock.advance(35)
    expect(seen).toEqual([10, 20, 30])
    expect(await clock.runUntilIdle()).toBe(true)
    await loop
    expect(seen).toEqual([10, 20, 30, 40, 50])
  })

  it('wall clock and own time go together, until somebody steps the wall clock', async () => {
    const clock = createVirtualClock({ startMs: 1_000 })
    await clock.advance(500)
    expect(clock.now()).toBe(1_500)
    clock.stepWallClock(-1_000)
    await clock.advance(1)
    expect(clock.now()).toBe(501)
    expect(clock.monotonic()).toBe(501)
  })

  it('runUntilIdle ends at its limit where a loop never ends', async () => {
    const clock = createVirtualClock()
    const abort = new AbortController()
    const loop = (async () => {
      for (;;) await clock.sleep(1_000, abort.signal)
    })().catch((reason: unknown) => reason)
    expect(await clock.runUntilIdle(10_000)).toBe(false)
    expect(clock.monotonic()).toBe(10_000)
    abort.abort('end')
    expect(await loop).toBe('end')
  })

  it('run gives up on work that waits beyond the limit, and waits for real I/O', async () => {
    const clock = createVirtualClock()
    await expect(clock.run(clock.sleep(5_000), 1_000)).rejects.toThrow(/still waits after 1000 ms/)
    expect(await clock.run(new Promise((resolve) => setTimeout(resolve, 5, 'real')))).toBe('real')
  })

  it('replays from its seed', () => {
    const draw = (seed: number) => {
      const clock = createVirtualClock({ seed })
      return [clock.random(), clock.id(4), clock.random()]
    }
    expect(draw(1)).toEqual(draw(1))
    expect(draw(1)).not.toEqual(draw(2))
  })
})

describe('seeded chance', () => {
  it('is uniform enough, within its bounds, and the same for a seed', () => {
    const random = seededRandom(42)
    const counts = new Map<number, number>()
    for (let at = 0; at < 6_000; at++) {
      const roll = random.int(1, 6)
      counts.set(roll, (counts.get(roll) ?? 0) + 1)
    }
    expect([...counts.keys()].sort()).toEqual([1, 2, 3, 4, 5, 6])
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(150)
    expect(seededRandom(42).bytes(8)).toEqual(seededRandom(42).bytes(8))
  })

  it('shuffles without losing any, and a fork does not disturb', () => {
    const random = seededRandom(1)
    const items = Array.from({ length: 50 }, (_, at) => at)
    const shuffled = random.shuffle(items)
    expect(shuffled).not.toEqual(items)
    expect([...shuffled].sort((a, b) => a - b)).toEqual(items)
    const [a, b] = [seededRandom(1), seededRandom(1)]
    a.fork().bytes(100)
    b.fork()
    expect(a.next()).toBe(b.next())
    expect(() => random.pick([])).toThrow(/nothing to pick/)
  })
})

describe('times in records', () => {
  it('are ISO 8601 in UTC with milliseconds', () => {
    expect(isoTime(Date.UTC(2026, 10, 20, 10, 15, 0, 123))).toBe('2026-11-20T10:15:00.123Z')
    expect(isoTime(0)).toBe('1970-01-01T00:00:00.000Z')
  })
})
