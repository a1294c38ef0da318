import { describe, expect, it } from 'vitest'
import { runHistory } from './history.ts'
import { compressed } from './regressions/compressed.ts'
import { copies } from './regressions/copies.ts'
import { cuts } from './regressions/cuts.ts'
import { descriptors } from './regressions/descriptors.ts'
import { machines } from './regressions/machines.ts'

/** As the shrinker left them, each with what was wrong. */
const regressions = { ...compressed, ...copies, ...cuts, ...descriptors, ...machines }

describe('histories that broke a promise once', () => {
  it.each(Object.entries(regressions))('%s', async (_, history) => {
    expect((await runHistory(history)).violations).toEqual([])
  })
})
