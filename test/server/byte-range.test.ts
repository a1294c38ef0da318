import { describe, expect, it } from 'vitest'
import { planContent } from '../../src/server/byte-range.ts'

const etag = '"s.10.abc"'
const whole = { kind: 'whole', start: 0, end: 10 }

describe('what is sent of ten bytes', () => {
  it.each([
    ['bytes=0-0', { kind: 'part', start: 0, end: 1 }],
    ['bytes=2-', { kind: 'part', start: 2, end: 10 }],
    ['bytes=2-99', { kind: 'part', start: 2, end: 10 }],
    ['bytes=-3', { kind: 'part', start: 7, end: 10 }],
    ['bytes=-99', { kind: 'part', start: 0, end: 10 }],
    ['bytes=10-', { kind: 'unsatisfiable' }],
    ['bytes=-0', { kind: 'unsatisfiable' }],
    ['bytes=5-4', whole],
    ['bytes=-', whole],
    ['bytes=0-1,3-4', whole],
    ['lines=0-1', whole],
    ['bytes=99999999999999999-', whole],
    ['bytes=a-b', whole],
  ])('%s', (range, plan) => {
    expect(planContent(10, etag, { range })).toEqual(plan)
  })

  it('of an empty stream no range is there', () => {
    expect(planContent(0, etag, { range: 'bytes=0-' })).toEqual({ kind: 'unsatisfiable' })
    expect(planContent(0, etag, {})).toEqual({ kind: 'whole', start: 0, end: 0 })
  })

  it.each([
    [{ ifNoneMatch: etag }, 'unchanged'],
    [{ ifNoneMatch: `"x", W/${etag}` }, 'unchanged'],
    [{ ifNoneMatch: '*' }, 'unchanged'],
    [{ ifNoneMatch: '"x"' }, 'whole'],
    [{ ifNoneMatch: etag, range: 'bytes=0-1' }, 'unchanged'],
    [{ ifRange: etag, range: 'bytes=0-1' }, 'part'],
    [{ ifRange: '"x"', range: 'bytes=0-1' }, 'whole'],
    [{ ifRange: `W/${etag}`, range: 'bytes=0-1' }, 'whole'],
  ])('%j: %s', (asked, kind) => {
    expect(planContent(10, etag, asked).kind).toBe(kind)
  })
})
