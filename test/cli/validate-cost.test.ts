import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  dollarsPerGib,
  longestWait,
  requestBound,
  smallSegments,
  storageDollars,
  wholeBound,
} from '../../src/cli/validate/cost.ts'

const usual = { burst: 20, everyMs: 10_000 }

describe('I7: the bound in requests and dollars', () => {
  it('of one live file is one segment per 10 s, and one check of the day’s segments', () => {
    const { requestsPerHour, dollarsPerMonth } = requestBound(1, 1, usual)
    // 360 PUT, and one of the digest; once a day 9 LIST and 8,640 GET.
    expect(requestsPerHour).toBe(722)
    expect(dollarsPerMonth).toBeCloseTo(730 * (361 * 5e-6 + (9 / 24) * 5e-6 + 360 * 0.4e-6), 6)
  })

  it('of files that do not change is one LIST and one GET a day each', () => {
    const { requestsPerHour, dollarsPerMonth } = requestBound(10_000, 0, usual)
    expect(requestsPerHour).toBe(Math.ceil(20_000 / 24 + 1))
    expect(dollarsPerMonth).toBeLessThan(2)
  })

  it('of files that are delivered whole is a PUT each', () => {
    expect(wholeBound(10_000)).toEqual({ requestsPerHour: 10_000, dollarsPerMonth: 730 * 10_000 * 5e-6 })
  })

  it('of nothing is a digest per hour', () => {
    expect(requestBound(0, 0, usual)).toEqual({ requestsPerHour: 1, dollarsPerMonth: 730 * 5e-6 })
  })

  it('grows with live files, and with the budget', () => {
    const files = fc.nat({ max: 10_000 })
    fc.assert(
      fc.property(files, files, fc.integer({ min: 100, max: 3_600_000 }), (a, b, everyMs) => {
        const [few, many] = a < b ? [a, b] : [b, a]
        const dollars = (live: number, ms: number) =>
          requestBound(10_000, live, { burst: 20, everyMs: ms }).dollarsPerMonth
        return dollars(few, everyMs) <= dollars(many, everyMs) && dollars(few, everyMs * 2) <= dollars(few, everyMs)
      }),
    )
  })

  it('of volume follows from the size of a segment', () =>
    expect(dollarsPerGib(4 * 2 ** 20)).toBeCloseTo(256 * 5e-6, 9))

  it('with a price, is that price, whatever number of files', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 1, max: 500 }), (live, dollarsPerMonth) => {
        const bound = requestBound(live, live, { ...usual, dollarsPerMonth })
        const listings = ((live * 730) / 24) * 5e-6
        expect(bound.dollarsPerMonth).toBeLessThanOrEqual(dollarsPerMonth + listings + 1e-6)
        expect(bound.dollarsPerMonth).toBeLessThanOrEqual(requestBound(live, live, usual).dollarsPerMonth + 1e-6)
      }),
    )
  })

  it('with a price, files wait for their turn', () => {
    const { perSecond } = smallSegments(10)
    expect(perSecond).toBeCloseTo(0.7, 1)
    expect(longestWait(1, { ...usual, dollarsPerMonth: 10 })).toBe(10)
    expect(longestWait(700, { ...usual, dollarsPerMonth: 10 })).toBeCloseTo(700 / perSecond, 6)
  })

  it('of storage is what growth adds each month, or what retention keeps', () => {
    expect(storageDollars(2 ** 30, undefined)).toBeCloseTo((730 / 24) * 0.023, 9)
    expect(storageDollars(2 ** 30, 10 * 86_400_000)).toBeCloseTo(0.23, 9)
  })
})
