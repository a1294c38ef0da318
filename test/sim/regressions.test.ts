import { describe, expect, it } from 'vitest'
import { runHistory } from './history.ts'
import { regressions } from './regressions.ts'

describe('histories that broke a promise once', () => {
  it.each(Object.entries(regressions))('%s', async (_, history) => {
    expect((await runHistory(history)).violations).toEqual([])
  })
})
