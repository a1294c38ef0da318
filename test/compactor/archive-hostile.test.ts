import { describe, expect, it } from 'vitest'
import { LogcaskError } from '../../src/base/errors.ts'
import type { Bucket } from '../../src/bucket/bucket.ts'
import { planArchive } from '../../src/compactor/archive/plan-archive.ts'
import { beforeOf } from '../../src/format/chain.ts'
import { faultBucket } from '../support/fault-bucket.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { patternBytes } from '../support/pattern-bytes.ts'
import { type ArchiveRig, archiveRig } from './archive-rig.ts'

guardLeaks()

const week = 7 * 86_400_000
const hour = 3_600_000
const wrong = (letter: string): string => letter.repeat(64)

/** Looks again and again as one process; answers which requests for the stream's content or records a look makes. */
function looking(rig: ArchiveRig, from: Bucket = rig.bucket) {
  const counted = faultBucket(from, rig.clock)
  const look = rig.watching(counted)
  return async (): Promise<{ reads: string[]; all: number }> => {
    const before = counted.operations.length
    await look()
    const made = counted.operations.slice(before)
    return {
      reads: made.filter(({ op, key }) => op === 'get' && key.startsWith('segments/')).map(({ key }) => key),
      all: made.filter(({ key }) => key.includes('/0-1')).length,
    }
  }
}

describe('an archive of a hostile host', () => {
  it('I9: a longer seal, true or not, does not withhold what is sealed', async () => {
    const rig = await archiveRig()
    const stored = rig.stream('web-1', '0-1', '/a')
    await stored.append('all of it')
    await stored.seal()
    await stored.seal({ length: 1000, sha256: wrong('b') })
    expect((await rig.archive()).summary).toMatchObject({ sent: 1, lies: 0, errors: [] })
    expect(await rig.contents()).toEqual({ 'host=web-1/date=none/a~0-1-9.gz': 'all of it' })
    const seals = [9, 1000].map((length) => ({ length, sha256: `sha of ${length}` }))
    const facts = { length: 9, storedAtMs: 1, seals, archived: undefined }
    expect(planArchive(facts, 0)).toEqual({ kind: 'sealed', sha256: ['sha of 9'] })
  })

  it('I9: strays with a seal of their own do not withhold the one that is true', async () => {
    const rig = await archiveRig()
    const stored = rig.stream('web-1', '0-1', '/a')
    await stored.append('all of it')
    await stored.seal()
    await stored.stray(9, '0123456789abcdef', 'x'.repeat(10))
    await stored.stray(19, '0123456789abcdef', 'y'.repeat(10))
    await stored.seal({ length: 29, sha256: wrong('c') })
    const { summary } = await rig.archive()
    expect(summary).toMatchObject({ sent: 1, short: 1, errors: [] })
    expect(await rig.contents()).toEqual({ 'host=web-1/date=none/a~0-1-9.gz': 'all of it' })
  })

  it('I7: content under a seal that lies is read once, however many more seals lie about it', async () => {
    const rig = await archiveRig({ quietAfterMs: week })
    const stored = rig.stream('web-1', '0-1', '/a')
    for (let at = 0; at < 3; at++) await stored.append(patternBytes(100))
    await stored.seal({ sha256: wrong('0') })
    const look = looking(rig)
    expect((await look()).reads.length).toBeGreaterThanOrEqual(3)
    for (let at = 1; at <= 9; at++) {
      await stored.seal({ sha256: wrong(String(at)) })
      expect((await look()).reads).toEqual([])
      await rig.clock.advance(hour)
      expect((await look()).reads).toEqual([])
    }
    // The true one is believed at once, and costs one reading.
    await stored.seal()
    await look()
    expect(await rig.keys()).toEqual([`host=web-1/date=none/a~0-1-300.gz`])
  })

  it.each(['short', 'outgrown', 'final'])(
    'I7: what is %s, and stays so, is asked for ever more rarely',
    async (kind) => {
      const rig = await archiveRig()
      const stored = rig.stream('web-1', '0-1', '/a')
      if (kind === 'final') await stored.finish('complete')
      else await stored.append('complete')
      if (kind === 'short') await stored.seal({ length: 100, sha256: wrong('c') })
      if (kind === 'outgrown') await stored.seal({ length: 3, sha256: wrong('c') })
      if (kind !== 'short') await stored.append(', and then some')
      const look = looking(rig)
      let asked = 0
      for (let minute = 0; minute < 24 * 60; minute++) {
        if ((await look()).all > 0) asked++
        await rig.clock.advance(60_000)
      }
      expect(asked).toBeGreaterThan(kind === 'final' ? 0 : 10)
      expect(asked).toBeLessThan(200)
      // What is true of it is archived: that it was complete before it went on.
      expect(await rig.keys()).toEqual(kind === 'final' ? ['host=web-1/date=none/a~0-1-8.gz'] : [])
    },
  )

  it('I7: a seal a minute does not make the waits begin anew', async () => {
    const rig = await archiveRig()
    const stored = rig.stream('web-1', '0-1', '/a')
    for (let at = 0; at < 5; at++) await stored.append('x')
    const look = looking(rig)
    let reads = 0
    for (let minute = 0; minute < 200; minute++) {
      await stored.seal({ length: 5, sha256: beforeOf({ offset: 0, window: Buffer.from(`${minute}`) }).repeat(4) })
      reads += (await look()).reads.length
      await rig.clock.advance(60_000)
    }
    expect(reads).toBeLessThan(20)
  })
})

