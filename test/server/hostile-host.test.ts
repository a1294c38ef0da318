import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { Bucket } from '../../src/bucket/bucket.ts'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { encodeDigest } from '../../src/format/digest.ts'
import { digestKey, hourMs, hourOf, sealKey } from '../../src/format/keys.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { storedStream } from '../support/stored-stream.ts'
import { ask, type Json, serveApi } from './api-fixture.ts'

guardLeaks()

const stream = '20261119T101500123456789Z-1a2b'
/** What one listing may hold here: a thousand times less than in earnest. */
const listedMax = 200

const put = (bucket: Bucket, key: string, body: string) => bucket.put(key, Buffer.from(body), { mode: 'create' })
const agentOf = (at: number): string => at.toString(16).padStart(16, '0')

async function signsOf(api: Awaited<ReturnType<typeof serveApi>>): Promise<Record<string, string>> {
  const reply = await ask(api, '/api/v1/hosts')
  expect(reply.status).toBe(200)
  return Object.fromEntries(reply.json().hosts.map(({ host, sign }: { host: string; sign: string }) => [host, sign]))
}

describe('a host that writes more than may be listed', () => {
  it.each([
    ['this hour', 0, 'alive'],
    ['five hours ago', 5, 'silent'],
  ])('I9: 300 digests of %s leave all hosts answered', async (_when, ago, sign) => {
    const api = await serveApi({ listedMax })
    await storedStream(api.bucket, 'good', stream, '/a').append('a')
    await put(api.bucket, digestKey('good', hourOf(Date.now()), agentOf(1)), '{}')
    await storedStream(api.bucket, 'evil', stream, '/a').append('a')
    for (let at = 0; at < 300; at++) {
      await put(api.bucket, digestKey('evil', hourOf(Date.now() - ago * hourMs), agentOf(at)), '{}')
      await put(api.bucket, `digests/evil/${hourOf(Date.now() - hourMs)}-no digest ${at}`, '{}')
      await put(api.bucket, `digests/evil/2000 no digest ${at}`, '{}')
    }
    expect(await signsOf(api)).toEqual({ good: 'alive', evil: sign })
  })

  it('I4: of digests that are too many for one answer, none is called silent', async () => {
    const api = await serveApi()
    await storedStream(api.bucket, 'evil', stream, '/a').append('a')
    const nowMs = Date.now()
    const body = encodeDigest({ at: '2026-11-20T10:15:00.000Z', begun: 0, acked: 0, sealed: 0, streams: [], more: 0 })
    for (let ago = 20; ago >= 0; ago--)
      for (let at = 0; at < 110; at++)
        await put(api.bucket, digestKey('evil', hourOf(nowMs - ago * hourMs), agentOf(at)), body)
    const found = (await ask(api, '/api/v1/hosts/evil/digests?hours=24')).json()
    expect(found.untilHour).toBe(hourOf(nowMs - 2 * hourMs))
    expect(found.silentHours).toEqual([])
    const some = (await ask(api, '/api/v1/hosts/evil/digests?hours=5')).json()
    expect(some).toMatchObject({ untilHour: null, silentHours: [] })
  })

  it('I9: a stream with too many strays and seals is still read, and the others are listed beside it', async () => {
    const api = await serveApi({ listedMax })
    const stored = storedStream(api.bucket, 'web-1', stream, '/a.log')
    const random = seededRandom(5)
    for (let at = 0; at < 10; at++) await stored.append(random.bytes(50))
    for (let at = 0; at < 100; at++)
      for (const offset of [0, 50, 60, 500, 900])
        await stored.stray(offset, Buffer.from(random.bytes(8)).toString('hex'), 'junk')
    for (let at = 0; at < 300; at++) await put(api.bucket, sealKey('web-1', stream, 7000 + at, 'a'.repeat(64)), '{}')
    await storedStream(api.bucket, 'web-1', '0-7', '/b.log').append('b')
    const content = await ask(api, `/api/v1/hosts/web-1/streams/${stream}/content`)
    expect([content.status, content.body.equals(stored.content)]).toEqual([200, true])
    const { streams } = (await ask(api, '/api/v1/hosts/web-1/streams')).json()
    const rows = new Map<string, Json>(streams.map((row: Json) => [row.stream, row]))
    expect(rows.get('0-7')).toMatchObject({ bytes: 1, state: 'live' })
    expect(rows.get(stream)).toMatchObject({
      name: '/a.log',
      state: 'unreadable',
      problem: expect.stringContaining('holds more than'),
    })
    await stored.append('more')
    await stored.seal()
    const followed = await ask(api, `/api/v1/hosts/web-1/streams/${stream}/follow?from=500`)
    expect(followed.body.toString()).toContain(`data: {"start":500,"end":504,"base64":"bW9yZQ=="}`)
    expect(followed.body.toString()).toContain('event: sealed')
  })
})

describe('a long stream', () => {
  it('of more segments than a listing may hold, and than are kept, is read from any place, byte for byte', async () => {
    const bucket = createMemoryBucket(systemClock)
    const api = await serveApi({ listedMax, bucket })
    const stored = storedStream(bucket, 'web-1', stream, '/a.log')
    const random = seededRandom(6)
    for (let at = 0; at < 3_000; at++) await stored.append(random.bytes(random.int(1, 9)))
    const path = `/api/v1/hosts/web-1/streams/${stream}/content`
    const whole = await ask(api, path)
    expect(whole.body.equals(stored.content)).toBe(true)
    for (let round = 0; round < 20; round++) {
      const start = random.int(0, stored.content.length - 2)
      const end = random.int(start, Math.min(stored.content.length - 1, start + 5_000))
      const part = await ask(api, path, { headers: { range: `bytes=${start}-${end}` } })
      expect(part.status).toBe(206)
      expect(part.body.equals(stored.content.subarray(start, end + 1)), `${start}-${end}`).toBe(true)
      if (round % 5 === 0) await stored.append(random.bytes(random.int(1, 9)))
    }
  })
})
