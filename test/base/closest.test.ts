import { describe, expect, it } from 'vitest'
import { closest } from '../../src/base/closest.ts'

describe('what was probably meant', () => {
  it.each([
    ['hots', ['host', 'state'], 'host'],
    ['HOST', ['host'], 'host'],
    ['destinatons', ['sources', 'destinations'], 'destinations'],
    ['t', ['to', 'name'], 'to'],
    ['doktor', ['demo', 'doctor'], 'doctor'],
    ['frobnicate', ['ship', 'validate'], undefined],
    ['ftp', ['file', 's3'], undefined],
    ['', ['ship'], undefined],
    ['ship', [], undefined],
  ])('by %j of %j is %j', (text, choices, meant) => expect(closest(text, choices)).toBe(meant))

  it('is the first of equally near ones', () => expect(closest('ab', ['ac', 'ad'])).toBe('ac'))
})
