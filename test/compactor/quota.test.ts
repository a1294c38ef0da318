import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { compactFollowing, compactOnce } from '../../src/compactor/compactor.ts'
import { openDirectorySink } from '../../src/compactor/directory-sink.ts'
import type { CompactorEvent } from '../../src/compactor/event.ts'
import type { QuotaLimits } from '../../src/compactor/quota.ts'
import { faultBucket } from '../support/fault-bucket.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { storedStream } from '../support/stored-stream.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

guardLeaks()

const pace = { intervalMinMs: 1000, intervalMaxMs: 30_000, fullIntervalMs: 3_600_000 }

async function setUp() {
  const clock = createVirtualClock()
  const bucket = createMemoryBucket(clock)
  const root = await tempDirectory('quota')
  const compact = async (quota: QuotaLimits | undefined) => {
    const events: CompactorEvent[] = []
    const sink = await openDirectorySink(root, clock, () => {})
    try {
      const onEvent = (event: CompactorEvent): void => void events.push(event)
      return { summary: await compactOnce({ bucket, sink, clock, pace, onEvent, quota }), events }
    } finally {
      await sink.close()
    }
  }
  const published = async (host: string): Promise<string[]> =>
    (await readdir(join(root, host)).catch(() => [])).filter((name) => !name.startsWith('.')).sort()
  const text = (host: string, name: string): Promise<string> => readFile(join(root, host, name), 'utf8')
  return { clock, bucket, root, compact, published, text }
}

describe('the quota of a host', () => {
  it('I9: a host that has too many streams gets no more published; what is goes on, and other hosts do not notice', async () => {
    const { bucket, compact, published, text } = await setUp()
    const old = storedStream(bucket, 'evil', '0-1', '/old')
    await old.append('honest, ')
    await storedStream(bucket, 'good', '0-1', '/good').append('good')
    await compact({ streams: 3 })
    for (let at = 2; at <= 50; at++) await storedStream(bucket, 'evil', `0-${at}`, `/${at}`).append('junk')
    await old.append('and more')
    await storedStream(bucket, 'good', '0-2', '/good').append('more')
    const { summary, events } = await compact({ streams: 3 })
    expect(await published('evil')).toHaveLength(3)
    expect(await text('evil', 'old~0-1')).toBe('honest, and more')
    expect(await published('good')).toEqual(['good~0-1', 'good~0-2'])
    expect(summary.errors).toHaveLength(47)
    expect(summary.errors[0]).toMatchObject({
      code: 'refused',
      message: expect.stringContaining('over the quota of its host: 3 streams are published'),
    })
    // Five are told one by one.
    expect(events.filter(({ kind }) => kind === 'problem')).toHaveLength(6)
    expect((await compact({ streams: 60 })).summary.errors).toEqual([])
    expect(await published('evil')).toHaveLength(50)
  })

  it('I9: a host that has too many bytes grows no more, also after a restart, and what is published stays', async () => {
    const { bucket, compact, text } = await setUp()
    const [a, b] = [storedStream(bucket, 'evil', '0-1', '/a'), storedStream(bucket, 'evil', '0-2', '/b')]
    const good = storedStream(bucket, 'good', '0-1', '/c')
    for (const one of [a, b, good]) await one.append('x'.repeat(400))
    await compact({ bytes: 1000 })
    for (const one of [a, b, good]) await one.append('y'.repeat(400))
    for (let round = 0; round < 3; round++) {
      const { summary } = await compact({ bytes: 1000 })
      expect(summary.errors.map((error) => (error as Error).message).sort()).toEqual([
        'evil 0-1: over the quota of its host: 800 of 1000 bytes are published',
        'evil 0-2: over the quota of its host: 800 of 1000 bytes are published',
      ])
    }
    expect(await text('evil', 'a~0-1')).toBe('x'.repeat(400))
    expect(await text('good', 'c~0-1')).toHaveLength(800)
    expect((await compact(undefined)).summary.errors).toEqual([])
    expect(await text('evil', 'b~0-2')).toHaveLength(800)
  })

  it('a stream of which nothing can be published takes no place', async () => {
    const { bucket, compact, published } = await setUp()
    for (let at = 1; at <= 9; at++)
      await storedStream(bucket, 'web-1', `0-${at}`, '/x').stray(0, 'e3b0c44298fc1c14', 'no origin')
    await storedStream(bucket, 'web-1', '0-z', '/fine').append('fine')
    await compact({ streams: 1 })
    expect(await published('web-1')).toEqual(['fine~0-z'])
  })

  it('I7, I9: a host that makes too many requests waits; the others are as quick as ever', async () => {
    const { clock, bucket: memory, root, text } = await setUp()
    const bucket = faultBucket(memory, clock)
    const sink = await openDirectorySink(root, clock, () => {})
    const stop = new AbortController()
    const events: CompactorEvent[] = []
    const onEvent = (event: CompactorEvent): void => void events.push(event)
    const quota = { requestsPerHour: 200 }
    for (let at = 0; at < 300; at++) await storedStream(memory, 'evil', `0-${at.toString(36)}`, '/x').append('x')
    const good = storedStream(memory, 'good', '0-1', '/good')
    await good.append('a')
    const ended = compactFollowing({ bucket, sink, clock, pace, onEvent, quota, signal: stop.signal })
    onTestFinished(async () => {
      stop.abort(new Error('stopped'))
      await clock.run(ended)
      await sink.close()
    })
    // The disk is a real one: it needs its time, too.
    const pass = async (stepMs: number): Promise<void> => {
      await clock.advance(stepMs)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const asked = (): number => bucket.operations.filter(({ key }) => key.includes('/evil/')).length
    const beganMs = clock.monotonic()
    const isHeldUp = (): boolean => events.some((event) => event.kind === 'problem' && /quota/.test(`${event.error}`))
    for (let step = 0; step < 5_000 && !isHeldUp(); step++) await pass(100)
    expect(isHeldUp()).toBe(true)
    expect(asked()).toBeGreaterThanOrEqual(200)
    expect(asked()).toBeLessThanOrEqual(201 + (200 * (clock.monotonic() - beganMs)) / 3_600_000)
    // The other host is as it always was, while this one waits.
    await good.append(', and more')
    const isThere = async (): Promise<boolean> => (await text('good', 'good~0-1').catch(() => '')) === 'a, and more'
    for (let step = 0; step < 1_000 && !(await isThere()); step++) await pass(10_000)
    expect(await isThere()).toBe(true)
  })
})
