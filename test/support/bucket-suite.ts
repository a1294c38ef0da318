import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { LogcaskError } from '../../src/base/errors.ts'
import { sha256 } from '../../src/base/hash.ts'
import {
  type Bucket,
  type ListEntry,
  type ListOptions,
  listNames,
  listObjects,
  type PutResult,
} from '../../src/bucket/bucket.ts'
import { gapKey, probeKey, sealKey, segmentKey } from '../../src/format/keys.ts'
import type { Metadata } from '../../src/format/segment.ts'
import { largeCases } from './large-suite.ts'
import { patternBytes } from './pattern-bytes.ts'

/** What a store can do beyond the port's least; a case that needs more than is declared is reported as skipped. */
export interface SuiteOptions {
  /** A PUT whose body does not have the given SHA-256 is not stored. Default true. */
  verifiesSha256?: boolean
  /** Keys that differ only in case are two objects. Default true; false on macOS's usual file system. */
  tellsCase?: boolean
  /** Keys that are rejected with `invalid`; default `hostileKeys`, [] where the store takes any name. */
  invalidKeys?: readonly string[]
  /** Adds a version (a body) or a delete marker (undefined) to a key, past the port. Needed where `capabilities.versions`. */
  tamper?: (bucket: Bucket, key: string, body: Uint8Array | undefined) => Promise<void>
  /** Creators per round of the race, and rounds. Default 20 × 5. */
  race?: { writers: number; rounds: number }
  /** Keys in the listing that must take several pages. Default 1,100: S3's pages end at 1,000. */
  manyKeys?: number
  /** How large bodies are tried; default: in parts and in one request. */
  largeWays?: readonly ('parts' | 'one')[]
  /** For each case, in milliseconds. Default 60,000: real servers on two shared cores. */
  timeoutMs?: number
}

export interface OpenBucket {
  bucket: Bucket
  /** Removes what `open` made; the suite has closed the bucket itself. */
  close(): Promise<void>
}

/** No agent writes these. */
export const hostileKeys: readonly string[] = [
  '',
  '/',
  '/files/a',
  'files/',
  'files//a',
  '.',
  '..',
  '../a',
  'files/../a',
  'files/..',
  './files/a',
  'files/./a',
  '.logcask/store.json',
  'files/.hidden',
  'files/a\0b',
  'files/a\nb',
  'files/a\\b',
  'files/é',
  'files/\ud800',
  `files/${'x'.repeat(256)}`,
  'x/'.repeat(512).concat('x'),
]

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const printable = Array.from({ length: 0x7f - 0x21 }, (_, at) => String.fromCharCode(0x21 + at)).join('')

/**
 * The specification of the port (src/bucket/bucket.ts). Every implementation and every decorator passes it. `open` gives
 * a bucket that may hold other objects; every case works under a prefix of its own.
 */
