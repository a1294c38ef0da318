import { describe, expect, it, onTestFinished } from 'vitest'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { encodeDigest } from '../../src/format/digest.ts'
import { digestKey, hourMs, hourOf } from '../../src/format/keys.ts'
import { HostSigns, nextLook } from '../../src/server/host-signs.ts'
import { faultBucket } from '../support/fault-bucket.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { storedStream } from '../support/stored-stream.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

guardLeaks()

const digest = Buffer.from(
  encodeDigest({ at: '2026-11-20T10:15:00.000Z', begun: 0, acked: 0, sealed: 0, streams: [], more: 0 }),
)

function setUp() {
  const clock = createVirtualClock()
  const memory = createMemoryBucket(clock)
  const bucket = faultBucket(memory, clock)
  const signs = new HostSigns(bucket, clock)
  const stop = new AbortController()
  onTestFinished(async () => {
    stop.abort(new Error('stopped'))
    await clock.settle()
  })
  const counted = (): Record<string, number> =>
    Object.fromEntries([...(signs.counts() ?? [])].filter(([, count]) => count > 0))
  const sign = async (name: string, hoursAgo = 0): Promise<void> => {
    const key = digestKey(name, hourOf(clock.now() - hoursAgo * hourMs), '0123456789abcdef')
    await memory.put(key, digest, { mode: 'create' })
  }
  return {
    clock,
    bucket,
    signs,
    counted,
    start: () => void signs.run(stop.signal),
    /** A host that has delivered, with a sign of life so many hours ago. */
    async host(name: string, hoursAgo?: number): Promise<void> {
      await storedStream(memory, name, '0-1', '/a').append('a')
      if (hoursAgo !== undefined) await sign(name, hoursAgo)
    },
    sign,
  }
}

describe('signs of life', () => {
  it('are counted: alive, silent, long silent, none', async () => {
    const { host, start, signs, counted, clock } = setUp()
    expect(signs.counts()).toBeUndefined()
    await host('web-1', 0)
    await host('web-2', 2)
    await host('db-1', 5)
    await host('old-1', 24 * 30)
    await host('ship-1')
    start()
    await clock.advance(1000)
    expect(counted()).toEqual({ alive: 2, silent: 1, 'long-silent': 1, none: 1 })
  })

  it('a host falls silent after three hours, is long silent after a week, and is back; one that comes is counted', async () => {
    const { host, sign, start, counted, clock } = setUp()
    await host('web-1')
    await sign('web-1')
    start()
    await clock.advance(1000)
    expect(counted()).toEqual({ alive: 1 })
    // Its last hour began at ten.
    await clock.advance(2.5 * hourMs)
    expect(counted()).toEqual({ alive: 1 })
    await clock.advance(0.75 * hourMs)
    expect(counted()).toEqual({ silent: 1 })
    await host('web-2')
    await clock.advance(hourMs)
    expect(counted()).toEqual({ silent: 1, none: 1 })
    await sign('web-1')
    await sign('web-2')
    await clock.advance(1.25 * hourMs)
    expect(counted()).toEqual({ alive: 2 })
    await clock.advance(9 * 24 * hourMs)
    expect(counted()).toEqual({ 'long-silent': 2 })
    await sign('web-2')
    await clock.advance(24 * hourMs)
    expect(counted().alive ?? 0).toBe(0)
    expect(counted()['long-silent'] ?? 0).toBe(1)
  })

  it('I4: what the bucket does not say is unknown, neither alive nor silent', async () => {
    const { host, sign, start, signs, counted, bucket, clock } = setUp()
    await host('web-1', 0)
    await host('web-2', 0)
    bucket.setRule(() => ({ kind: 'unavailable' }))
    start()
    await clock.advance(hourMs)
    expect(signs.counts()).toBeUndefined()
    bucket.setRule(undefined)
    await sign('web-1')
    await sign('web-2')
    await clock.advance(hourMs)
    expect(counted()).toEqual({ alive: 2 })
    bucket.setRule(({ key }) => (key.includes('web-2') || key === 'segments/' ? { kind: 'unavailable' } : undefined))
    await clock.advance(4 * hourMs)
    expect(counted()).toEqual({ silent: 1, unknown: 1 })
    bucket.setRule(undefined)
    await clock.advance(hourMs)
    expect(counted()).toEqual({ silent: 2 })
  })

  it('I7: one or two requests for a host that is alive every two or three hours; few for those that are gone', async () => {
    const { host, sign, start, counted, bucket, clock } = setUp()
    for (let at = 0; at < 10; at++) await host(`web-${at}`, 0)
    for (let at = 0; at < 10; at++) await host(`old-${at}`, 24 * 30)
    start()
    const day = async (): Promise<{ alive: number; old: number }> => {
      const before = bucket.operations.length
      for (let hour = 0; hour < 24; hour++) {
        await clock.advance(hourMs)
        for (let at = 0; at < 10; at++) await sign(`web-${at}`)
      }
      const keys = bucket.operations.slice(before).map(({ key }) => key)
      const about = (name: string): number => keys.filter((key) => key.includes(name)).length / 10
      return { alive: about('/web-'), old: about('/old-') }
    }
    await day()
    const { alive, old } = await day()
    expect(counted()).toEqual({ alive: 10, 'long-silent': 10 })
    expect(alive).toBeGreaterThanOrEqual(8)
    expect(alive).toBeLessThanOrEqual(24)
    expect(old).toBeLessThanOrEqual(6)
  })

  it('the next look is no sooner than it could say something new', () => {
    const nowMs = 1000 * hourMs
    expect(nextLook('alive', nowMs - hourMs, nowMs)).toBe(nowMs + 2 * hourMs)
    expect(nextLook('silent', nowMs - 4 * hourMs, nowMs)).toBe(nowMs + hourMs)
    expect(nextLook('silent', nowMs - 80 * hourMs, nowMs)).toBe(nowMs + 10 * hourMs)
    expect(nextLook('none', nowMs, nowMs)).toBe(nowMs + hourMs)
    expect(nextLook('none', 0, nowMs)).toBe(nowMs + 24 * hourMs)
    expect(nextLook('long-silent', 0, nowMs)).toBe(nowMs + 24 * hourMs)
  })
})
