import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Disk, type DiskFile, localDisk } from '../../src/base/disk.ts'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { listStreams } from '../../src/bucket/stream-inventory.ts'
import { compactStream } from '../../src/compactor/compact-stream.ts'
import { compactFollowing, compactOnce } from '../../src/compactor/compactor.ts'
import { openDirectorySink } from '../../src/compactor/directory-sink.ts'
import type { CompactorEvent } from '../../src/compactor/event.ts'
import { Quota, type QuotaLimits } from '../../src/compactor/quota.ts'
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

function bound(file: DiskFile): DiskFile {
  return {
    sync: () => file.sync(),
    datasync: () => file.datasync(),
    close: () => file.close(),
    read: (into, at, length, position) => file.read(into, at, length, position),
    write: (from, at, length, position) => file.write(from, at, length, position),
    stat: () => file.stat(),
  }
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

  it('what could not be written takes no place, however often it was tried', async () => {
    const { bucket, clock, root, text } = await setUp()
    await storedStream(bucket, 'web-1', '0-1', '/a').append('x'.repeat(400))
    let tries = 0
    let isFull = true
    const open: Disk['open'] = async (path, flags, mode) => {
      const file = await localDisk.open(path, flags, mode)
      if (!`${path}`.includes('.~0-1.new')) return file
      tries++
      const write: typeof file.write = async (...args) => {
        if (isFull) throw Object.assign(new Error('no room'), { code: 'ENOSPC' })
        return file.write(...args)
      }
      return { ...bound(file), write }
    }
    const sink = await openDirectorySink(root, clock, () => {}, { disk: { ...localDisk, open } })
    const stop = new AbortController()
    const options = { bucket, sink, clock, pace, onEvent: () => {}, quota: { bytes: 1000 } }
    const ended = compactFollowing({ ...options, signal: stop.signal })
    onTestFinished(async () => {
      stop.abort(new Error('stopped'))
      await clock.run(ended)
      await sink.close()
    })
    const pass = async (): Promise<void> => {
      await clock.advance(1000)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    for (let step = 0; step < 2000 && tries < 5; step++) await pass()
    expect(tries).toBeGreaterThanOrEqual(5)
    isFull = false
    const found = (): Promise<string> => text('web-1', 'a~0-1').catch(() => '')
    for (let step = 0; step < 600 && (await found()) === ''; step++) await pass()
    expect(await found()).toHaveLength(400)
  })

  it('a file that is set aside is written anew, near the quota as well, after a restart, and again', async () => {
    const { bucket, compact, root, text } = await setUp()
    await storedStream(bucket, 'web-1', '0-1', '/a').append('x'.repeat(800))
    await storedStream(bucket, 'web-1', '0-2', '/b').append('y'.repeat(100))
    await compact({ bytes: 1000 })
    for (let time = 0; time < 2; time++) {
      await writeFile(join(root, 'web-1', 'a~0-1'), 'edited')
      await compact({ bytes: 1000 })
      expect(await text('web-1', 'a~0-1')).toBe('x'.repeat(800))
    }
    await storedStream(bucket, 'web-1', '0-3', '/c').append('z'.repeat(100))
    await compact({ bytes: 1000 })
    expect(await text('web-1', 'c~0-3')).toHaveLength(100)
    await storedStream(bucket, 'web-1', '0-4', '/d').append('z')
    const { summary } = await compact({ bytes: 1000 })
    expect(summary.errors).toMatchObject([{ message: expect.stringContaining('1000 of 1000 bytes') }])
  })

  it('a file that differs from the chain is set aside and written anew while the server runs, near the quota as well', async () => {
    const { bucket, clock, root, text } = await setUp()
    const stored = storedStream(bucket, 'web-1', '0-1', '/a')
    await stored.append('x'.repeat(700))
    const sink = await openDirectorySink(root, clock, () => {})
    const quota = new Quota({ bytes: 1000 }, root, clock)
    const stream = async () => {
      for await (const listed of listStreams(bucket, 'web-1', { aliases: false }))
        await compactStream({ bucket, sink, host: 'web-1', quota }, listed)
    }
    onTestFinished(() => sink.close())
    await stream()
    await writeFile(join(root, 'web-1', 'a~0-1'), 'edited')
    await stored.append('y'.repeat(100))
    await stream()
    expect(await text('web-1', 'a~0-1')).toBe('x'.repeat(700) + 'y'.repeat(100))
    await stored.append('z'.repeat(200))
    await stream()
    expect(await text('web-1', 'a~0-1')).toHaveLength(1000)
    await stored.append('!')
    await expect(stream()).rejects.toMatchObject({ code: 'refused' })
  })

  it('I7, I9: whoever asks for it, the requests of a host are counted together', async () => {
    const { bucket, clock, root } = await setUp()
    const quota = new Quota({ requestsPerHour: 100 }, root, clock)
    const ask = async (): Promise<void> => void (await quota.requestsOf('evil', bucket).head('x'))
    for (let at = 0; at < 100; at++) await ask()
    await expect(ask()).rejects.toMatchObject({ code: 'unavailable' })
    await quota.requestsOf('good', bucket).head('x')
    await clock.advance(36_000)
    await ask()
    await expect(ask()).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('a pass over everything asks no more for a host than it may; the next one goes on', async () => {
    const { bucket, compact, published } = await setUp()
    for (let at = 0; at < 300; at++) await storedStream(bucket, 'evil', `0-${at.toString(36)}`, '/x').append('x')
    await storedStream(bucket, 'good', '0-1', '/good').append('a')
    const { summary } = await compact({ requestsPerHour: 200 })
    expect(summary.errors.length).toBeGreaterThan(0)
    for (const error of summary.errors) expect(error).toMatchObject({ code: 'unavailable' })
    const first = (await published('evil')).length
    expect(first).toBeGreaterThan(100)
    expect(first).toBeLessThan(200)
    expect(await published('good')).toEqual(['good~0-1'])
    await compact({ requestsPerHour: 200 })
    expect(await published('evil')).toHaveLength(300)
  })

  it('I7: hosts that ever more messages name are forgotten once they have all of it again, and no sooner', async () => {
    const { bucket, clock, root } = await setUp()
    const quota = new Quota({ requestsPerHour: 100 }, root, clock)
    const ask = async (host: string, times = 1): Promise<void> => {
      for (let at = 0; at < times; at++) await quota.requestsOf(host, bucket).head('x')
    }
    await ask('evil', 100)
    for (let at = 0; at < 25_000; at++) await ask(`host-${at}`)
    await expect(ask('evil')).rejects.toMatchObject({ code: 'unavailable' })
    await clock.advance(1_800_000)
    for (let at = 0; at < 25_000; at++) await ask(`other-${at}`)
    await expect(ask('evil', 51)).rejects.toMatchObject({ code: 'unavailable' })
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
