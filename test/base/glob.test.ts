import { expect, it } from 'vitest'
import { matchesGlob } from '../../src/base/glob.ts'

it.each([
  ['*', ''],
  ['*', 'anything/at all'],
  ['web-*', 'web-1'],
  ['*.log', '/var/log/a.log'],
  ['/var/*/a.lo?', '/var/log/x/a.log'],
  ['a*b*c', 'a-b-b-c'],
  ['**', 'x'],
  ['a.b', 'a.b'],
])('%s fits %s', (pattern, text) => expect(matchesGlob(pattern, text)).toBe(true))

it.each([
  ['', 'x'],
  ['web-*', 'db-web-1'],
  ['web-?', 'web-'],
  ['a.b', 'axb'],
  ['a*b', 'a-b-c'],
  ['?', ''],
])('%s does not fit %s', (pattern, text) => expect(matchesGlob(pattern, text)).toBe(false))

it('I7: takes no time that grows beyond both lengths, whatever a stranger asks', () => {
  // A regular expression of the same would not end in this life.
  expect(matchesGlob('*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b', 'a'.repeat(4096))).toBe(false)
})
