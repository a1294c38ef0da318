import { expect, it } from 'vitest'
import { ScanPace } from '../../src/agent/discovery/scan-pace.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

const minute = 60_000

it('the loop of scans is stalled once a scan, or the wait for the next one, takes 15 minutes longer than it should', async () => {
  const clock = createVirtualClock()
  const pace = new ScanPace(clock, minute)
  await clock.advance(14 * minute)
  expect(pace.isStalled).toBe(false)
  await clock.advance(2 * minute)
  expect(pace.isStalled, 'never begun').toBe(true)

  const ended = pace.begins()
  await clock.advance(14 * minute)
  expect(pace.isStalled, 'under way').toBe(false)
  await clock.advance(2 * minute)
  expect(pace.isStalled, 'hangs').toBe(true)

  ended()
  // Scans take a tenth of the time at most: the next one may be long in coming.
  const rest = pace.next(16 * minute, AbortSignal.timeout(60_000))
  await clock.advance(160 * minute)
  expect(pace.isStalled, 'rests').toBe(false)
  await clock.advance(2 * minute)
  await rest
  expect(pace.isStalled, 'is due').toBe(false)
  await clock.advance(16 * minute)
  expect(pace.isStalled, 'does not come').toBe(true)
})

it('what was there when a scan began has been seen when it ended', async () => {
  const clock = createVirtualClock()
  const pace = new ScanPace(clock, minute)
  await clock.advance(5_000)
  const beganMs = clock.monotonic()
  const ended = pace.begins()
  expect(pace.seenMs).toBeUndefined()
  await clock.advance(5_000)
  ended()
  expect(pace.seenMs).toBe(beganMs)
})
