import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { compactFollowing } from '../../src/compactor/compactor.ts'
import { openDirectorySink } from '../../src/compactor/directory-sink.ts'
import type { CompactorEvent } from '../../src/compactor/event.ts'
import type { Pace } from '../../src/compactor/listing-plan.ts'
import { faultBucket } from '../support/fault-bucket.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { storedStream } from '../support/stored-stream.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { createVirtualClock, type VirtualClock } from '../support/virtual-clock.ts'

guardLeaks()

const pace: Pace = { intervalMinMs: 1000, intervalMaxMs: 32_000, fullIntervalMs: 3_600_000 }
const first = '20261120T101500123456789Z-1a2b'
const second = '20261121T000000000000000Z-7'

async function follow() {
  const clock = createVirtualClock()
  const memory = createMemoryBucket(clock)
  const bucket = faultBucket(memory, clock)
  const root = await tempDirectory('follow')
  const events: CompactorEvent[] = []
  const sink = await openDirectorySink(root, clock, (event) => void events.push({ kind: 'set-aside', ...event }))
  const stop = new AbortController()
  let isEnded = false
  const ended = compactFollowing({
    bucket,
    sink,
    clock,
    pace,
    onEvent: (event) => void events.push(event),
    signal: stop.signal,
  }).finally(() => {
    isEnded = true
  })
  return {
    clock,
    memory,
    bucket,
    root,
    events,
    async end(): Promise<void> {
      stop.abort(new Error('stopped'))
      await clock.run(ended)
      expect(isEnded).toBe(true)
      await sink.close()
    },
    /** Lets virtual time pass until the file has this content; fails when it does not within `limitMs`. */
    async until(name: string, content: string, limitMs: number): Promise<number> {
      const began = clock.monotonic()
      while ((await readFile(join(root, name), 'utf8').catch(() => undefined)) !== content) {
        expect(clock.monotonic() - began, `${name} within ${limitMs} ms`).toBeLessThanOrEqual(limitMs)
        await clock.advance(200)
        await realWork()
      }
      return clock.monotonic() - began
    },
    /** How many requests were made in `ms`. */
    async requestsIn(ms: number): Promise<number> {
      const before = bucket.operations.length
      await pass(clock, ms)
      return bucket.operations.length - before
    },
  }
}

/** Files are real, and time is not: it stands still until the disk has done what was set off. */
async function realWork(): Promise<void> {
  let idle = 0
  while (idle < 3) {
    await new Promise((resolve) => setImmediate(resolve))
    idle = process.getActiveResourcesInfo().some((kind) => /^FSReq|^FileHandle/.test(kind)) ? 0 : idle + 1
  }
}

async function pass(clock: VirtualClock, ms: number): Promise<void> {
  for (const endAt = clock.monotonic() + ms; clock.monotonic() < endAt; ) {
    await clock.advance(Math.min(500, endAt - clock.monotonic()))
    await realWork()
  }
}

