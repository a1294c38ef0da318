import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { sha256 } from '../../../src/base/hash.ts'
import type { Bucket } from '../../../src/bucket/bucket.ts'
import { createMemoryBucket } from '../../../src/bucket/memory.ts'
import { encodeDigest } from '../../../src/format/digest.ts'
import { checkDigests, type StoredDigest } from '../../../src/format/digest-chain.ts'
import { digestKey, sealKey } from '../../../src/format/keys.ts'
import { faultBucket } from '../../support/fault-bucket.ts'
import { storedStream } from '../../support/stored-stream.ts'
import { objectsOf, sync } from './sync-rig.ts'

const host = 'web-1'
const first = '20261119T101500123456789Z-1a2b'
const path = '/var/log/app.log'
const agent = '0123456789abcdef'

function buckets() {
  return { a: createMemoryBucket(systemClock, { name: 'a' }), b: createMemoryBucket(systemClock, { name: 'b' }) }
}

async function put(bucket: Bucket, key: string, body: string): Promise<void> {
  await bucket.put(key, Buffer.from(body), { mode: 'create' })
}

/** One after the other from midnight on; each names the one before it. */
async function writeDigests(bucket: Bucket, texts: readonly string[]): Promise<void> {
  let previous: string | undefined
  for (const [hour, at] of texts.entries()) {
    const body = encodeDigest({ at, previous, begun: 0, acked: 0, sealed: 0, streams: [], more: 0 })
    previous = sha256(Buffer.from(body))
    await put(bucket, digestKey(host, `20261120T0${hour}Z`, agent), body)
  }
}

async function storedDigests(bucket: Bucket): Promise<StoredDigest[]> {
  const { decodeDigest } = await import('../../../src/format/digest.ts')
  const keys = Object.keys(await objectsOf(bucket, 'digests/'))
  return Promise.all(
    keys.map(async (key) => {
      const body = (await bucket.get(key))?.body ?? new Uint8Array(0)
      return { hour: key.slice(-29, -17), agent, sha256: sha256(body), digest: decodeDigest(body) }
    }),
  )
}

describe('sync of records', () => {
  it('I3: no seal and no alias before the bytes that they speak for: an agent would take them as delivered', async () => {
    const { a, b } = buckets()
    const stored = storedStream(a, host, first, path)
    await stored.append('a'.repeat(5_000))
    await stored.append('b')
    await stored.seal()
    await stored.seal({ length: 9_000, sha256: sha256(Buffer.from('more')) })
    await stored.alias('0-77')
    const cut = faultBucket(b, systemClock, ({ op, key }) =>
      op === 'put' && key.includes('00000005000') && key.startsWith('segments/') ? { kind: 'refused' } : undefined,
    )
    expect((await sync(a, cut)).streams).toMatchObject([{ kind: 'failed', problems: [{ code: 'refused' }] }])
    expect(Object.keys(await objectsOf(b))).toHaveLength(1)
    // The seal of more than there is waits, here and for good.
    expect((await sync(a, b)).streams).toMatchObject([{ kind: 'joined', bytes: 1, records: 2, heldBack: 1 }])
    expect(Object.keys(await objectsOf(b, 'seals/'))).toEqual([sealKey(host, first, 5_001, stored.sha256)])
    expect(Object.keys(await objectsOf(b, 'aliases/'))).toEqual([`aliases/${host}/0-77/${first}`])
  })

  it('I6: no seal of other bytes, be their names and lengths the same (a file that was edited between two deliveries)', async () => {
    const { a, b } = buckets()
    const edited = `A${'a'.repeat(5_000)}`
    await storedStream(b, host, first, path).append(`B${'a'.repeat(5_000)}`)
    const stored = storedStream(a, host, first, path)
    await stored.append(edited)
    await stored.seal()
    const sealed = sealKey(host, first, edited.length, sha256(Buffer.from(edited)))
    const [synced] = (await sync(a, b)).streams
    expect(synced).toMatchObject({ records: 0, heldBack: 1, problems: [{ code: 'corrupt' }] })
    expect(synced?.problems[0]?.message).toContain(sealed)
    expect(await objectsOf(b, 'seals/')).toEqual({})
  })

  it('what expired in the source: its seal alone is no reason to say that it is in the target', async () => {
    const { a, b } = buckets()
    const source = storedStream(a, host, first, path)
    await source.seal({ length: 10, sha256: sha256(Buffer.from('0123456789')) })
    await source.gap('gone', 10)
    expect((await sync(a, b)).streams).toMatchObject([{ kind: 'joined', records: 1, heldBack: 1 }])
    expect(Object.keys(await objectsOf(b))).toEqual([`gaps/${host}/${first}/00000000000000000010-open`])
    await storedStream(b, host, first, path).append('something else')
    await source.gap('truncated', 11)
    expect((await sync(a, b)).streams).toMatchObject([{ records: 0, heldBack: 2 }])
  })

  it('I9: a record that no agent wrote is not passed on, and stops no other', async () => {
    const { a, b } = buckets()
    const stored = storedStream(a, host, first, path)
    await stored.append('content')
    await stored.seal()
    await put(a, sealKey(host, first, 3, sha256(Buffer.from('con'))), '{"v":9}')
    await put(a, sealKey(host, first, 2, sha256(Buffer.from('co'))), ' '.repeat(20_000))
    await put(a, `segments/${host}/${first}/what`, 'x')
    const strays: string[] = []
    const { streams } = await sync(a, b, { onStray: (key) => strays.push(key) })
    expect(streams).toMatchObject([
      { kind: 'joined', records: 1, problems: [{ code: 'corrupt' }, { code: 'corrupt' }] },
    ])
    expect(strays).toEqual([`segments/${host}/${first}/what`])
    expect(Object.keys(await objectsOf(b, 'seals/'))).toEqual([sealKey(host, first, 7, stored.sha256)])
  })

  it('I9: a beginning that no agent wrote stays where it is', async () => {
    const { a, b } = buckets()
    await storedStream(a, host, first, path).stray(0, 'e3b0c44298fc1c14', 'no origin')
    await storedStream(a, host, '0-5', path).append('fine')
    const { streams } = await sync(a, b)
    expect(streams).toContainEqual(expect.objectContaining({ stream: first, kind: 'failed' }))
    expect(streams).toContainEqual(expect.objectContaining({ stream: '0-5', kind: 'joined', bytes: 4 }))
    expect(Object.keys(await objectsOf(b, `segments/${host}/${first}/`))).toEqual([])
  })

  it('digests are brought where they go on from what is there, and else left alone', async () => {
    const midnight = Date.parse('2026-11-20T00:00:00Z')
    const untilMs = midnight + 3 * 3_600_000
    const { a, b } = buckets()
    await storedStream(a, host, first, path).append('x')
    await writeDigests(a, ['0', '1', '2'])
    expect((await sync(a, b)).digests).toBe(3)
    expect(await objectsOf(b, 'digests/')).toEqual(await objectsOf(a, 'digests/'))
    expect(checkDigests(await storedDigests(b), untilMs)).toEqual({ silentHours: [], broken: [], severalAgents: [] })
    expect((await sync(a, b)).digests).toBe(0)

    const behind = createMemoryBucket(systemClock)
    await writeDigests(behind, ['0'])
    expect((await sync(a, behind)).digests).toBe(2)
    expect(checkDigests(await storedDigests(behind), untilMs).broken).toEqual([])

    const own = createMemoryBucket(systemClock)
    await writeDigests(own, ['its own'])
    expect((await sync(a, own)).digests).toBe(0)
    expect(Object.keys(await objectsOf(own, 'digests/'))).toHaveLength(1)
  })
})
