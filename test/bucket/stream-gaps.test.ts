import { describe, expect, it } from 'vitest'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { readOpenGaps } from '../../src/bucket/stream-gaps.ts'
import { listStreams } from '../../src/bucket/stream-inventory.ts'
import { storedStream } from '../support/stored-stream.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

const stream = '20261120T101500123456789Z-1a2b'
const sealed = (length: number) => ({ length, sha256: 'f'.repeat(64) })

/** What counts as a loss of a stream of 11 bytes with these gaps. */
async function losses(
  gaps: readonly ['truncated' | 'gone' | 'diverged', number, number?][],
  seals: readonly ReturnType<typeof sealed>[],
): Promise<string[]> {
  const bucket = createMemoryBucket(createVirtualClock())
  const stored = storedStream(bucket, 'web-1', stream, '/a')
  await stored.append('hello world')
  for (const gap of gaps) await stored.gap(...gap)
  for await (const listed of listStreams(bucket, 'web-1'))
    return (await readOpenGaps(bucket, listed.gaps, 11, seals)).map(({ offset, end, reason }) =>
      [offset, end, reason].join(' '),
    )
  throw new Error('there is no stream')
}

describe('gaps that count as a loss', () => {
  it('I6: what was seen of a loss is one gap with it', async () => {
    expect(
      await losses(
        [
          ['truncated', 11],
          ['truncated', 11, 20],
        ],
        [],
      ),
    ).toEqual(['11 open truncated'])
  })

  it('I6: a seal closes what may be lost, and never what was seen', async () => {
    expect(
      await losses(
        [
          ['truncated', 11],
          ['truncated', 11, 20],
        ],
        [sealed(11)],
      ),
    ).toEqual(['11 20 truncated'])
    expect(
      await losses(
        [
          ['truncated', 4],
          ['truncated', 4, 11],
        ],
        [sealed(11)],
      ),
    ).toEqual([])
  })

  it('I6: a fork is no loss, and hides none', async () => {
    expect(
      await losses(
        [
          ['diverged', 11],
          ['truncated', 11, 20],
        ],
        [],
      ),
    ).toEqual(['11 20 truncated'])
    expect(
      await losses(
        [
          ['diverged', 11],
          ['gone', 10],
        ],
        [],
      ),
    ).toEqual(['10 open gone'])
  })
})
