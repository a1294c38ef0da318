import { describe, expect, it } from 'vitest'
import { periodEndMs, periodIn } from '../../src/format/period.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

describe('the period in a name', () => {
  it.each([
    ['haproxy-20130704T0000Z-us-west-2-i-ae23fega.log', '2013-07-04T00:00:00.000Z', minute],
    ['haproxy-20130704T13Z.log', '2013-07-04T13:00:00.000Z', hour],
    ['20130704T235959Z', '2013-07-04T23:59:59.000Z', 1000],
    ['a-20130704T235959.123Z.log', '2013-07-04T23:59:59.000Z', 1000],
    ['a-2013-07-04T00:00Z.log', '2013-07-04T00:00:00.000Z', minute],
    ['a-2013-07-04T13:05:07Z.log', '2013-07-04T13:05:07.000Z', 1000],
    ['a-2013-07-04T13Z.log', '2013-07-04T13:00:00.000Z', hour],
    ['a-20130704T1300+0000.log', '2013-07-04T13:00:00.000Z', minute],
    ['a-2013-07-04T13:00+00:00.log', '2013-07-04T13:00:00.000Z', minute],
    ['a-2013-07-04.log', '2013-07-04T00:00:00.000Z', day],
    ['app.log-20130704', '2013-07-04T00:00:00.000Z', day],
    ['app.log-20240229.gz', '2024-02-29T00:00:00.000Z', day],
    ['app-20131304-20130704T01Z.log', '2013-07-04T01:00:00.000Z', hour],
  ])('%s begins at %s', (name, start, precisionMs) => {
    const period = periodIn(name)
    expect(period && new Date(period.startMs).toISOString()).toBe(start)
    expect(period?.precisionMs).toBe(precisionMs)
  })

  it.each([
    ['no date', 'app.log'],
    ['a number of nine digits', 'app-201307041.log'],
    ['a month that is none', 'app-20131304.log'],
    ['a day that is none', 'app-20130231.log'],
    ['29 February of another year', 'app-20230229.log'],
    ['a local time', 'app-20130704T0000.log'],
    ['a local time, extended', 'app-2013-07-04T13:00.log'],
    ['another zone', 'app-20130704T0000+0100.log'],
    ['half an hour', 'app-20130704T000Z.log'],
    ['hour 24', 'app-20130704T24Z.log'],
    ['minute 60', 'app-20130704T0060Z.log'],
    ['half a separator', 'app-2013-0704.log'],
    ['a month alone', 'app-2013-07.log'],
  ])('%s is none: %s', (_what, name) => {
    expect(periodIn(name)).toBeUndefined()
  })

  it('logjam: a time with minutes stands for an hour, unless the source says otherwise', () => {
    const period = periodIn('haproxy-20130704T0000Z.log')!
    expect(new Date(periodEndMs(period, undefined)).toISOString()).toBe('2013-07-04T01:00:00.000Z')
    expect(new Date(periodEndMs(period, 5 * minute)).toISOString()).toBe('2013-07-04T00:05:00.000Z')
  })

  it('a date stands for a day', () => {
    const period = periodIn('app-2013-07-04.log')!
    expect(new Date(periodEndMs(period, undefined)).toISOString()).toBe('2013-07-05T00:00:00.000Z')
  })
})
