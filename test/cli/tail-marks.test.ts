import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dropDelivered, markTail, seenSinceMs, type TailMark } from '../../src/cli/read/tail-marks.ts'

describe('the age of the oldest byte that is not delivered', () => {
  it('is each destination’s own', () => {
    let marks: readonly TailMark[] = []
    marks = markTail(marks, 100, 1_000)
    marks = markTail(marks, 100, 2_000)
    marks = markTail(marks, 250, 3_000)
    expect([0, 99, 100, 249, 250].map((offset) => seenSinceMs(marks, offset))).toEqual([
      1_000,
      1_000,
      3_000,
      3_000,
      undefined,
    ])
    expect(dropDelivered(marks, 100)).toEqual([{ end: 250, sinceMs: 3_000 }])
    expect(dropDelivered(marks, 99)).toBe(marks)
    expect(dropDelivered(marks, 250)).toEqual([])
  })

  it('I7: takes a bounded number of marks, and is never too low', () => {
    const growths = fc.array(fc.nat(50), { minLength: 1, maxLength: 400 })
    fc.assert(
      fc.property(growths, fc.nat(20_000), (steps, offset) => {
        let marks: readonly TailMark[] = []
        let size = 0
        let truth: number | undefined
        for (const [at, step] of steps.entries()) {
          if (size <= offset && size + step > offset) truth = at
          size += step
          marks = markTail(marks, size, at)
          expect(marks.length).toBeLessThanOrEqual(64)
        }
        const found = seenSinceMs(marks, offset)
        if (truth === undefined) expect(found).toBeUndefined()
        else expect(found).toBeLessThanOrEqual(truth)
      }),
    )
  })
})
