import { readdir } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { listObjects } from '../../src/bucket/bucket.ts'
import { type ArchiveFacts, planArchive } from '../../src/compactor/archive/plan-archive.ts'
import { decodeArchivedHeader } from '../../src/format/archived.ts'
import { encodings } from '../../src/format/whole.ts'
import { faultBucket, randomFaults } from '../support/fault-bucket.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { patternBytes } from '../support/pattern-bytes.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { storeWithStrays } from '../support/stored-stream.ts'
import { archiveRig, decoded } from './archive-rig.ts'

guardLeaks()

const first = '20261120T101500123456789Z-1a2b'
const week = 7 * 86_400_000
const MiB = 1024 * 1024

describe.each(encodings)('an archive, %s', (encoding) => {
  const ending = { none: '', gzip: '.gz', zstd: '.zst' }[encoding]

  it.each([0, 5, 4 * MiB, 4 * MiB + 1, 20 * MiB + 3])(
    'holds a sealed stream of %i bytes as one object',
    async (size) => {
      const rig = await archiveRig({ encoding })
      const stored = rig.stream('web-1', first, '/var/log/a.log')
      const content = patternBytes(size)
      for (let at = 0; at < size; at += 3 * MiB) await stored.append(content.subarray(at, at + 3 * MiB))
      await stored.seal()
      const { summary, events } = await rig.archive()
      const key = `host=web-1/date=2026-11-20/a.log~${first}-${size}${ending}`
      expect(await rig.keys()).toEqual([key])
      const object = await rig.archived.get(key)
      expect(decoded(encoding, object?.body ?? new Uint8Array(1)).equals(content)).toBe(true)
      expect(decodeArchivedHeader(object?.metadata ?? {}, key)).toEqual({
        origin: stored.origin,
        encoding,
        length: size,
        sha256: stored.sha256,
        isSealed: true,
      })
      expect(summary).toMatchObject({ hosts: 1, sent: 1, sentBytes: size, there: 0, lies: 0, errors: [] })
      expect(events).toEqual([
        {
          kind: 'archived',
          host: 'web-1',
          stream: first,
          name: key,
          length: size,
          sha256: stored.sha256,
          isSealed: true,
        },
      ])
      // A new process asks the archive what is there.
      expect((await rig.archive()).summary).toMatchObject({ sent: 0, there: 0, errors: [] })
      expect(await readdir(rig.spool).catch(() => [])).toEqual([])
    },
  )

  it.each([100, 9 * MiB])(
    'I9: a seal that lies about %i bytes stores nothing, and withholds nothing for good',
    async (size) => {
      const rig = await archiveRig({ encoding, quietAfterMs: week })
      const stored = rig.stream('web-1', '0-1', '/a')
      await stored.append(patternBytes(size))
      await stored.seal({ sha256: 'a'.repeat(64) })
      const { summary, events } = await rig.archive()
      expect(await rig.keys()).toEqual([])
      expect(summary).toMatchObject({ sent: 0, lies: 1, errors: [] })
      expect(events).toMatchObject([{ kind: 'mismatch', stream: '0-1', sealed: 'a'.repeat(64), sha256: stored.sha256 }])
      await rig.clock.advance(week)
      expect((await rig.archive()).summary).toMatchObject({ sent: 1, lies: 1 })
      expect(await rig.keys()).toEqual([`host=web-1/date=none/a~0-1-${size}.unsealed${ending}`])
      // Where one of several seals is right, the others prove nothing.
      await stored.seal()
      expect((await rig.archive()).summary).toMatchObject({ sent: 1, lies: 0 })
      expect(await rig.keys()).toContain(`host=web-1/date=none/a~0-1-${size}${ending}`)
    },
  )
})