describe('a source that fails while it is archived', () => {
  it('is not asked again as if the archive had not answered', async () => {
    const rig = await archiveRig({ encoding: 'none' })
    const stored = rig.stream('web-1', '0-1', '/long')
    for (let at = 0; at < 4; at++) await stored.append(patternBytes(3 * 1024 * 1024))
    await stored.seal()
    let asked = 0
    const failing: Bucket = {
      ...rig.bucket,
      get: (key, options) => {
        if (!key.includes('/00000000000009437184-') || options?.range !== undefined) return rig.bucket.get(key, options)
        asked++
        throw new LogcaskError('unavailable', 'the source is away (injected)')
      },
    }
    const counted = faultBucket(rig.archived, rig.clock)
    // As one request of the reader each: its own repetitions are before it.
    const { createArchiveSink } = await import('../../src/compactor/archive/archive-sink.ts')
    const { archiveOnce } = await import('../../src/compactor/archive/archiver.ts')
    const sink = createArchiveSink({ bucket: counted, clock: rig.clock, template: 'host={host}/x', encoding: 'none' })
    const options = { clock: rig.clock, onEvent: () => {}, quietAfterMs: undefined, spoolDirectory: rig.spool }
    const summary = await rig.clock.run(archiveOnce({ ...options, bucket: failing, sink }))
    expect(summary.errors).toMatchObject([{ code: 'unavailable', message: 'the source is away (injected)' }])
    expect(asked).toBe(1)
  })
})

describe('a true seal', () => {
  it('I9: is kept, however the host goes on behind it, and whatever it seals there', async () => {
    const rig = await archiveRig({ quietAfterMs: week })
    const stored = rig.stream('web-1', '0-1', '/a')
    await stored.append('honest, ')
    await stored.append('all of it')
    await stored.seal()
    await stored.append(' and what a thief appends')
    for (const [at, length] of [18, 20, 42, 1000].entries()) await stored.seal({ length, sha256: wrong(String(at)) })
    const { summary } = await rig.archive()
    expect(summary).toMatchObject({ sent: 1, lies: 1, errors: [] })
    expect(await rig.contents()).toEqual({ 'host=web-1/date=none/a~0-1-17.gz': 'honest, all of it' })
    await rig.clock.advance(week)
    await rig.archive()
    expect(await rig.contents()).toEqual({
      'host=web-1/date=none/a~0-1-17.gz': 'honest, all of it',
      'host=web-1/date=none/a~0-1-42.unsealed.gz': 'honest, all of it and what a thief appends',
    })
  })

  it('I7: a host that appends and seals falsely each minute has its stream read once in a while', async () => {
    const rig = await archiveRig()
    const stored = rig.stream('web-1', '0-1', '/a')
    // The window before the last joint, which every look may read, lies behind the first segment.
    for (let at = 0; at < 2; at++) await stored.append(patternBytes(5_000))
    const look = looking(rig)
    let reads = 0
    for (let minute = 0; minute < 100; minute++) {
      await stored.append(patternBytes(5_000))
      await stored.seal({ sha256: wrong('a') })
      await stored.append(patternBytes(5_000))
      reads += (await look()).reads.filter((key) => key.includes('/00000000000000000000-')).length
      await rig.clock.advance(60_000)
    }
    expect(reads).toBeGreaterThan(0)
    expect(reads).toBeLessThan(30)
  })
})
