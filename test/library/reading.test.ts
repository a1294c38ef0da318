import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cat, ship, verify } from '../../src/index.ts'
import { patternBytes } from '../support/pattern-bytes.ts'
import { collect, failureOf, host, place } from './place.ts'

describe('cat and verify', () => {
  it('read a range, name the stream, and say what is known of it', async () => {
    const { logs, url, options } = await place()
    const bytes = patternBytes(100_000, 2)
    await writeFile(join(logs, 'a.log'), bytes)
    await ship(logs, options)
    const whole = cat(url, host, 'a.log')
    expect(whole.source).toBeUndefined()
    expect((await collect(whole)).equals(bytes)).toBe(true)
    expect(whole.source).toMatchObject({ host, path: join(logs, 'a.log'), hasOlder: false })
    expect(whole.outcome).toEqual({ start: 0, end: 100_000, isVerified: true, losses: [] })
    const part = cat(url, host, undefined, { stream: whole.source?.stream, range: { start: 10, end: 20 } })
    expect((await collect(part)).equals(bytes.subarray(10, 20))).toBe(true)
    expect(part.outcome).toMatchObject({ start: 10, end: 20, isVerified: undefined })
    for (const quick of [true, false])
      expect(await verify(url, { host, quick })).toMatchObject({
        verdict: 'fine',
        streams: [{ path: join(logs, 'a.log'), state: 'sealed', bytes: 100_000, losses: [], problem: undefined }],
        strays: 0,
      })
  })

  it('leaving early is fine, and errors say what to do', async () => {
    const { logs, url, options } = await place()
    await writeFile(join(logs, 'a.log'), patternBytes(9_000_000, 3))
    await ship(logs, options)
    for await (const bytes of cat(url, host, 'a.log')) {
      expect(bytes.length).toBeGreaterThan(0)
      break
    }
    const reason = new Error('enough')
    const aborted = cat(url, host, 'a.log', { signal: AbortSignal.abort(reason) })
    await expect(collect(aborted)).rejects.toBe(reason)
    for (const wrong of [
      cat(url, host, 'b.log'),
      cat(url, 'web-2', 'a.log'),
      cat(url, host, undefined),
      cat(url, host, undefined, { stream: 'x' }),
      cat(url, host, 'a.log', { range: { start: 5, end: 5 } }),
    ])
      expect(await failureOf(collect(wrong))).toMatchObject({ code: 'invalid', hint: expect.any(String) })
    expect(await failureOf(verify(url, { host: 'web-2' }))).toMatchObject({ code: 'invalid' })
    await expect(verify(url, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })
})