describe('compactor, following', () => {
  it('publishes hosts, streams and bytes as they come', async () => {
    const { memory, until, end } = await follow()
    const stored = storedStream(memory, 'web-1', first, '/a')
    await stored.append('one\n')
    await until(`web-1/a~${first}`, 'one\n', 33_000)
    await stored.append('two\n')
    await until(`web-1/a~${first}`, 'one\ntwo\n', 3_000)
    await storedStream(memory, 'web-1', second, '/b').append('b')
    await until(`web-1/b~${second}`, 'b', 5_000)
    await storedStream(memory, 'db-1', second, '/c').append('c')
    await until(`db-1/c~${second}`, 'c', 33_000)
    await end()
  })

  it('tells each thing once', async () => {
    const { memory, until, events, clock, end } = await follow()
    const stored = storedStream(memory, 'web-1', first, '/a')
    await stored.append('one\n')
    await stored.gap('gone')
    await until(`web-1/a~${first}`, 'one\n', 33_000)
    await pass(clock, 120_000)
    await stored.seal()
    // A busy disk takes its real time: what is waited for is the event, and then that no second one follows.
    for (let round = 0; round < 500 && !events.some(({ kind }) => kind === 'sealed'); round++) {
      await pass(clock, 1_000)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    await pass(clock, 120_000)
    expect(events.map(({ kind }) => kind)).toEqual(['published', 'gap', 'sealed'])
    await end()
  })

  it('a late line after hours of silence is seen within an eighth of them', async () => {
    const { memory, until, clock, end } = await follow()
    const stored = storedStream(memory, 'web-1', first, '/a')
    await stored.append('one\n')
    await until(`web-1/a~${first}`, 'one\n', 33_000)
    await pass(clock, 600_000)
    await stored.append('two\n')
    await until(`web-1/a~${first}`, 'one\ntwo\n', 33_000)
    await end()
  })

  it('I7: rests at a few requests an hour, whatever the history', async () => {
    const { memory, until, requestsIn, end } = await follow()
    const stored = storedStream(memory, 'web-1', first, '/a')
    for (let line = 0; line < 30; line++) await stored.append(`${line}\n`)
    await until(`web-1/a~${first}`, stored.content.toString(), 33_000)
    // The intervals double up to 32 s from whenever the last line was seen.
    await requestsIn(200_000)
    // Three rooms and the hosts' two each 32 s.
    expect(await requestsIn(320_000)).toBeLessThanOrEqual(11 * 5)
    await end()
  })

  it('I7: with a long history only names and what is due are listed, and nothing is missed', async () => {
    const { memory, bucket, until, clock, end } = await follow()
    const old = storedStream(memory, 'web-1', first, '/old')
    for (let line = 0; line < 4100; line++) await old.append(`${line}\n`)
    await old.seal()
    const live = storedStream(memory, 'web-1', second, '/live')
    await live.append('one\n')
    await until(`web-1/live~${second}`, 'one\n', 33_000)
    await until(`web-1/old~${first}`, old.content.toString(), 33_000)
    const before = bucket.operations.length
    await live.append('two\n')
    await until(`web-1/live~${second}`, 'one\ntwo\n', 33_000)
    await storedStream(memory, 'web-1', '0-9', '/new').append('new')
    await until('web-1/new~0-9', 'new', 33_000)
    await storedStream(memory, 'web-1', '0-8', '/empty').seal()
    await until('web-1/empty~0-8', '', 33_000)
    await old.append('late\n')
    await old.seal()
    await until(`web-1/old~${first}`, old.content.toString(), 33_000)
    await pass(clock, 60_000)
    const listed = bucket.operations.slice(before).filter(({ op }) => op === 'list')
    expect(listed.map(({ key }) => key)).toContain(`segments/web-1/${second}/`)
    expect(listed.filter(({ key }) => key === `segments/web-1/${first}/`)).toHaveLength(1)
    expect(listed.map(({ key }) => key)).not.toContain('gaps/web-1/')
    await end()
  })

  it('I4: goes on by itself when the bucket comes back, and says the trouble once', async () => {
    const { memory, bucket, until, events, clock, end } = await follow()
    const stored = storedStream(memory, 'web-1', first, '/a')
    await stored.append('one\n')
    await until(`web-1/a~${first}`, 'one\n', 33_000)
    bucket.setRule(() => ({ kind: 'unavailable' }))
    await pass(clock, 90_000)
    await stored.append('two\n')
    expect(events.filter(({ kind }) => kind === 'problem').length).toBeLessThanOrEqual(2)
    bucket.setRule(undefined)
    await until(`web-1/a~${first}`, 'one\ntwo\n', 66_000)
    await end()
  })

  it('a stream that cannot be read is not asked for again in each round', async () => {
    const { memory, bucket, until, clock, end } = await follow()
    const key = `segments/web-1/${second}/00000000000000000000-e3b0c44298fc1c14`
    memory.tamper(key, Buffer.from('x'), { origin: '{"v":2}' })
    await storedStream(memory, 'web-1', first, '/a').append('one\n')
    await until(`web-1/a~${first}`, 'one\n', 33_000)
    await pass(clock, 300_000)
    expect(bucket.operations.filter((operation) => operation.op === 'get' && operation.key === key)).toHaveLength(1)
    await end()
  })

  it('ends at once when it is told to, in the middle of a request', async () => {
    const { memory, bucket, clock, end, root } = await follow()
    const stored = storedStream(memory, 'web-1', first, '/a')
    await stored.append('one\n')
    await stored.append('two\n')
    bucket.setRule(({ op, key }) =>
      op === 'get' && key.includes('/00000000000000000004-') ? { kind: 'hang' } : undefined,
    )
    await pass(clock, 40_000)
    await end()
    expect(await readFile(join(root, `web-1/a~${first}`), 'utf8')).toBe('one\n')
  })
})
