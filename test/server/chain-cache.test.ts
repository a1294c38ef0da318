import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { createChainCache } from '../../src/server/chain-cache.ts'
import { createContentSource } from '../../src/server/content.ts'
import { faultBucket } from '../support/fault-bucket.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { storedStream } from '../support/stored-stream.ts'

const bounds = { stretchSegments: 5, segmentsMax: 20, stretchesMax: 12 }

function setUp(rule?: Parameters<typeof faultBucket>[2]) {
  const bucket = createMemoryBucket(systemClock)
  const seen = faultBucket(bucket, systemClock, rule)
  const chains = createChainCache(seen, seen, systemClock, new AbortController().signal, bounds)
  const contents = createContentSource(seen, chains)
  const read = async (host: string, stream: string, from = 0, to = Number.POSITIVE_INFINITY): Promise<Buffer> => {
    const content = await contents.open(host, stream, 0)
    const pieces: Uint8Array[] = []
    const signal = new AbortController().signal
    for await (const piece of content?.read(from, Math.min(to, content.end), () => 1000, signal) ?? [])
      pieces.push(piece)
    return Buffer.concat(pieces)
  }
  return { bucket, seen, chains, read }
}

describe('the chains that a server keeps', () => {
  it('I7: stay within their bounds, and what was forgotten of a long one is found again', async () => {
    const { bucket, chains, read } = setUp()
    const random = seededRandom(3)
    const long = storedStream(bucket, 'web-1', '0-1', '/long')
    for (let at = 0; at < 57; at++) await long.append(random.bytes(random.int(1, 30)))
    const other = storedStream(bucket, 'web-1', '0-2', '/other')
    for (let at = 0; at < 9; at++) await other.append(random.bytes(3_000))
    for (let round = 0; round < 40; round++) {
      const from = random.int(0, long.content.length)
      const to = random.int(from, long.content.length)
      expect((await read('web-1', '0-1', from, to)).equals(long.content.subarray(from, to))).toBe(true)
      expect((await read('web-1', '0-2')).equals(other.content)).toBe(true)
      expect(chains.kept.segments).toBeLessThanOrEqual(bounds.segmentsMax)
      if (round % 7 === 0) await long.append(random.bytes(random.int(1, 30)))
    }
  })

  it('I7, I9: streams that somebody invents push each other out', async () => {
    const { chains, read } = setUp()
    for (let at = 0; at < 500; at++) expect((await read('web-1', `0-${at}`)).length).toBe(0)
    expect(chains.kept.chains).toBeLessThanOrEqual(bounds.stretchesMax)
    expect(chains.kept.segments).toBe(0)
  })

  it('a walk that fails goes on where it was, and mixes nothing', async () => {
    let failing = 0
    const { bucket, read, seen } = setUp(({ op }) =>
      op === 'get' && ++failing % 7 === 0 ? { kind: 'unavailable' } : undefined,
    )
    const random = seededRandom(4)
    const stored = storedStream(bucket, 'web-1', '0-1', '/a')
    for (let at = 0; at < 30; at++) await stored.append(random.bytes(random.int(1, 9_000)))
    let failures = 0
    for (let round = 0; round < 60 && failures < 60; round++) {
      await read('web-1', '0-1').then(
        (bytes) => expect(bytes.equals(stored.content)).toBe(true),
        () => void failures++,
      )
    }
    expect(failures).toBeGreaterThan(3)
    seen.setRule(undefined)
    expect((await read('web-1', '0-1')).equals(stored.content)).toBe(true)
  })

  it('a run whose beginning has expired is read from its first byte', async () => {
    const { bucket, read, chains } = setUp()
    const random = seededRandom(5)
    const stored = storedStream(bucket, 'web-1', '0-1', '/a')
    for (let at = 0; at < 30; at++) await stored.append(random.bytes(700))
    for await (const entry of bucket.list('segments/'))
      if (entry.kind === 'object' && Number(entry.key.split('/')[3]?.slice(0, 20)) < 7_000)
        bucket.tamper(entry.key, undefined)
    expect((await read('web-1', '0-1', 7_000)).equals(stored.content.subarray(7_000))).toBe(true)
    await stored.append('more')
    expect((await read('web-1', '0-1', 7_000)).equals(stored.content.subarray(7_000))).toBe(true)
    expect((await chains.look('web-1', '0-1', 0)).start).toBe(7_000)
  })
})
