import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseBytes, parseDuration, parseRate } from '../../src/base/quantity.ts'
import {
  countText,
  formatAge,
  formatBytes,
  formatBytesOf,
  formatCount,
  formatDollars,
  formatDuration,
  formatRate,
  formatSpan,
} from '../../src/cli/terminal/units.ts'

describe('a count', () => {
  it('is singular for one', () => {
    expect([0, 1, 4711].map((count) => countText(count, 'segment'))).toEqual([
      '0 segments',
      '1 segment',
      '4,711 segments',
    ])
  })
})

describe('quantities as people read them', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1.2 * 2 ** 30, '1.2 GiB'],
    [214 * 2 ** 20, '214 MiB'],
    [1024 ** 2 - 1, '1.0 MiB'],
    [99.96 * 1024, '100 KiB'],
    [Number.MAX_SAFE_INTEGER, '8.0 PiB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))

  it('a part of a whole is in the unit of the whole', () => {
    expect(formatBytesOf(1.2 * 2 ** 30, 1.5 * 2 ** 30)).toBe('1.2/1.5 GiB')
    expect(formatBytesOf(512, 2 ** 20)).toBe('0.0/1.0 MiB')
    expect(formatRate(214 * 2 ** 20)).toBe('214 MiB/s')
  })

  it.each([
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [104_857_600, '104,857,600'],
  ])('%d counts as %s', (count, text) => expect(formatCount(count)).toBe(text))

  it.each([
    [0, '0s'],
    [250, '250ms'],
    [90 * 60_000, '1h30m'],
    [86_400_000, '1d'],
    [1500, '1s500ms'],
  ])('%d ms are written %s', (ms, text) => expect(formatDuration(ms)).toBe(text))

  it('a duration that was written is read back', () => {
    fc.assert(fc.property(fc.nat(), (ms) => parseDuration(formatDuration(ms)) === ms))
  })

  it.each([
    [20, '0.02 s'],
    [1000, '1 s'],
    [3500, '3.5 s'],
    [59_600, '1 m'],
    [125_000, '2 m 5 s'],
    [14 * 60_000, '14 m'],
    [(3 * 60 + 12) * 60_000, '3 h 12 m'],
    [24 * 3_600_000 - 1, '1 d'],
    [52 * 3_600_000, '2 d 4 h'],
  ])('%d ms span %s', (ms, text) => expect(formatSpan(ms)).toBe(text))

  it.each([
    [-5, 'now'],
    [999, 'now'],
    [9_900, '9 s ago'],
    [14.9 * 60_000, '14 m ago'],
    [3 * 86_400_000, '3 d ago'],
  ])('%d ms are %s', (ms, text) => expect(formatAge(ms)).toBe(text))

  it.each([
    [0, '$0'],
    [0.0004, '<$0.001'],
    [0.0019, '$0.002'],
    [0.05, '$0.05'],
    [0.0949, '$0.09'],
    [0.21, '$0.21'],
    [8.4, '$8.40'],
    [1234.4, '$1,234'],
  ])('%d dollars are %s', (dollars, text) => expect(formatDollars(dollars)).toBe(text))
})

describe('quantities as people write them', () => {
  it.each([
    ['20MB/s', 20e6],
    ['20 MB/s', 20e6],
    ['1.5MiB/s', 1.5 * 2 ** 20],
    ['512kB/s', 512_000],
    ['100B/s', 100],
    ['20MB', undefined],
    ['20M/s', undefined],
    ['20Mbit/s', undefined],
    ['-1MB/s', undefined],
    ['MB/s', undefined],
    ['', undefined],
  ])('the rate %j is %j bytes per second', (text, bytes) => expect(parseRate(text)).toBe(bytes))

  it.each([
    ['64KiB', 65_536],
    ['1gb', 1e9],
    ['1e3B', undefined],
    ['99999999TB', undefined],
  ])('the size %j is %j bytes', (text, bytes) => expect(parseBytes(text)).toBe(bytes))

  it.each([
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    ['1h 30m', 5_400_000],
    ['250ms', 250],
    ['1.5s', 1500],
    ['7d', 604_800_000],
    ['30', undefined],
    ['30m1h', undefined],
    ['1m1m', undefined],
    ['10 minutes', undefined],
    ['', undefined],
  ])('the duration %j is %j ms', (text, ms) => expect(parseDuration(text)).toBe(ms))
})
