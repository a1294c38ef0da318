import { describe, expect, it } from 'vitest'
import { type EndFacts, isOver, planSpool } from '../../src/agent/spool/spool-plan.ts'

describe('what is kept', () => {
  const facts = { size: 100_000, acked: [50_000, 80_000], kept: undefined, room: 1_000_000 }
  it('the rest, and the stretch before it that the next name is made of', () => {
    expect(planSpool(facts)).toEqual({ kind: 'keep', from: 50_000 - 4096, start: 50_000 - 4096, end: 100_000 })
    expect(planSpool({ ...facts, acked: [0] })).toMatchObject({ from: 0, start: 0 })
  })
  it('nothing where all is delivered, or kept', () => {
    expect(planSpool({ ...facts, acked: [100_000] })).toEqual({ kind: 'nothing' })
    expect(planSpool({ ...facts, kept: { from: 9, end: 100_000 } })).toEqual({ kind: 'nothing' })
  })
  it('what came since is added', () => {
    const kept = { from: 10_000, end: 90_000 }
    expect(planSpool({ ...facts, kept })).toEqual({ kind: 'keep', from: 10_000, start: 90_000, end: 100_000 })
  })
  it('no more than there is room for', () => {
    expect(planSpool({ ...facts, room: 50_000 })).toEqual({ kind: 'full', missing: 54_096 })
    expect(planSpool({ ...facts, room: 50_000 + 2 * 4096 })).toMatchObject({ kind: 'keep' })
  })
  it('all of it again, for a destination that begins anew', () => {
    const kept = { from: 40_000, end: 90_000 }
    expect(planSpool({ ...facts, acked: [0, 60_000], kept })).toEqual({ kind: 'keep', from: 0, start: 0, end: 100_000 })
    expect(planSpool({ ...facts, acked: [0], kept, room: 10_000 })).toEqual({ kind: 'full', missing: 100_000 })
  })
})

describe('its end', () => {
  const end: EndFacts = { writer: 'none', isIdle: false, size: 10, end: 10, wasOver: false }
  const cases: [Partial<EndFacts>, boolean][] = [
    [{}, true],
    [{ end: 9 }, false],
    [{ writer: 'some' }, false],
    [{ writer: 'some', isIdle: true }, false],
    [{ writer: 'unknown' }, false],
    [{ writer: 'unknown', isIdle: true }, true],
    [{ writer: 'unknown', wasOver: true }, true],
    [{ wasOver: true, end: 9 }, false],
  ]
  for (const [facts, over] of cases)
    it(`${over ? 'was' : 'was not'} seen with ${JSON.stringify(facts)}`, () =>
      expect(isOver({ ...end, ...facts })).toBe(over))
})
