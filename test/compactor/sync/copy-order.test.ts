import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { sha256 } from '../../../src/base/hash.ts'
import { createMemoryBucket } from '../../../src/bucket/memory.ts'
import { encodeDigest } from '../../../src/format/digest.ts'
import { digestKey, gapKey } from '../../../src/format/keys.ts'
import { faultBucket } from '../../support/fault-bucket.ts'
import { storedStream } from '../../support/stored-stream.ts'
import { objectsOf, sync } from './sync-rig.ts'

const host = 'web-1'
const first = '20261119T101500123456789Z-1a2b'
const path = '/var/log/app.log'

/** Three lives of one file, each but the last cut short before its end was read. */
async function lives() {
  const a = createMemoryBucket(systemClock, { name: 'a' })
  const b = createMemoryBucket(systemClock, { name: 'b' })
  for (const [at, stream] of [first, `${first}.1`, `${first}.2`].entries()) {
    const stored = storedStream(a, host, stream, path)
    await stored.append(`life ${at}`)
    if (at < 2) await stored.gap('truncated', 6)
  }
  return { a, b, gap: gapKey(host, first, 6, 'open') }
}

describe('the order in which sync brings the lives of a file', () => {
  it('I3: the gap that ends a life is there before anything of the next generation', async () => {
    const { a, b } = await lives()
    const counted = faultBucket(b, systemClock)
    const { streams } = await sync(a, counted)
    expect(streams.map(({ kind, records }) => [kind, records]).sort()).toEqual([
      ['joined', 0],
      ['joined', 1],
      ['joined', 1],
    ])
    const puts = counted.operations.filter(({ op }) => op === 'put').map(({ key }) => key)
    const begins = [first, `${first}.1`, `${first}.2`].map((stream) =>
      puts.findIndex((key) => key.startsWith(`segments/${host}/${stream}/`)),
    )
    const ends = [first, `${first}.1`].map((stream) => puts.indexOf(gapKey(host, stream, 6, 'open')))
    expect(ends[0]).toBeGreaterThanOrEqual(0)
    expect(begins[1]).toBeGreaterThan(ends[0] ?? 0)
    expect(begins[2]).toBeGreaterThan(ends[1] ?? 0)
    expect(await objectsOf(b)).toEqual(await objectsOf(a))
  })

  it('I3: where the gap cannot be stored, the next generation waits for it, and says so', async () => {
    const { a, b, gap } = await lives()
    const cut = faultBucket(b, systemClock, ({ op, key }) =>
      op === 'put' && key === gap ? { kind: 'refused' } : undefined,
    )
    const { streams } = await sync(a, cut)
    expect(streams.map(({ kind }) => kind)).toEqual(['failed', 'failed', 'failed'])
    expect(streams.find(({ stream }) => stream === `${first}.1`)?.problems).toMatchObject([
      { code: 'unavailable', message: expect.stringContaining(`waits for the end of ${first}`) },
    ])
    expect(Object.keys(await objectsOf(b, `segments/${host}/${first}.`))).toEqual([])
    await sync(a, b)
    expect(await objectsOf(b)).toEqual(await objectsOf(a))
  })

  it('I9: a life of which nothing can be read holds back no other', async () => {
    const a = createMemoryBucket(systemClock)
    const b = createMemoryBucket(systemClock)
    const junk = storedStream(a, host, first, path)
    await junk.stray(0, 'e3b0c44298fc1c14', 'no origin')
    await junk.gap('truncated', 9)
    await storedStream(a, host, `${first}.1`, path).append('honest')
    const { streams } = await sync(a, b)
    expect(streams).toContainEqual(expect.objectContaining({ stream: `${first}.1`, kind: 'joined', bytes: 6 }))
  })
})

describe('digests of which one cannot be read', () => {
  it.each(['not a digest', 'x'.repeat(70_000)])('are brought up to it, and not beyond', async (text) => {
    const a = createMemoryBucket(systemClock)
    const b = createMemoryBucket(systemClock)
    await storedStream(a, host, first, path).append('x')
    const agent = '0123456789abcdef'
    let previous: string | undefined
    for (let hour = 0; hour < 4; hour++) {
      const at = '2026-11-20T00:00:00.000Z'
      const digest = encodeDigest({ at, previous, begun: 0, acked: 0, sealed: 0, streams: [], more: 0 })
      const body = Buffer.from(hour === 2 ? text : digest)
      previous = sha256(body)
      await a.put(digestKey(host, `20261120T0${hour}Z`, agent), body, { mode: 'create' })
    }
    expect((await sync(a, b)).digests).toBe(2)
    expect(Object.keys(await objectsOf(b, 'digests/'))).toEqual(
      ['20261120T00Z', '20261120T01Z'].map((hour) => digestKey(host, hour, agent)),
    )
    expect((await sync(a, b)).digests).toBe(0)
  })
})
