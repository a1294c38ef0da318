import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { listStreams } from '../../src/bucket/stream-inventory.ts'
import { compactStream, type StreamOutcome } from '../../src/compactor/compact-stream.ts'
import { openDirectorySink } from '../../src/compactor/directory-sink.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { storedStream, storeWithStrays } from '../support/stored-stream.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

guardLeaks()

const host = 'web-1'
const clock = createVirtualClock()

/** As a look at a host does, with so many segments of a stream in memory. */
async function setUp(segmentsMax: number) {
  const bucket = createMemoryBucket(clock)
  const root = await tempDirectory('long')
  const sink = await openDirectorySink(root, clock, () => {})
  onTestFinished(() => sink.close())
  const compact = async (): Promise<StreamOutcome[]> => {
    const outcomes: StreamOutcome[] = []
    for await (const listed of listStreams(bucket, host, { segmentsMax, aliases: false })) {
      expect(listed.segments.all.length).toBeLessThanOrEqual(segmentsMax)
      outcomes.push(await compactStream({ bucket, sink, host }, listed))
    }
    return outcomes
  }
  return { bucket, compact, text: () => readFile(join(root, host, 'a~0-1')) }
}

it.each(Array.from({ length: 12 }, (_, at) => at + 1))(
  'I7, I8: a stream of which only a part is listed is published whole, as it grows, among strays (seed %i)',
  async (seed) => {
    const random = seededRandom(seed)
    const { bucket, compact, text } = await setUp(random.int(1, 9))
    const stored = storedStream(bucket, host, '0-1', '/a')
    let strays = 0
    for (let round = 0; round < 4; round++) {
      const content = random.bytes(random.int(1, 30_000))
      strays += (await storeWithStrays(stored, content, random)).strays
      // A room full of them where the next one is to be, and where it begins.
      for (let left = random.int(0, 30); left > 0; left--) {
        const offset = random.pick([0, stored.content.length])
        await stored.stray(offset, Buffer.from(random.bytes(8)).toString('hex'), 'junk')
        strays++
      }
      const [outcome] = await compact()
      expect((await text()).equals(stored.content)).toBe(true)
      expect(outcome).toMatchObject({ grewBytes: content.length, strays })
    }
    await stored.seal()
    expect((await compact())[0]?.verdict).toEqual({ kind: 'verified', sha256: stored.sha256 })
    expect((await compact())[0]).toMatchObject({ grewBytes: 0, verdict: { kind: 'verified' } })
  },
)

it('one without a beginning is told, however many strays it has', async () => {
  const { bucket, compact } = await setUp(3)
  const stored = storedStream(bucket, host, '0-1', '/a')
  for (let at = 0; at < 9; at++) await stored.stray(at * 5, '0123456789abcdef', 'junk.')
  await expect(compact()).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining('no beginning') })
})