export function bucketSuite(name: string, open: () => Promise<OpenBucket>, options: SuiteOptions = {}): void {
  const { verifiesSha256 = true, tellsCase = true, invalidKeys = hostileKeys } = options
  const { manyKeys = 1_100, timeoutMs = 60_000 } = options
  const { writers, rounds } = options.race ?? { writers: 20, rounds: 5 }

  describe(`${name} keeps the port's contract`, { timeout: timeoutMs }, () => {
    let opened: OpenBucket
    let bucket: Bucket

    beforeAll(async () => {
      opened = await open()
      bucket = opened.bucket
    }, timeoutMs)

    afterAll(async () => {
      await bucket?.close()
      await opened?.close()
    }, timeoutMs)

    const freshPrefix = (): string => `files/suite-${systemClock.id(8)}/`
    const create = (key: string, body: Uint8Array | string, metadata?: Metadata): Promise<PutResult> =>
      bucket.put(key, typeof body === 'string' ? text(body) : body, { mode: 'create', metadata })
    const createAll = async (keys: readonly string[]): Promise<void> => {
      const queue = [...keys]
      const worker = async (): Promise<void> => {
        for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
          expect(await create(key, '.')).toBe('created')
        }
      }
      await Promise.all(Array.from({ length: 16 }, worker))
    }
    const collect = async (prefix: string, listOptions?: ListOptions): Promise<ListEntry[]> => {
      const entries: ListEntry[] = []
      for await (const entry of bucket.list(prefix, listOptions)) entries.push(entry)
      return entries
    }
    const namesOf = async (prefix: string, listOptions?: ListOptions): Promise<string[]> =>
      (await collect(prefix, listOptions)).map((entry) =>
        (entry.kind === 'object' ? entry.key : entry.prefix).slice(prefix.length),
      )

    describe('create', () => {
      it('I2: says `created` once, then `exists`, and leaves body, metadata and time as they are', async () => {
        const key = `${freshPrefix()}once`
        expect(await create(key, 'first', { writer: 'one' })).toBe('created')
        const before = await bucket.head(key)
        expect(await create(key, 'second, longer', { writer: 'two', more: 'x' })).toBe('exists')
        expect(await create(key, 'first', { writer: 'three' })).toBe('exists')
        expect(await create(key, 'first')).toBe('exists')
        const after = await bucket.get(key)
        expect(after && Buffer.from(after.body).toString()).toBe('first')
        expect(after?.metadata).toEqual({ writer: 'one' })
        expect(after?.storedAtMs).toBe(before?.storedAtMs)
        expect(after?.versions).toBe(1)
      })

      it('I2: a PUT without metadata is not given any by a later one with the same body', async () => {
        const key = `${freshPrefix()}bare`
        expect(await create(key, 'same')).toBe('created')
        expect(await create(key, 'same', { writer: 'late' })).toBe('exists')
        expect((await bucket.head(key))?.metadata).toEqual({})
      })

      it.each([0, 1, 4095, 4096, 1024 * 1024 + 1])('round-trips a body of %i bytes', async (size) => {
        const key = `${freshPrefix()}${size}`
        const body = patternBytes(size)
        expect(await bucket.put(key, body, { mode: 'create', sha256: sha256(body) })).toBe('created')
        const got = await bucket.get(key)
        expect(got && sha256(got.body)).toBe(sha256(body))
        expect(got).toMatchObject({ size, metadata: {}, versions: 1 })
      })

      it('gives the body in the memory that is offered, or not, and touches none that has another size', async () => {
        const key = `${freshPrefix()}into`
        const body = patternBytes(100_000)
        await create(key, body)
        for (const size of [99_999, 100_000, 100_001]) {
          const into = new Uint8Array(size)
          const got = await bucket.get(key, { into })
          expect(got && sha256(got.body)).toBe(sha256(body))
          if (got?.body !== into) expect(into.every((byte) => byte === 0)).toBe(true)
        }
      })

      it('takes the body as it is at the call: a view into a larger pool is stored alone', async () => {
        const key = `${freshPrefix()}view`
        const pool = patternBytes(300)
        await create(key, pool.subarray(100, 200))
        expect(sha256((await bucket.get(key))?.body ?? new Uint8Array())).toBe(sha256(pool.subarray(100, 200)))
      })

      it('round-trips metadata of all printable ASCII, spaces in the middle too', async () => {
        const key = `${freshPrefix()}metadata`
        const metadata = {
          printable,
          spaces: 'a b  c   d',
          json: '{"v":1,"path":"/var/log/a \\"b\\", c; d=e\\u00e9"}',
          'dashed-name': '1',
        }
        expect(await create(key, 'x', metadata)).toBe('created')
        expect((await bucket.get(key))?.metadata).toEqual(metadata)
        expect((await bucket.head(key))?.metadata).toEqual(metadata)
      })

      it('keeps metadata of the 2 KB that a segment may have', async () => {
        const key = `${freshPrefix()}large-metadata`
        const metadata = { origin: 'o'.repeat(1800), final: 'f'.repeat(64) }
        await create(key, 'x', metadata)
        expect((await bucket.head(key))?.metadata).toEqual(metadata)
      })

      it.skipIf(!verifiesSha256)('does not store a body that is not the one whose SHA-256 was given', async () => {
        const key = `${freshPrefix()}digest`
        const wrong = bucket.put(key, text('body'), { mode: 'create', sha256: sha256(text('other')) })
        await expect(wrong).rejects.toBeInstanceOf(LogcaskError)
        expect(await bucket.get(key)).toBeUndefined()
        expect(await create(key, 'body')).toBe('created')
      })

      it('takes every kind of key of the format', async () => {
        const host = `suite-${systemClock.id(8)}=2F:x`
        const stream = '20261120T101500123456789Z-1a2b'
        const keys = [
          segmentKey(host, stream, 0, 'e3b0c44298fc1c14'),
          segmentKey(host, `${stream}.1`, 4096, 'e3b0c44298fc1c14'),
          sealKey(host, stream, 7, sha256(text('x'))),
          gapKey(host, stream, 7, 'open'),
          probeKey(host, 'verdict'),
        ]
        for (const key of keys) {
          expect(await create(key, key)).toBe('created')
          expect(await create(key, key)).toBe('exists')
          expect(Buffer.from((await bucket.get(key))?.body ?? []).toString()).toBe(key)
        }
      })

      it.skipIf(!tellsCase)('tells letters by case', async () => {
        const prefix = freshPrefix()
        expect(await create(`${prefix}Web`, '1')).toBe('created')
        expect(await create(`${prefix}web`, '2')).toBe('created')
        expect(await namesOf(prefix)).toEqual(['Web', 'web'])
      })

      it('takes names with spaces and punctuation', async () => {
        const prefix = freshPrefix()
        const names = ['a', 'b c', 'd+e', 'f@g,h', 'i=2F', 'j:k', 'l~', 'm..n', '-o', '_p']
        for (const name of names) expect(await create(`${prefix}${name}`, name)).toBe('created')
        for (const name of names)
          expect(Buffer.from((await bucket.get(`${prefix}${name}`))?.body ?? []).toString()).toBe(name)
        expect(await namesOf(prefix)).toEqual([...names].sort())
      })
    })

    largeCases(() => bucket, freshPrefix, { verifiesSha256, ways: options.largeWays })

    describe('race', () => {
      it(`I2: of ${writers} creators exactly one is told \`created\`, and body and metadata are its own`, async () => {
        const prefix = freshPrefix()
        for (let round = 0; round < rounds; round++) {
          const key = `${prefix}${round}`
          const bodies = Array.from({ length: writers }, (_, writer) => patternBytes(8192 + writer, writer + 1))
          const answers = await Promise.all(
            bodies.map((body, writer) => create(key, body, { writer: `${writer}`, round: `${round}` })),
          )
          const winners = answers.flatMap((answer, writer) => (answer === 'created' ? [writer] : []))
          expect(winners).toHaveLength(1)
          const winner = winners[0]!
          const got = await bucket.get(key)
          expect(got && sha256(got.body)).toBe(sha256(bodies[winner]!))
          expect(got?.metadata).toEqual({ writer: `${winner}`, round: `${round}` })
        }
      })

      it('a reader beside the race sees nothing or a whole object, and never another one later', async () => {
        const key = `${freshPrefix()}whole`
        const bodies = Array.from({ length: 8 }, (_, writer) => patternBytes(100_000, writer + 1))
        const hashes = new Set(bodies.map((body) => sha256(body)))
        const seen = new Set<string>()
        let isRacing = true
        const reader = async (): Promise<void> => {
          while (isRacing) {
            const got = await bucket.get(key)
            if (got !== undefined) seen.add(sha256(got.body))
          }
        }
        const reading = Promise.all([reader(), reader()])
        try {
          await Promise.all(bodies.map((body) => create(key, body)))
        } finally {
          isRacing = false
          await reading
        }
        const final = await bucket.get(key)
        seen.add(final ? sha256(final.body) : 'absent')
        expect(seen.size).toBe(1)
        expect([...seen].every((hash) => hashes.has(hash))).toBe(true)
      })
    })

    describe('get and head', () => {
      it('I4: only "no such key" is undefined', async () => {
        const prefix = freshPrefix()
        await create(`${prefix}there/below`, 'x')
        for (const name of ['missing', 'there', 'there/below/deeper', 'missing/below']) {
          expect(await bucket.get(`${prefix}${name}`)).toBeUndefined()
          expect(await bucket.get(`${prefix}${name}`, { range: { start: 0, end: 1 } })).toBeUndefined()
          expect(await bucket.head(`${prefix}${name}`)).toBeUndefined()
        }
      })

      it('head tells what get tells, without the body', async () => {
        const key = `${freshPrefix()}head`
        await create(key, '12345', { a: 'b' })
        const got = await bucket.get(key)
        const head = await bucket.head(key)
        expect(head).toMatchObject({ size: 5, metadata: { a: 'b' }, versions: 1 })
        expect(head && 'body' in head).toBe(false)
        expect(head?.storedAtMs).toBe(got?.storedAtMs)
      })

      it.each([
        ['inside', 2, 5, 'cde'],
        ['from the start', 0, 1, 'a'],
        ['the whole', 0, 10, 'abcdefghij'],
        ['at the end', 9, 10, 'j'],
        ['cut at the end', 8, 100, 'ij'],
        ['that begins at the end', 10, 12, ''],
        ['beyond the end', 50, 60, ''],
        ['that is empty', 4, 4, ''],
      ])('reads a range %s', async (_what, start, end, expected) => {
        const key = `${freshPrefix()}range`
        await create(key, 'abcdefghij', { a: 'b' })
        const got = await bucket.get(key, { range: { start, end } })
        expect(got && Buffer.from(got.body).toString()).toBe(expected)
        expect(got).toMatchObject({ size: 10, metadata: { a: 'b' } })
      })

      it('reads a range of an empty object', async () => {
        const key = `${freshPrefix()}empty`
        await create(key, '')
        const got = await bucket.get(key, { range: { start: 0, end: 4096 } })
        expect(got?.body.byteLength).toBe(0)
        expect(got?.size).toBe(0)
      })

      it.each([
        ['Uint8Array', (value: string) => text(value)],
        ['Buffer', (value: string) => Buffer.from(value)],
      ])('gives bytes that are the caller’s own: changing a %s changes no later answer', async (_kind, bytesOf) => {
        const key = `${freshPrefix()}own`
        const body = bytesOf('abc')
        await create(key, body)
        body.fill(0)
        const first = await bucket.get(key)
        first?.body.fill(0)
        const part = await bucket.get(key, { range: { start: 0, end: 2 } })
        part?.body.fill(0)
        expect(Buffer.from((await bucket.get(key))?.body ?? []).toString()).toBe('abc')
      })
    })

    describe('list', () => {
      it('is empty where nothing begins with the prefix', async () => {
        const prefix = freshPrefix()
        expect(await collect(prefix)).toEqual([])
        expect(await collect(prefix, { delimiter: '/' })).toEqual([])
        await create(`${prefix}a`, 'x')
        expect(await collect(`${prefix}b`)).toEqual([])
        expect(await collect(`${prefix}a/`)).toEqual([])
      })

      it('shows key, size, time and one version', async () => {
        const prefix = freshPrefix()
        await create(`${prefix}a`, '12345', { not: 'listed' })
        const [entry] = await collect(prefix)
        const head = await bucket.head(`${prefix}a`)
        expect(entry).toMatchObject({ kind: 'object', key: `${prefix}a`, size: 5, versions: 1 })
        // S3's headers tell whole seconds, its listings milliseconds.
        if (entry?.kind === 'object')
          expect(Math.abs(entry.storedAtMs - (head?.storedAtMs ?? 0))).toBeLessThanOrEqual(1000)
      })

      const tree = ['a', 'a b', 'a-', 'a-x/x', 'a.1', 'b/a-', 'b/a/c', 'b/a0', 'b-', 'b.', 'b0', 'C', 'c/d/e/f', '~']

      it('is in the order of the keys’ bytes, across directories', async () => {
        const prefix = freshPrefix()
        await createAll(tree.map((key) => prefix + key))
        expect(await namesOf(prefix)).toEqual([...tree].sort())
      })

      it('takes a prefix that ends anywhere', async () => {
        const prefix = freshPrefix()
        await createAll(tree.map((key) => prefix + key))
        for (const part of ['a', 'a-', 'a-x', 'b', 'b/', 'b/a', 'b/a/', 'c/d', 'c/d/e/f', 'x', '~']) {
          const expected = tree.filter((key) => key.startsWith(part)).sort()
          expect((await namesOf(prefix + part)).map((name) => part + name)).toEqual(expected)
        }
      })

      it('startAfter leaves out that key and all before it, whether it exists or not', async () => {
        const prefix = freshPrefix()
        const keys = [...tree].sort()
        await createAll(keys.map((key) => prefix + key))
        for (const after of [
          'A',
          'a',
          'a-',
          'a-x/x',
          'a-x/z',
          'b',
          'b/',
          'b/a',
          'b/a-',
          'b/a/',
          'b/b',
          'bb',
          '~',
          '~~',
        ]) {
          const expected = keys.filter((key) => key > after)
          expect(await namesOf(prefix, { startAfter: prefix + after })).toEqual(expected)
        }
        expect(await namesOf(prefix, { startAfter: 'a' })).toEqual(keys)
        expect(await namesOf(prefix, { startAfter: 'z' })).toEqual([])
      })

      it('startAfter serves to go on at an offset', async () => {
        const prefix = freshPrefix()
        const offsets = [0, 5, 10, 100, 1000].map((offset) => String(offset).padStart(20, '0'))
        await createAll(offsets.map((offset) => `${prefix}${offset}-e3b0c44298fc1c14`))
        const later = await namesOf(prefix, { startAfter: `${prefix}${offsets[2]}` })
        expect(later.map((key) => key.slice(0, 20))).toEqual(offsets.slice(2))
      })

      it('delimiter folds what is deeper into one entry each', async () => {
        const prefix = freshPrefix()
        await createAll(['a', 'b/1', 'b/2', 'b/c/3', 'b-', 'c/d/e', 'd'].map((key) => prefix + key))
        const entries = await collect(prefix, { delimiter: '/' })
        const shown = entries.map((entry) => (entry.kind === 'object' ? entry.key : `${entry.prefix} (prefix)`))
        expect(shown.map((name) => name.slice(prefix.length)).sort()).toEqual(
          ['a', 'b-', 'b/ (prefix)', 'c/ (prefix)', 'd'].sort(),
        )
        expect(await listNames(bucket, prefix)).toEqual(['b', 'c'])
        expect(await listNames(bucket, `${prefix}b/`)).toEqual(['c'])
        expect(await namesOf(`${prefix}b`, { delimiter: '/' })).toEqual(['-', '/'])
      })

      it('delimiter and startAfter go together', async () => {
        const prefix = freshPrefix()
        await createAll(['a/1', 'b', 'c/1', 'c/2', 'd/1', 'e'].map((key) => prefix + key))
        expect(await namesOf(prefix, { delimiter: '/', startAfter: `${prefix}b` })).toEqual(['c/', 'd/', 'e'])
        expect(await listNames(bucket, prefix, { startAfter: `${prefix}a0` })).toEqual(['c', 'd'])
      })

      it(`I7: gives ${manyKeys} keys in order, page by page`, async () => {
        const prefix = freshPrefix()
        const names = Array.from({ length: manyKeys }, (_, at) => String(at * 7).padStart(8, '0'))
        await createAll(names.map((name) => prefix + name))
        expect(await namesOf(prefix)).toEqual(names)
        const middle = names[Math.floor(manyKeys / 2)]!
        expect(await namesOf(prefix, { startAfter: prefix + middle })).toEqual(names.filter((name) => name > middle))
        expect((await listObjects(bucket, prefix)).length).toBe(manyKeys)
      })

      it('can be left in the middle', async () => {
        const prefix = freshPrefix()
        await createAll(['a', 'b', 'c'].map((key) => prefix + key))
        const seen: string[] = []
        for await (const entry of bucket.list(prefix)) {
          if (entry.kind === 'object') seen.push(entry.key.slice(prefix.length))
          if (seen.length === 2) break
        }
        expect(seen).toEqual(['a', 'b'])
      })

      it('shows every key that was there before it began, once and in order, while others are created', async () => {
        const prefix = freshPrefix()
        const old = Array.from({ length: 30 }, (_, at) => `${String(at).padStart(3, '0')}/x`)
        await createAll(old.map((key) => prefix + key))
        const seen: string[] = []
        for await (const entry of bucket.list(prefix)) {
          if (entry.kind !== 'object') continue
          seen.push(entry.key.slice(prefix.length))
          if (seen.length % 5 === 0) {
            const at = String(seen.length).padStart(3, '0')
            await createAll([`${prefix}${at}/new${seen.length}`, `${prefix}000/new${seen.length}`])
          }
        }
        expect(seen).toEqual([...new Set(seen)].sort())
        expect(seen).toEqual(expect.arrayContaining(old))
      })

      it('shows an object as soon as its PUT has answered', async () => {
        const prefix = freshPrefix()
        for (let at = 0; at < 10; at++) {
          await create(`${prefix}${at}`, 'x')
          expect((await namesOf(prefix)).length).toBe(at + 1)
        }
      })
    })

    describe('signals and keys', () => {
      it('an aborted signal rejects with its reason', async () => {
        const prefix = freshPrefix()
        await create(`${prefix}a`, 'x')
        const reason = new Error('stop')
        const signal = AbortSignal.abort(reason)
        await expect(bucket.put(`${prefix}b`, text('x'), { mode: 'create', signal })).rejects.toBe(reason)
        await expect(bucket.get(`${prefix}a`, { signal })).rejects.toBe(reason)
        await expect(bucket.head(`${prefix}a`, { signal })).rejects.toBe(reason)
        await expect(collect(prefix, { signal })).rejects.toBe(reason)
        expect(await namesOf(prefix)).toEqual(['a'])
      })

      it('I4: a listing aborted in the middle rejects, it does not end', async () => {
        const prefix = freshPrefix()
        await createAll(['a/1', 'b/1', 'c/1'].map((key) => prefix + key))
        const abort = new AbortController()
        const reason = new Error('stop')
        const reading = (async () => {
          for await (const _ of bucket.list(prefix, { signal: abort.signal })) abort.abort(reason)
        })()
        await expect(reading).rejects.toBe(reason)
      })

      it.skipIf(invalidKeys.length === 0)('I9: rejects a key that no agent writes with `invalid`', async () => {
        for (const key of invalidKeys) {
          const shown = JSON.stringify(key.slice(0, 40))
          await expect(create(key, 'x'), shown).rejects.toMatchObject({ code: 'invalid' })
          await expect(bucket.get(key), shown).rejects.toMatchObject({ code: 'invalid' })
          await expect(bucket.head(key), shown).rejects.toMatchObject({ code: 'invalid' })
        }
      })
    })

    describe('versions', () => {
      const tamper = options.tamper

      it.skipIf(tamper === undefined)(
        'the oldest version of a key is its content, and the others are counted',
        async () => {
          expect(bucket.capabilities.versions).toBe(true)
          const prefix = freshPrefix()
          const key = `${prefix}a`
          await create(key, 'first', { writer: 'one' })
          await create(`${prefix}b`, 'other')
          await tamper?.(bucket, key, text('overwritten'))
          await tamper?.(bucket, key, text('again'))
          const got = await bucket.get(key)
          expect(got && Buffer.from(got.body).toString()).toBe('first')
          expect(got).toMatchObject({ size: 5, versions: 3, metadata: { writer: 'one' } })
          expect(await bucket.head(key)).toMatchObject({ size: 5, versions: 3, metadata: { writer: 'one' } })
          const entries = await listObjects(bucket, prefix)
          expect(entries.map(({ key: listed, size, versions }) => [listed, size, versions])).toEqual([
            [key, 5, 3],
            [`${prefix}b`, 5, 1],
          ])
        },
      )

      it.skipIf(tamper === undefined)(
        'I9: a delete marker hides nothing, and what is put after it changes nothing',
        async () => {
          const prefix = freshPrefix()
          const key = `${prefix}a`
          await create(key, 'first', { writer: 'one' })
          await tamper?.(bucket, key, undefined)
          expect(await bucket.head(key)).toMatchObject({ size: 5, versions: 2, metadata: { writer: 'one' } })
          await create(key, 'second')
          const got = await bucket.get(key)
          expect(got && Buffer.from(got.body).toString()).toBe('first')
          expect(got?.versions).toBeGreaterThanOrEqual(2)
          expect((await namesOf(prefix)).length).toBe(1)
          expect(await listNames(bucket, prefix.slice(0, prefix.indexOf('/') + 1))).toContain(prefix.split('/')[1])
        },
      )

      it.skipIf(tamper === undefined)('the version that a listing names is read as such', async () => {
        const prefix = freshPrefix()
        await create(`${prefix}a`, 'first')
        await tamper?.(bucket, `${prefix}a`, text('overwritten'))
        const [entry] = await listObjects(bucket, prefix)
        const got = await bucket.get(`${prefix}a`, { version: entry?.version })
        expect(got && Buffer.from(got.body).toString()).toBe('first')
      })
    })

    it('close is idempotent, and ends nobody else’s bucket', async () => {
      const other = await open()
      await other.bucket.put(`${freshPrefix()}a`, text('x'), { mode: 'create' })
      await other.bucket.close()
      await other.bucket.close()
      await other.close()
      expect(await create(`${freshPrefix()}a`, 'x')).toBe('created')
    })
  })
}
