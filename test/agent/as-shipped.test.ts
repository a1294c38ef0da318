import { describe, expect, it } from 'vitest'
import { wasRefilled } from '../../src/agent/shipping/as-shipped.ts'

describe('a chain by its names', () => {
  it.each<[string, number[], boolean]>([
    ['nothing', [], false],
    ['one segment', [5], false],
    ['in order', [0, 1_000, 90_000], false],
    ['several on their way at once', [31_000, 1_500, 60_000], false],
    ['one that took the place of what the bucket lost', [0, 60_000, 4_000], true],
    ['all but the last', [90_000, 91_000, 4_000], true],
  ])('is believed unless a part of it was filled anew: %s', (_, stored, expected) => {
    expect(wasRefilled(stored.map((storedAtMs) => ({ storedAtMs })))).toBe(expected)
  })
})
