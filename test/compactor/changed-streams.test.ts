import { expect, it } from 'vitest'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import type { ListedStream } from '../../src/bucket/stream-inventory.ts'
import { changedStreams } from '../../src/compactor/changed-streams.ts'
import { forgetOld, watchAfter, watchHost } from '../../src/compactor/listing-plan.ts'
import { faultBucket } from '../support/fault-bucket.ts'
import { storedStream } from '../support/stored-stream.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

const name = (at: number): string => `20261120T${String(at).padStart(15, '0')}Z-1`

it('I7: of 2,000 streams of history a look lists the newest by name, and what is due by itself', async () => {
  const clock = createVirtualClock()
  const memory = createMemoryBucket(clock)
  const bucket = faultBucket(memory, clock)
  const watch = watchHost()
  for (let at = 0; at < 2000; at++) {
    const stored = storedStream(memory, 'web-1', name(at), '/a')
    await stored.append('x')
    if (at !== 7) await stored.seal()
    watch.streams.set(name(at), watchAfter(undefined, { length: 1, isSettled: at !== 7 }, 0))
  }
  forgetOld(watch)
  const changed = async (nowMs: number): Promise<ListedStream[]> => {
    const found: ListedStream[] = []
    for await (const one of changedStreams(bucket, 'web-1', watch, nowMs, undefined)) found.push(one)
    return found
  }
  // Looked at a second ago, after an hour of silence.
  watch.streams.set(name(7), { ...watchAfter(undefined, { length: 1, isSettled: false }, 0), lookedAtMs: 3_600_000 })
  expect(await changed(3_601_000)).toEqual([])
  expect(bucket.operations.map(({ op, key }) => `${op} ${key}`).sort()).toEqual([
    'list seals/web-1/',
    'list seals/web-1/',
    'list segments/web-1/',
  ])
  await storedStream(memory, 'web-1', name(2000), '/a').append('new')
  await storedStream(memory, 'web-1', name(2001), '/a').seal()
  const newest = storedStream(memory, 'web-1', `${name(1999)}.1`, '/a')
  await newest.append('another life')
  expect((await changed(3_601_000)).map(({ stream }) => stream).sort()).toEqual(
    [newest.stream, name(2000), name(2001)].sort(),
  )
  const due = (await changed(8_000_000)).find(({ stream }) => stream === name(7))
  expect(due?.seals).toEqual([])
})
