import { describe, expect, it } from 'vitest'
import { Retries } from '../../../src/compactor/events/retries.ts'
import { guardLeaks } from '../../support/leak-guard.ts'
import { createVirtualClock } from '../../support/virtual-clock.ts'

guardLeaks()

const backoff = { baseMs: 5_000, capMs: 3_600_000 }

function setUp() {
  const clock = createVirtualClock()
  const stop = new AbortController()
  return { clock, stop, retries: new Retries(clock, stop.signal) }
}

describe('what failed in a listing', () => {
  it('is asked for until it is done, ever more rarely, and once however often it is added', async () => {
    const { clock, retries } = setUp()
    let asked = 0
    let isDone = false
    const work = async () => {
      asked++
      return isDone ? undefined : backoff
    }
    for (let at = 0; at < 5; at++) retries.add('host web-1', backoff, work)
    await clock.advance(60_000)
    const early = asked
    expect(early).toBeGreaterThan(2)
    await clock.advance(3 * 86_400_000)
    expect(asked - early).toBeLessThan(1_000)
    expect(retries.has('host web-1')).toBe(true)
    isDone = true
    await clock.advance(3_600_000)
    expect(retries.has('host web-1')).toBe(false)
    const last = asked
    await clock.advance(86_400_000)
    expect(asked).toBe(last)
  })

  it('I7: no more than 10,000 of them, and all end with the signal', async () => {
    const { clock, stop, retries } = setUp()
    let asked = 0
    for (let at = 0; at < 10_001; at++)
      retries.add(`stream web-1 ${at}`, backoff, async () => {
        asked++
        return undefined
      })
    expect(retries.has('stream web-1 9999')).toBe(true)
    expect(retries.has('stream web-1 10000')).toBe(false)
    stop.abort(new Error('stopped'))
    await clock.advance(60_000)
    expect(asked).toBe(0)
    expect(retries.has('stream web-1 9999')).toBe(false)
  })

  it('I9: what hangs holds up the others only when all places hang', async () => {
    const { clock, stop, retries } = setUp()
    const hanging = Promise.withResolvers<undefined>()
    for (let at = 0; at < 15; at++) retries.add(`host evil-${at}`, backoff, () => hanging.promise)
    await clock.advance(60_000)
    let isDone = false
    retries.add('host web-1', backoff, async () => {
      isDone = true
      return undefined
    })
    await clock.advance(60_000)
    expect(isDone).toBe(true)
    hanging.resolve(undefined)
    stop.abort(new Error('stopped'))
    await clock.advance(1)
  })

  it('what waits for its turn when all is stopped does not begin any more', async () => {
    const { clock, stop, retries } = setUp()
    const hanging = Promise.withResolvers<undefined>()
    for (let at = 0; at < 16; at++) retries.add(`host slow-${at}`, backoff, () => hanging.promise)
    await clock.advance(60_000)
    let hasBegun = false
    retries.add('host web-1', backoff, async () => {
      hasBegun = true
      return undefined
    })
    await clock.advance(60_000)
    stop.abort(new Error('stopped'))
    hanging.resolve(undefined)
    await clock.advance(1)
    expect(hasBegun).toBe(false)
    expect(retries.has('host web-1')).toBe(false)
  })
})
