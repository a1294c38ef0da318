import { describe, expect, it } from 'vitest'
import { type AdoptSource, judgeAdopted } from '../../src/agent/identity/adopt.ts'

const restored: AdoptSource = {
  stream: 's',
  length: 70_000,
  size: 80_000,
  samePath: true,
  sameMachine: true,
  isMissing: true,
}
const kind = (isTold: boolean, ...changes: Partial<AdoptSource>[]): string =>
  judgeAdopted(
    changes.map((change) => ({ ...restored, ...change })),
    isTold,
  ).kind

describe('whose stream a file without its identity holds', () => {
  it('by itself: much of the same, at the same path, all of it', () => {
    expect(kind(false, {})).toBe('copy')
    for (const change of [
      { length: 65_535 },
      { samePath: false },
      { sameMachine: false },
      { isMissing: false },
      { size: 69_000 },
    ])
      expect(kind(false, change)).toBe('own')
  })

  it('told that it is a copy: less, and under the name of a rotation; never what beginnings have in common', () => {
    for (const change of [
      { length: 10, size: 20 },
      { length: 10, size: 10, samePath: false },
      { length: 5_000, size: 9_000, samePath: false },
      // Older than what was delivered: nothing of it is to be sent.
      { length: 9_000, size: 5_000 },
    ])
      expect(kind(true, change)).toBe('copy')
    for (const change of [
      { length: 10, size: 20, samePath: false },
      { length: 20, size: 10 },
      { length: 0, size: 10 },
      { isMissing: false },
      { sameMachine: false },
    ])
      expect(kind(true, change)).toBe('own')
  })

  it('the longest that fits', () => {
    const verdict = judgeAdopted(
      [
        { ...restored, length: 66_000 },
        { ...restored, stream: 'longer' },
      ],
      true,
    )
    expect(verdict).toMatchObject({ kind: 'copy', stream: 'longer' })
  })
})