describe('an archive', () => {
  it('takes a segment that is the seal as well, and what is sealed later', async () => {
    const rig = await archiveRig()
    await rig.stream('web-1', '0-1', '/small').finish('all of it')
    const live = rig.stream('web-1', '0-2', '/live')
    await live.append('begun ')
    expect((await rig.archive()).summary.sent).toBe(1)
    await live.append('and ended')
    await live.seal()
    expect((await rig.archive()).summary.sent).toBe(1)
    expect(await rig.contents()).toEqual({
      'host=web-1/date=none/small~0-1-9.gz': 'all of it',
      'host=web-1/date=none/live~0-2-15.gz': 'begun and ended',
    })
  })

  it('what went on after its seal waits for the next one; each length is an object of its own', async () => {
    const rig = await archiveRig({ quietAfterMs: week })
    const stored = rig.stream('web-1', '0-1', '/a')
    await stored.append('one')
    await stored.seal()
    await rig.archive()
    await stored.append(' two')
    expect((await rig.archive()).summary).toMatchObject({ sent: 0, short: 0 })
    await rig.clock.advance(week)
    expect((await rig.archive()).summary.sent).toBe(1)
    await stored.append(' three')
    await stored.seal()
    await rig.archive()
    expect(await rig.contents()).toEqual({
      'host=web-1/date=none/a~0-1-3.gz': 'one',
      'host=web-1/date=none/a~0-1-7.unsealed.gz': 'one two',
      'host=web-1/date=none/a~0-1-13.gz': 'one two three',
    })
  })

  it('I9: a seal that promises more, and strays of all kinds, withhold nothing for good', async () => {
    const random = seededRandom(20261121)
    const rig = await archiveRig({ quietAfterMs: week })
    const [short, strays] = [rig.stream('web-1', '0-1', '/short'), rig.stream('web-1', '0-2', '/strays')]
    await short.append('what is there')
    await short.seal({ length: 1000, sha256: 'b'.repeat(64) })
    await storeWithStrays(strays, random.bytes(60_000), random)
    // A lone one where the chain ends, which a listing alone takes for its continuation; and what continues it.
    await strays.stray(60_000, '0123456789abcdef', 'x'.repeat(10))
    await strays.stray(60_010, '0123456789abcdef', 'x'.repeat(10))
    await strays.seal()
    const { summary, events } = await rig.archive()
    expect(summary.short).toBeGreaterThanOrEqual(1)
    expect(events).toContainEqual({
      ...{ kind: 'short', host: 'web-1', stream: '0-1', name: 'web-1 0-1' },
      ...{ length: 0, missing: 987 },
    })
    await rig.clock.advance(week)
    await rig.archive()
    const contents = await rig.contents()
    expect(contents['host=web-1/date=none/short~0-1-13.unsealed.gz']).toBe('what is there')
    const others = Object.entries(contents).filter(([key]) => key.includes('/strays~0-2-60000'))
    expect(others.map(([, content]) => content)).toEqual([strays.content.toString('latin1')])
  })

  it('reports a beginning that has expired, and goes on with the others', async () => {
    const rig = await archiveRig({ quietAfterMs: 1 })
    const [gone, here] = [rig.stream('web-1', '0-1', '/gone'), rig.stream('web-1', '0-2', '/here')]
    for (const one of [gone, here]) {
      await one.append('abc')
      await one.append('def')
      await one.seal()
    }
    const [{ key = '' } = {}] = await listObjects(rig.bucket, 'segments/web-1/0-1/')
    rig.bucket.tamper(key, undefined)
    const { summary, events } = await rig.archive()
    expect(Object.values(await rig.contents())).toEqual(['abcdef'])
    expect(summary.errors).toMatchObject([{ code: 'corrupt' }])
    expect(events.map(({ kind }) => kind).sort()).toEqual(['archived', 'problem'])
  })

  it('I2: other content under the name is left alone, and reported', async () => {
    const rig = await archiveRig()
    const stored = rig.stream('web-1', '0-1', '/a')
    await stored.append('ours')
    await stored.seal()
    const key = 'host=web-1/date=none/a~0-1-4.gz'
    rig.archived.tamper(key, new Uint8Array(0))
    const { summary } = await rig.archive()
    expect(summary).toMatchObject({ sent: 0, errors: [{ code: 'conflict' }] })
    expect((await rig.archived.get(key))?.body.byteLength).toBe(0)
  })

  it('knows its bytes again, by whomever they were compressed, whatever they say of themselves', async () => {
    const rig = await archiveRig()
    const stored = rig.stream('web-1', '0-1', '/a')
    await stored.append('the same')
    await stored.seal()
    const key = 'host=web-1/date=none/a~0-1-8.gz'
    // It comes while we pack: nothing of it was there when we listed.
    const racing = faultBucket(rig.archived, rig.clock, ({ op, key: asked }) => {
      if (op === 'put' && asked === key) rig.archived.tamper(key, gzipSync('the same', { level: 1 }))
      return undefined
    })
    const { summary } = await rig.clock.run(rig.start({ to: racing }))
    expect(summary).toMatchObject({ sent: 0, there: 1, errors: [] })
    const other = rig.stream('web-1', '0-2', '/b')
    await other.append('ours')
    await other.seal()
    racing.setRule(({ op, key: asked }) => {
      if (op === 'put' && asked.endsWith('b~0-2-4.gz')) rig.archived.tamper(asked, gzipSync('not '))
      return undefined
    })
    expect((await rig.clock.run(rig.start({ to: racing }))).summary).toMatchObject({ errors: [{ code: 'conflict' }] })
  })

  it('I1: every object once, and right, whatever the stores answer, with four at once, stopped again and again', async () => {
    const seed = 20261121
    const random = seededRandom(seed)
    const rig = await archiveRig()
    const expected: Record<string, string> = {}
    for (let at = 0; at < 30; at++) {
      const host = `web-${at % 3}`
      const stored = rig.stream(host, `0-${at}`, `/log/${at}`)
      for (let left = random.int(1, 4); left > 0; left--) await stored.append(random.bytes(random.int(1, 5000)))
      await stored.seal()
      expected[`host=${host}/date=none/${at}~0-${at}-${stored.content.length}.gz`] = stored.content.toString('latin1')
    }
    const mix = { unavailable: 0.05, lost: 0.1, late: 0.05, slow: 0.2, 'slow-answer': 0.1, cut: 0.05 }
    const from = faultBucket(rig.bucket, rig.clock, randomFaults(random, mix, 500))
    const faults = randomFaults(random, mix, 500)
    let [sent, stopped] = [0, 0]
    /** Stopped at one of its requests to the archive. */
    const run = async (): Promise<void> => {
      const stop = new AbortController()
      const last = random.int(1, 80)
      const to = faultBucket(rig.archived, rig.clock, (operation) => {
        if (operation.number === last) stop.abort(new Error('killed'))
        return faults(operation)
      })
      await rig.start({ from, to, signal: stop.signal }).then(
        ({ summary }) => {
          sent += summary.sent
        },
        () => void stopped++,
      )
    }
    for (let round = 0; round < 10; round++) await rig.clock.run(Promise.all([run(), run(), run(), run()]))
    expect(stopped).toBeGreaterThan(5)
    expect((await rig.keys()).length).toBeGreaterThan(10)
    from.setRule(undefined)
    sent += (await rig.archive()).summary.sent
    expect(await rig.contents(), `seed ${seed}`).toEqual(expected)
    expect(sent).toBeLessThanOrEqual(30)
  })

  it('lists what may have changed, and no more', async () => {
    const rig = await archiveRig()
    for (let at = 1; at <= 20; at++) {
      const stored = rig.stream('web-1', `0-${at}`, `/log/${at}`)
      await stored.append('some bytes')
      if (at > 1) await stored.seal()
    }
    const counted = faultBucket(rig.bucket, rig.clock)
    const look = rig.watching(counted)
    await look()
    const before = counted.operations.length
    await look()
    // Seals, and names in two rooms; nothing for any stream, sealed or live.
    expect(counted.operations.slice(before).map(({ op, key }) => `${op} ${key}`)).toEqual([
      'list seals/web-1/',
      'list segments/web-1/',
      'list seals/web-1/',
    ])
    expect(await rig.keys()).toHaveLength(19)
  })

  it('what is not accepted is asked for its name once, sealed, final or quiet, and not read', async () => {
    const rig = await archiveRig({ quietAfterMs: week })
    const kept = rig.stream('web-1', '0-1', '/log/kept')
    await kept.append('kept')
    await kept.seal()
    const sealed = rig.stream('web-1', '0-2', '/home/sealed')
    await sealed.append('private')
    await sealed.seal()
    await rig.stream('web-1', '0-3', '/home/final').finish('private')
    await rig.stream('web-1', '0-4', '/home/quiet').append('private')
    await rig.clock.advance(2 * week)
    const counted = faultBucket(rig.bucket, rig.clock)
    const look = rig.watching(counted, ({ path }) => path.startsWith('/log/'))
    await look()
    expect(await rig.keys()).toEqual(['host=web-1/date=none/kept~0-1-4.gz'])
    expect(counted.operations.filter(({ op, key }) => op === 'get' && !key.includes('/0-1/'))).toEqual([])
    const before = counted.operations.length
    await sealed.append('more')
    await sealed.seal()
    await rig.clock.advance(2 * week)
    await look()
    expect(counted.operations.slice(before).filter(({ key }) => /0-[234]/.test(key))).toEqual([])
  })

  it('a seal that is not kept is asked for ever more rarely; another one brings the stream at the next look', async () => {
    const rig = await archiveRig({ quietAfterMs: week })
    const [short, live] = [rig.stream('web-1', '0-1', '/short'), rig.stream('web-1', '0-2', '/live')]
    await short.append('not all')
    await short.seal({ length: 100, sha256: 'c'.repeat(64) })
    await live.append('going on')
    const counted = faultBucket(rig.bucket, rig.clock)
    const look = rig.watching(counted)
    const reads = async (): Promise<number> => {
      const before = counted.operations.length
      await look()
      return counted.operations.slice(before).filter(({ key }) => key.includes('/0-1')).length
    }
    expect(await reads()).toBeGreaterThan(0)
    expect(await reads()).toBe(0)
    await rig.clock.advance(3_600_000)
    expect(await reads()).toBeGreaterThan(0)
    await short.seal()
    await live.seal()
    // The longer seal is still not kept, and withholds nothing; the stream that was only live is there at once.
    await look()
    expect(await rig.keys()).toEqual(['host=web-1/date=none/live~0-2-8.gz', 'host=web-1/date=none/short~0-1-7.gz'])
    await short.append('x'.repeat(93))
    await short.seal()
    await look()
    expect(await rig.keys()).toContain('host=web-1/date=none/short~0-1-100.gz')
  })

  it('an archive that refuses tells of some streams, and counts the others', async () => {
    const rig = await archiveRig()
    for (let at = 1; at <= 20; at++) await rig.stream('web-1', `0-${at}`, `/log/${at}`).finish('x')
    const denied = faultBucket(rig.archived, rig.clock, ({ op, key }) =>
      op === 'put' && key.startsWith('host=') ? { kind: 'refused' } : undefined,
    )
    const { summary, events } = await rig.clock.run(rig.start({ to: denied }))
    expect(summary.errors).toHaveLength(20)
    expect(events).toHaveLength(6)
    expect(events.at(-1)).toMatchObject({
      kind: 'problem',
      error: { message: 'web-1: 15 more streams could not be archived' },
    })
  })
})

