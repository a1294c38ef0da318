import { describe, expect, it } from 'vitest'
import { LogcaskError } from '../../src/base/errors.ts'
import { sha256 } from '../../src/base/hash.ts'
import type { Bucket } from '../../src/bucket/bucket.ts'
import { type LargeBody, largeStepBytes } from '../../src/bucket/large-body.ts'
import { patternBytes } from './pattern-bytes.ts'

export function largeBody(bytes: Uint8Array): LargeBody {
  return {
    size: bytes.byteLength,
    sha256: sha256(bytes),
    read: async (start, end) => {
      if (start % largeStepBytes !== 0 || end > bytes.byteLength) throw new RangeError(`${start}-${end}`)
      return bytes.slice(start, end)
    },
  }
}

/** What `putLarge` promises, for either way of it. */
export function largeCases(
  bucketOf: () => Bucket,
  freshPrefix: () => string,
  options: { verifiesSha256: boolean; ways?: readonly ('parts' | 'one')[] | undefined },
): void {
  it('I2: a body of many pieces to a name that is taken: `exists`, each time, though the store hangs up on it', async () => {
    const key = `${freshPrefix()}taken`
    expect(await bucketOf().put(key, Buffer.from('first'), { mode: 'create' })).toBe('created')
    const body = patternBytes(4 * largeStepBytes)
    for (let time = 0; time < 5; time++) expect(await bucketOf().put(key, body, { mode: 'create' })).toBe('exists')
    expect(Buffer.from((await bucketOf().get(key))?.body ?? []).toString()).toBe('first')
  })

  describe.each(options.ways ?? (['parts', 'one'] as const))('large bodies, in %s', (way) => {
    const create = (key: string, body: LargeBody, signal?: AbortSignal) =>
      bucketOf().putLarge(key, body, { mode: 'create', metadata: { writer: way }, way, signal })

    it.each([1, largeStepBytes + 1, 17 * largeStepBytes + 3])('I2: creates %i bytes, once', async (size) => {
      const key = `${freshPrefix()}large`
      const bytes = patternBytes(size)
      expect(await create(key, largeBody(bytes))).toBe('created')
      expect(await create(key, largeBody(patternBytes(size, 7)))).toBe('exists')
      expect(await bucketOf().put(key, bytes.subarray(0, 1), { mode: 'create' })).toBe('exists')
      const got = await bucketOf().get(key)
      expect(got && sha256(got.body)).toBe(sha256(bytes))
      expect(got?.metadata).toEqual({ writer: way })
    })

    it('I2: leaves what a plain PUT made', async () => {
      const key = `${freshPrefix()}small-first`
      expect(await bucketOf().put(key, Buffer.from('first'), { mode: 'create' })).toBe('created')
      expect(await create(key, largeBody(patternBytes(9 * largeStepBytes)))).toBe('exists')
      expect(Buffer.from((await bucketOf().get(key))?.body ?? []).toString()).toBe('first')
    })

    it('creates nothing of a body that cannot be read to its end', async () => {
      const key = `${freshPrefix()}changed`
      const body = largeBody(patternBytes(9 * largeStepBytes))
      const broken: LargeBody = {
        ...body,
        read: async (start, end) => {
          if (end > 8 * largeStepBytes) throw new LogcaskError('conflict', 'the file changed')
          return body.read(start, end)
        },
      }
      await expect(create(key, broken)).rejects.toMatchObject({ code: 'conflict', message: 'the file changed' })
      expect(await bucketOf().head(key)).toBeUndefined()
      expect(await create(key, body)).toBe('created')
    })

    it('stops when it is told to, with nothing made', async () => {
      const key = `${freshPrefix()}stopped`
      const body = largeBody(patternBytes(9 * largeStepBytes))
      const stop = new AbortController()
      const reason = new Error('enough')
      const stopping: LargeBody = {
        ...body,
        read: async (start, end) => {
          if (end > 8 * largeStepBytes) stop.abort(reason)
          return body.read(start, end)
        },
      }
      await expect(create(key, stopping, stop.signal)).rejects.toBe(reason)
      expect(await bucketOf().head(key)).toBeUndefined()
    })

    it.skipIf(way === 'parts' || !options.verifiesSha256)('does not store other bytes than it was told', async () => {
      const key = `${freshPrefix()}digest`
      const body = { ...largeBody(patternBytes(3 * largeStepBytes)), sha256: sha256(Buffer.from('other')) }
      await expect(create(key, body)).rejects.toBeInstanceOf(LogcaskError)
      expect(await bucketOf().head(key)).toBeUndefined()
    })
  })
}
