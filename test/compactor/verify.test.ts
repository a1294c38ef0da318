import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { isCode } from '../../src/base/errors.ts'
import { type Bucket, listObjects } from '../../src/bucket/bucket.ts'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { listSegments, readChain } from '../../src/bucket/stream-listing.ts'
import { verifyHost } from '../../src/compactor/verify.ts'
import type { VerifiedStream } from '../../src/compactor/verify-stream.ts'
import { judgeStream, type VerdictFacts, worstOf } from '../../src/compactor/verify-verdict.ts'
import { LogcaskError } from '../../src/index.ts'
import { faultBucket } from '../support/fault-bucket.ts'
import { type SeededRandom, seededRandom } from '../support/seeded-random.ts'
import { storedStream, storeWithStrays } from '../support/stored-stream.ts'

const host = 'web-1'
const first = '20261119T101500123456789Z-1a2b'
const second = '20261120T101500123456789Z-1a2c'

async function verify(bucket: Bucket, isQuick = false): Promise<Map<string, VerifiedStream>> {
  const found = new Map<string, VerifiedStream>()
  await verifyHost(bucket, host, { isQuick, onStream: (verified) => found.set(verified.stream, verified) })
  return found
}

/** The same bucket, where the byte at `at` of `key` is another. */
function damaged(bucket: Bucket, key: string, at: number): Bucket {
  return {
    ...bucket,
    get: async (asked, options) => {
      const got = await bucket.get(asked, options)
      const from = options?.range?.start ?? 0
      if (asked !== key || got === undefined || at < from || at >= from + got.body.byteLength) return got
      const body = new Uint8Array(got.body)
      body[at - from] = (body[at - from] ?? 0) ^ 1
      return { ...got, body }
    },
  }
}

/** A sealed stream of segments and strays as chance has it, with an earlier seal somewhere within. */
async function chanceStream(bucket: Bucket, random: SeededRandom): Promise<{ strays: number; bytes: number }> {
  const stored = storedStream(bucket, host, first, '/var/log/a.log')
  const { strays } = await storeWithStrays(stored, random.bytes(random.int(1, 100_000)), random)
  await stored.seal()
  return { strays, bytes: stored.content.length }
}