describe('what to do with a stream', () => {
  const seal = (length: number) => ({ length, sha256: `sha of ${length}` })
  const done = { kind: 'done' }
  it.each<[string, Partial<ArchiveFacts>, unknown]>([
    ['live', {}, { kind: 'wait', missing: undefined }],
    ['sealed', { seals: [seal(10)] }, { kind: 'sealed', sha256: ['sha of 10'] }],
    ['sealed twice alike', { seals: [seal(10), seal(10)] }, { kind: 'sealed', sha256: ['sha of 10'] }],
    ['sealed and archived', { seals: [seal(10)], archived: { sealed: 10, unsealed: -1 } }, done],
    [
      'sealed, archived unsealed',
      { seals: [seal(10)], archived: { sealed: -1, unsealed: 10 } },
      { kind: 'sealed', sha256: ['sha of 10'] },
    ],
    [
      'sealed again',
      { seals: [seal(5), seal(10)], archived: { sealed: 5, unsealed: -1 } },
      { kind: 'sealed', sha256: ['sha of 10'] },
    ],
    ['short', { seals: [seal(12)] }, { kind: 'wait', missing: 2 }],
    ['outgrown', { seals: [seal(9)] }, { kind: 'wait', missing: undefined }],
    ['short, and quiet', { seals: [seal(12)], storedAtMs: 50 }, { kind: 'quiet' }],
    ['outgrown, and quiet', { seals: [seal(9)], storedAtMs: 50 }, { kind: 'quiet' }],
    ['quiet', { storedAtMs: 50 }, { kind: 'quiet' }],
    ['quiet and archived', { storedAtMs: 50, archived: { sealed: -1, unsealed: 10 } }, done],
    ['quiet, with less archived', { storedAtMs: 50, archived: { sealed: 3, unsealed: 9 } }, { kind: 'quiet' }],
    ['empty and sealed', { length: 0, seals: [seal(0)] }, { kind: 'sealed', sha256: ['sha of 0'] }],
    ['empty', { length: 0, storedAtMs: 50 }, done],
  ])('%s', (_what, facts, expected) => {
    const all = { length: 10, storedAtMs: 100, seals: [], archived: undefined, ...facts }
    expect(planArchive(all, 50)).toEqual(expected)
  })
})
