import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { sha256 } from '../../src/base/hash.ts'
import type { Bucket } from '../../src/bucket/bucket.ts'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { verifyDigests } from '../../src/compactor/verify-digests.ts'
import { encodeDigest } from '../../src/format/digest.ts'
import { checkDigests, DigestWalk, type StoredDigest } from '../../src/format/digest-chain.ts'
import { digestKey, hourMs, hourOf } from '../../src/format/keys.ts'
import { seededRandom } from '../support/seeded-random.ts'

const host = 'web-1'
const midnight = Date.parse('2026-11-20T00:00:00Z')
const agents = ['0123456789abcdef', 'fedcba9876543210']

/** Of several agents, with hours left out; in the order of their keys. */
async function store(bucket: Bucket, hours: number, isLeftOut: (hour: number) => boolean): Promise<number> {
  const previous = new Map<string, string>()
  let count = 0
  for (let hour = 0; hour < hours; hour++) {
    if (isLeftOut(hour)) continue
    for (const agent of agents) {
      const facts = { begun: 0, acked: 0, sealed: 0, streams: [], more: 0 }
      const at = new Date(midnight + hour * hourMs).toISOString()
      const body = Buffer.from(encodeDigest({ at, previous: previous.get(agent), ...facts }))
      previous.set(agent, sha256(body))
      await bucket.put(digestKey(host, hourOf(midnight + hour * hourMs), agent), body, { mode: 'create' })
      count++
    }
  }
  return count
}

describe('verify of many digests', () => {
  it('reads several at once, however their answers come, and tells them in the order of their hours', async () => {
    const bucket = createMemoryBucket(systemClock)
    const random = seededRandom(7)
    const count = await store(bucket, 300, (hour) => hour >= 100 && hour < 110)
    let [underWay, most] = [0, 0]
    const slow: Bucket = {
      ...bucket,
      async get(key, options) {
        most = Math.max(most, ++underWay)
        for (let turn = random.int(1, 5); turn > 0; turn--) await new Promise(setImmediate)
        underWay--
        return bucket.get(key, options)
      },
    }
    const untilMs = midnight + 300 * hourMs
    const found = await verifyDigests(slow, host, { untilMs, isQuick: false })
    expect(found).toEqual({
      host,
      digests: count,
      silent: [{ from: hourOf(midnight + 100 * hourMs), to: hourOf(midnight + 109 * hourMs), hours: 10 }],
      moreSilentHours: 0,
      broken: [],
      moreBroken: 0,
    })
    expect(most).toBeGreaterThan(8)
    expect(most).toBeLessThanOrEqual(32)
  })

  it('I7, I9: a host that writes of 1970, of hours to come, and nonsense, costs no memory to speak of', async () => {
    const walk = new DigestWalk()
    const agent = 'a'.repeat(16)
    walk.add({ hour: '19700101T00Z', agent, sha256: 'x', digest: undefined })
    for (let hour = 0; hour < 100_000; hour += 2)
      walk.add({ hour: hourOf(midnight + hour * hourMs), agent, sha256: 'x', digest: undefined })
    expect([walk.silent.length, walk.broken.length]).toEqual([1000, 1000])
    expect(walk.silent[0]).toMatchObject({ from: '19700101T01Z' })
    expect(walk.silent[0]?.hours).toBeGreaterThan(400_000)
    expect(walk.moreBroken).toBe(50_001 - 1000)
    expect(walk.moreSilentHours).toBe(50_000 - 1000)
    const bucket = createMemoryBucket(systemClock)
    await bucket.put(digestKey(host, '20991231T00Z', agent), Buffer.from('{}'), { mode: 'create' })
    await store(bucket, 3, () => false)
    const found = await verifyDigests(bucket, host, { untilMs: midnight + 3 * hourMs, isQuick: false })
    expect(found).toMatchObject({ silent: [], broken: [] })
  })

  it('says of one after the other what is said of all at once', () => {
    const random = seededRandom(20261121)
    for (let round = 0; round < 50; round++) {
      const digests: StoredDigest[] = []
      const last = new Map<string, string>()
      for (let hour = 0; hour < 40; hour++)
        for (const agent of agents) {
          if (random.chance(0.3)) continue
          const hash = `${hour} ${agent}`
          const previous = random.chance(0.2) ? 'another' : last.get(agent)
          const digest = { at: '', previous, begun: 0, acked: 0, sealed: 0, streams: [], more: 0 }
          digests.push({
            hour: hourOf(midnight + hour * hourMs),
            agent,
            sha256: hash,
            digest: random.chance(0.1) ? undefined : digest,
          })
          last.set(agent, hash)
        }
      const untilMs = midnight + 45 * hourMs + 5
      const all = checkDigests(digests, untilMs)
      const walk = new DigestWalk()
      for (const one of [...digests].sort((a, b) => `${a.hour}${a.agent}`.localeCompare(`${b.hour}${b.agent}`)))
        walk.add(one)
      walk.finish(untilMs)
      expect(walk.broken).toEqual(all.broken)
      expect(walk.silent.reduce((sum, { hours }) => sum + hours, 0)).toBe(all.silentHours.length)
    }
  })
})
