import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { listObjects } from '../../src/bucket/bucket.ts'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { bucketSuite } from '../support/bucket-suite.ts'
import { type Fault, type FaultBucket, faultBucket, randomFaults } from '../support/fault-bucket.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

bucketSuite('fault bucket without a rule', async () => ({
  bucket: faultBucket(createMemoryBucket(systemClock), systemClock),
  close: async () => {},
}))

const body = new TextEncoder().encode('body')

function setUp(fault?: Fault) {
  const clock = createVirtualClock()
  const store = createMemoryBucket(clock)
  return { clock, store, bucket: faultBucket(store, clock, () => fault) }
}
const put = (bucket: FaultBucket, key = 'files/a', signal?: AbortSignal) =>
  bucket.put(key, body, { mode: 'create', signal })

describe('fault bucket', () => {
  it('unavailable and refused come before the store acts', async () => {
    for (const kind of ['unavailable', 'refused'] as const) {
      const { store, bucket } = setUp({ kind })
      await expect(put(bucket)).rejects.toMatchObject({ code: kind })
      expect(await store.get('files/a')).toBeUndefined()
    }
  })

  it('lost comes after it: the next PUT finds the object there', async () => {
    const { store, bucket } = setUp({ kind: 'lost' })
    await expect(put(bucket)).rejects.toMatchObject({ code: 'unavailable' })
    expect((await store.get('files/a'))?.body).toEqual(body)
    bucket.setRule(undefined)
    expect(await put(bucket)).toBe('exists')
  })

  it('late lands after the answer was lost, with the bytes that it was given', async () => {
    const { clock, store, bucket } = setUp({ kind: 'late', ms: 100 })
    const mine = body.slice()
    const lost = bucket.put('files/a', mine, { mode: 'create' })
    mine.fill(0)
    await expect(lost).rejects.toMatchObject({ code: 'unavailable' })
    expect(await store.get('files/a')).toBeUndefined()
    expect(bucket.inFlight).toBe(1)
    await clock.advance(100)
    expect((await store.get('files/a'))?.body).toEqual(body)
    expect(bucket.inFlight).toBe(0)
  })

  it('slow waits before, slow-answer after', async () => {
    for (const [kind, early] of [
      ['slow', undefined],
      ['slow-answer', 4],
    ] as const) {
      const { clock, store, bucket } = setUp({ kind, ms: 50 })
      const answer = put(bucket)
      await clock.advance(49)
      expect((await store.head('files/a'))?.size).toBe(early)
      expect(await clock.run(answer)).toBe('created')
      expect(clock.monotonic()).toBe(50)
    }
  })

  it('hang answers to nothing but an abort', async () => {
    const { clock, store, bucket } = setUp({ kind: 'hang', acted: true })
    const abort = new AbortController()
    const answer = put(bucket, 'files/a', abort.signal)
    const outcome = answer.catch((error: unknown) => error)
    await clock.advance(86_400_000)
    expect((await store.head('files/a'))?.size).toBe(4)
    abort.abort('enough')
    expect(await outcome).toBe('enough')
  })

  it('I4: a cut listing rejects after its entries, also where there are fewer', async () => {
    const { store, bucket } = setUp()
    for (const name of ['a', 'b', 'c']) await store.put(`files/${name}`, body, { mode: 'create' })
    for (const [entries, seen] of [
      [0, 0],
      [2, 2],
      [3, 3],
      [9, 3],
    ] as const) {
      bucket.setRule(() => ({ kind: 'cut', entries }))
      const keys: string[] = []
      const reading = (async () => {
        for await (const entry of bucket.list('files/')) if (entry.kind === 'object') keys.push(entry.key)
      })()
      await expect(reading).rejects.toMatchObject({ code: 'unavailable' })
      expect(keys).toHaveLength(seen)
    }
  })

  it('a rule sees what is asked and how often', async () => {
    const { bucket } = setUp()
    bucket.setRule(({ op, attempt }) => (op === 'put' && attempt === 0 ? { kind: 'unavailable' } : undefined))
    await expect(put(bucket)).rejects.toMatchObject({ code: 'unavailable' })
    expect(await put(bucket)).toBe('created')
    expect(await listObjects(bucket, 'files/')).toHaveLength(1)
    expect(bucket.operations).toEqual([
      { op: 'put', key: 'files/a', number: 0, attempt: 0, fault: 'unavailable' },
      { op: 'put', key: 'files/a', number: 1, attempt: 1, fault: undefined },
      { op: 'list', key: 'files/', number: 2, attempt: 0, fault: undefined },
    ])
  })

  it('faults by chance replay from their seed, about as often as asked', async () => {
    const draw = (seed: number): string[] => {
      const rule = randomFaults(seededRandom(seed), { lost: 0.2, unavailable: 0.1, late: 0.05 })
      return Array.from(
        { length: 2000 },
        (_, number) => rule({ op: 'put', key: 'files/a', number, attempt: number })?.kind ?? 'none',
      )
    }
    expect(draw(7)).toEqual(draw(7))
    expect(draw(7)).not.toEqual(draw(8))
    const share = (kind: string): number => draw(7).filter((drawn) => drawn === kind).length / 2000
    expect(share('lost')).toBeCloseTo(0.2, 1)
    expect(share('unavailable')).toBeCloseTo(0.1, 1)
    expect(share('none')).toBeCloseTo(0.65, 1)
  })
})
