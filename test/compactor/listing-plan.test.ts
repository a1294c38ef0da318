import { describe, expect, it } from 'vitest'
import {
  forgetOld,
  type HostWatch,
  isDue,
  nextInterval,
  type Pace,
  planListing,
  requestsFor,
  type StreamWatch,
  watchAfter,
  watchAfterFailure,
  watchHost,
} from '../../src/compactor/listing-plan.ts'

const pace: Pace = { intervalMinMs: 1000, intervalMaxMs: 30_000, fullIntervalMs: 3_600_000 }
const minute = 60_000

function watch(more: Partial<StreamWatch> = {}): StreamWatch {
  return { length: 5, isSettled: false, grewAtMs: 0, lookedAtMs: 0, failures: 0, retryAtMs: 0, ...more }
}

function host(streams: StreamWatch[], more: Partial<HostWatch> = {}): HostWatch {
  return { ...watchHost(), fullAtMs: 0, streams: new Map(streams.map((one, at) => [`0-${at}`, one])), ...more }
}

describe('listing plan', () => {
  it('begins with everything, and comes back to it', () => {
    expect(planListing(watchHost(), pace, 0)).toEqual({ kind: 'full' })
    const large = host([watch()], { fullRequests: 100 })
    expect(planListing(large, pace, minute)).toEqual({ kind: 'changed' })
    expect(planListing(large, pace, pace.fullIntervalMs)).toEqual({ kind: 'full' })
  })

  it('takes whichever needs fewer requests', () => {
    const live = Array.from({ length: 10 }, () => watch())
    expect(planListing(host(live, { fullRequests: 11 }), pace, minute)).toEqual({ kind: 'full' })
    expect(planListing(host(live, { fullRequests: 12 }), pace, minute)).toEqual({ kind: 'changed' })
    const settled = Array.from({ length: 2500 }, () => watch({ isSettled: true }))
    expect(planListing(host(settled, { fullRequests: 3 }), pace, minute)).toEqual({ kind: 'full' })
    expect(planListing(host(settled, { fullRequests: 4 }), pace, minute)).toEqual({ kind: 'changed' })
  })

  it('counts requests as a store answers them', () => {
    expect([0, 1, 1000, 1001, 2_600_000].map(requestsFor)).toEqual([1, 1, 1, 2, 2600])
  })

  it.each([
    ['growing', watch({ grewAtMs: minute, lookedAtMs: minute }), minute, true],
    ['quiet for an hour, looked at a minute ago', watch({ lookedAtMs: 60 * minute }), 61 * minute, false],
    ['quiet for an hour, looked at eight minutes ago', watch({ lookedAtMs: 60 * minute }), 68 * minute, true],
    ['settled', watch({ isSettled: true }), 1e9, false],
    ['failed, too early', watch({ retryAtMs: 2 * minute }), minute, false],
    ['failed, time to try again', watch({ retryAtMs: 2 * minute }), 2 * minute, true],
  ])('a stream that is %s', (_, one, nowMs, expected) => {
    expect(isDue(one, nowMs)).toBe(expected)
  })

  it('I7: a stream that stays quiet is looked at some dozen times a year, not each round', () => {
    let one = watchAfter(undefined, { length: 5, isSettled: false }, 0)
    let looks = 0
    for (let now = 1000; now < 365 * 24 * 60 * minute; now = Math.ceil(now * 1.01)) {
      if (!isDue(one, now)) continue
      one = watchAfter(one, { length: 5, isSettled: false }, now)
      looks++
    }
    expect(looks).toBeLessThan(150)
  })

  it('looks soon after something came, and rarely where nothing does', () => {
    const waits: number[] = []
    for (let round = 0; round < 8; round++) waits.push(nextInterval(waits.at(-1) ?? 0, round === 0, pace))
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
    expect(nextInterval(30_000, true, pace)).toBe(1000)
    expect(nextInterval(0, false, pace)).toBe(1000)
  })

  it('I7: hosts that are gone for good cost no more than their full listings', () => {
    const day = 24 * 60 * minute
    const waits = [day - 1, day, 6 * day, 7 * day, 700 * day].map((quiet) => nextInterval(30_000, false, pace, quiet))
    expect(waits).toEqual([30_000, 5 * minute, 5 * minute, 60 * minute, 60 * minute])
    expect(nextInterval(30_000, true, pace, 700 * day)).toBe(1000)
  })

  it('I7: of a long history what may still grow is remembered, and the newest streams', () => {
    const name = (at: number): string => `20261120T${String(at).padStart(15, '0')}Z-1`
    const streams = Array.from({ length: 3000 }, (_, at): [string, StreamWatch] => [
      name(at),
      watch({ isSettled: at % 100 !== 0 }),
    ])
    const long = { ...watchHost(), streams: new Map(streams) }
    forgetOld(long)
    expect(long.newestFrom).toBe(name(2500))
    expect(long.streams.size).toBe(500 + 25)
    const short = { ...watchHost(), streams: new Map(streams.slice(0, 1000)) }
    forgetOld(short)
    expect([short.newestFrom, short.streams.size]).toEqual([undefined, 1000])
    const nameless = { ...watchHost(), streams: new Map([...streams, ['0-1', watch()]]) }
    forgetOld(nameless)
    expect([nameless.newestFrom, nameless.streams.size]).toEqual([undefined, 3001])
  })

  it('remembers when a stream grew, and forgets failures after a success', () => {
    const grown = watchAfter(watch({ length: 4, failures: 3 }), { length: 5, isSettled: false }, minute)
    expect(grown).toMatchObject({ grewAtMs: minute, lookedAtMs: minute, failures: 0, retryAtMs: minute })
    expect(watchAfter(grown, { length: 5, isSettled: true }, 2 * minute)).toMatchObject({
      grewAtMs: minute,
      isSettled: true,
    })
  })

  it('tries again later and later', () => {
    const backoff = { baseMs: 100, capMs: 1000 }
    let one: StreamWatch | undefined
    const waits: number[] = []
    for (let attempt = 0; attempt < 6; attempt++) {
      one = watchAfterFailure(one, backoff, { random: () => 1 }, minute)
      waits.push(one.retryAtMs - minute)
    }
    expect(waits).toEqual([100, 200, 400, 800, 1000, 1000])
  })
})
