import { describe, expect, it } from 'vitest'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { findChainEnd } from '../../src/bucket/stream-listing.ts'
import { walkInStages } from '../../src/bucket/stream-stages.ts'
import { chainStart } from '../../src/format/chain.ts'
import { faultBucket } from '../support/fault-bucket.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { storedStream, storeWithStrays } from '../support/stored-stream.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

const clock = createVirtualClock()

describe('a chain that is walked in stages', () => {
  it.each(Array.from({ length: 40 }, (_, at) => at + 1))(
    'I8: is the chain, whatever strays lie beside it, and however small the stages (seed %i)',
    async (seed) => {
      const random = seededRandom(seed)
      const bucket = createMemoryBucket(clock)
      const stored = storedStream(bucket, 'web-1', '0-1', '/a')
      await storeWithStrays(stored, random.bytes(random.int(1, 60_000)), random)
      for (let left = random.int(0, 40); left > 0; left--) {
        const offset = random.pick([0, stored.content.length, random.int(0, stored.content.length + 50)])
        await stored.stray(offset, Buffer.from(random.bytes(8)).toString('hex'), 'junk')
      }
      const segmentsMax = random.pick([1, 2, 3, 7, 10_000])
      let most = 0
      let bytes = 0
      const walk: Parameters<typeof walkInStages>[4] = (segments, start) => {
        most = Math.max(most, segments.all.length)
        const visit = ({ length }: { length: number }): void => {
          bytes += length
        }
        return findChainEnd(bucket, segments, { start, visit })
      }
      const end = await walkInStages(bucket, 'web-1', '0-1', chainStart, walk, { segmentsMax })
      expect(end.offset).toBe(stored.content.length)
      expect(bytes).toBe(end.offset)
      expect(most).toBeLessThanOrEqual(segmentsMax)
      await stored.append('more')
      expect((await walkInStages(bucket, 'web-1', '0-1', end, walk, { segmentsMax })).offset).toBe(end.offset + 4)
    },
  )

  it('I7: where nothing is new, one request is made, and strays of the same offset are not even listed', async () => {
    const bucket = createMemoryBucket(clock)
    const stored = storedStream(bucket, 'web-1', '0-1', '/a')
    await stored.append('content')
    let listed = 0
    const counted = faultBucket(bucket, clock)
    const counting: typeof counted = {
      ...counted,
      async *list(prefix, options) {
        for await (const entry of counted.list(prefix, options)) {
          listed++
          yield entry
        }
      },
    }
    const walk: Parameters<typeof walkInStages>[4] = (segments, start) => findChainEnd(counting, segments, { start })
    const end = await walkInStages(counting, 'web-1', '0-1', chainStart, walk)
    const random = seededRandom(1)
    for (let at = 0; at < 500; at++) {
      await stored.stray(7, Buffer.from(random.bytes(8)).toString('hex'), 'junk')
      await stored.stray(8 + at, Buffer.from(random.bytes(8)).toString('hex'), 'junk')
    }
    listed = 0
    const before = counted.operations.length
    expect(await walkInStages(counting, 'web-1', '0-1', end, walk)).toEqual(end)
    expect(counted.operations.length - before).toBe(1)
    expect(listed).toBe(1)
  })
})