describe('verify', () => {
  it('I2: a record that was deleted or written again is reported, and still counts', async () => {
    const bucket = createMemoryBucket(systemClock, { versions: true })
    const stored = storedStream(bucket, host, first, '/var/log/a.log')
    await stored.append('as it was')
    await stored.seal()
    const [key = ''] = (await listObjects(bucket, 'seals/')).map((entry) => entry.key)
    bucket.tamper(key, undefined)
    const tampered: string[] = []
    const verified: VerifiedStream[] = []
    const onStream = (one: VerifiedStream): void => void verified.push(one)
    await verifyHost(bucket, host, { isQuick: false, onStream, onTampered: (one) => tampered.push(one) })
    expect(tampered).toEqual([key])
    expect(verified).toMatchObject([{ verdict: 'fine', sealsEqual: 1 }])
  })

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'I8: what is on the chain is fine, whatever else lies there (seed %i)',
    async (seed) => {
      const bucket = createMemoryBucket(systemClock)
      const { strays, bytes } = await chanceStream(bucket, seededRandom(seed))
      expect((await verify(bucket)).get(first)).toMatchObject({ verdict: 'fine', bytes, strays, sealsEqual: 1 })
    },
  )

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('I2: any byte of the chain that is another is noticed (seed %i)', async (seed) => {
    const bucket = createMemoryBucket(systemClock)
    const random = seededRandom(seed)
    const { bytes } = await chanceStream(bucket, random)
    const onChain = new Set<string>()
    for await (const { segment } of readChain(bucket, await listSegments(bucket, host, first))) onChain.add(segment.key)
    const all = (await listObjects(bucket, 'segments/')).map(({ key, size }) => ({ key, size }))
    for (const { key, size } of random.shuffle(all).slice(0, 20)) {
      const found = (await verify(damaged(bucket, key, random.int(0, size - 1)))).get(first)
      // Of what is on no chain nothing is read; where a joint is broken, the bytes after it are missing.
      if (onChain.has(key)) expect(found?.verdict).toMatch(/^(?:differs|gaps)$/)
      else expect(found).toMatchObject({ verdict: 'fine', bytes })
    }
    expect(onChain.size).toBeGreaterThan(0)
  })

  it('I2: a key that was written twice is reported, and the oldest bytes count', async () => {
    const bucket = createMemoryBucket(systemClock, { versions: true })
    const stored = storedStream(bucket, host, first, '/var/log/a.log')
    await stored.append('as it was')
    await stored.seal()
    const [key = ''] = (await listObjects(bucket, 'segments/')).map((entry) => entry.key)
    bucket.tamper(key, Buffer.from('as it is now'))
    for (const isQuick of [true, false])
      expect((await verify(bucket, isQuick)).get(first)).toMatchObject({
        verdict: 'differs',
        tampered: 2,
        bytes: 9,
        differsAt: [],
      })
  })

  it.each([false, true])(
    'I4: a stream that cannot be read is neither fine nor wrong; others go on (quick: %s)',
    async (isQuick) => {
      const bucket = createMemoryBucket(systemClock)
      for (const stream of [first, second]) {
        const stored = storedStream(bucket, host, stream, `/var/log/${stream}`)
        await stored.append('a'.repeat(5_000))
        await stored.append('b')
        await stored.seal()
      }
      for (const kind of ['unavailable', 'refused'] as const) {
        const faulty = faultBucket(bucket, systemClock, ({ op, key }) =>
          op !== 'list' && key.includes(first) ? { kind } : undefined,
        )
        const found = await verify(faulty, isQuick)
        expect(found.get(first)).toMatchObject({ verdict: 'unread', problem: { code: kind } })
        expect(found.get(second)).toMatchObject({ verdict: 'fine', bytes: 5_001 })
      }
      const cut = faultBucket(bucket, systemClock, ({ op, key }) =>
        op === 'list' && key.startsWith('segments/') ? { kind: 'cut', entries: 2 } : undefined,
      )
      await expect(verify(cut, isQuick)).rejects.toSatisfy((error) => isCode(error, 'unavailable'))
    },
  )

  it('an abort ends it with its reason', async () => {
    const bucket = createMemoryBucket(systemClock)
    await storedStream(bucket, host, first, '/var/log/a.log').append('a')
    const reason = new Error('enough')
    const options = { isQuick: false, signal: AbortSignal.abort(reason), onStream: () => {} }
    await expect(verifyHost(bucket, host, options)).rejects.toBe(reason)
  })
})

describe('the verdict', () => {
  const fine: VerdictFacts = {
    completeness: { kind: 'sealed', sha256: ['x'] },
    differsAt: [],
    gaps: [],
    expiredBefore: undefined,
    tampered: undefined,
    sealProblem: undefined,
    problem: undefined,
  }
  it.each<[string, Partial<VerdictFacts>, string]>([
    ['sealed', {}, 'fine'],
    ['live', { completeness: { kind: 'unsealed' } }, 'fine'],
    ['grown since its seal', { completeness: { kind: 'outgrown' } }, 'fine'],
    ['shorter than its seal', { completeness: { kind: 'short', length: 9, missing: 1 } }, 'gaps'],
    ['expired', { expiredBefore: 5 }, 'gaps'],
    ['with a gap', { gaps: [{ offset: 5, end: 'open', reason: 'gone' }] }, 'gaps'],
    ['with a seal of a later version', { sealProblem: 'version 9' }, 'gaps'],
    ['unread', { problem: new LogcaskError('unavailable', 'x') }, 'unread'],
    ['forbidden', { problem: new LogcaskError('refused', 'x') }, 'unread'],
    ['no agent’s', { problem: new LogcaskError('corrupt', 'x') }, 'differs'],
    ['with another content', { differsAt: [7] }, 'differs'],
    ['written twice', { tampered: 2 }, 'differs'],
    ['written twice, and unread', { tampered: 2, problem: new LogcaskError('unavailable', 'x') }, 'differs'],
  ])('of a stream that is %s', (_, facts, verdict) => {
    expect(judgeStream({ ...fine, ...facts })).toBe(verdict)
  })

  it('of many is the worst', () => {
    expect(worstOf([])).toBe('fine')
    expect(worstOf(['fine', 'gaps', 'fine'])).toBe('gaps')
    expect(worstOf(['unread', 'gaps'])).toBe('unread')
    expect(worstOf(['unread', 'differs', 'gaps'])).toBe('differs')
  })
})
