import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffMs, retryRefused, retryUnknown } from '../../src/base/retry.ts'

const always = (value: number) => ({ random: () => value })

describe('backoff', () => {
  it('I7: waits between 0 and a bound that doubles up to the cap, for any attempt', () => {
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    const backoff = fc.record({
      baseMs: fc.integer({ min: 1, max: 10_000 }),
      capMs: fc.integer({ min: 1, max: 100_000 }),
    })
    fc.assert(
      fc.property(backoff, fc.nat(10_000), chance, (limits, attempt, random) => {
        const waitMs = backoffMs(limits, attempt, always(random))
        expect(Number.isInteger(waitMs)).toBe(true)
        expect(waitMs).toBeGreaterThanOrEqual(0)
        expect(waitMs).toBeLessThanOrEqual(Math.min(limits.capMs, limits.baseMs * 2 ** attempt))
      }),
    )
  })

  it('is spread over the whole range: a fleet that failed together does not come back together', () => {
    expect(backoffMs(retryUnknown, 3, always(0))).toBe(0)
    expect(backoffMs(retryUnknown, 3, always(0.5))).toBe(400)
    expect(backoffMs(retryUnknown, 3, always(0.999999))).toBe(800)
  })

  it('asks a store that does not answer again at once, one that refuses slowly', () => {
    const bounds = (backoff: typeof retryUnknown) =>
      [0, 1, 2, 20].map((attempt) => backoffMs(backoff, attempt, always(1)))
    expect(bounds(retryUnknown)).toEqual([100, 200, 400, 30_000])
    expect(bounds(retryRefused)).toEqual([5_000, 10_000, 20_000, 60_000])
  })
})
