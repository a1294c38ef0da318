import { expect, it } from 'vitest'
import { keepWholeChecks } from '../../../src/agent/whole/whole-checks.ts'
import type { WholeFile } from '../../../src/agent/whole/whole-file.ts'
import { createVirtualClock } from '../../support/virtual-clock.ts'

const hour = 3_600_000

it.each([3, 5_000])('I3, I7: each of %i files is asked for once a day, a few at a time', async (count) => {
  const clock = createVirtualClock()
  const stop = new AbortController()
  const files = Array.from({ length: count }, (_, at) => ({ identity: `${at}` }) as WholeFile)
  const asked = new Map<WholeFile, number>()
  let [inMinute, most] = [0, 0]
  const running = keepWholeChecks(
    () => files,
    clock,
    stop.signal,
    (file) => {
      asked.set(file, (asked.get(file) ?? 0) + 1)
      most = Math.max(most, ++inMinute)
    },
  )
  for (let minute = 0; minute < 72 * 60; minute++) {
    inMinute = 0
    await clock.advance(hour / 60)
  }
  expect(most).toBeLessThanOrEqual(Math.ceil(count / 1440))
  expect(new Set(asked.values())).toEqual(new Set([3]))
  stop.abort()
  await running
})
