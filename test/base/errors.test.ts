import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { errnoOf, isCode, LogcaskError, messageOf } from '../../src/base/errors.ts'
import { sha256 } from '../../src/base/hash.ts'

describe('errors', () => {
  it('have a code, a message, a hint and a cause', () => {
    const cause = new Error('reset')
    const error = new LogcaskError('unavailable', 's3://a: no answer', { hint: 'ask again', cause })
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ name: 'LogcaskError', code: 'unavailable', hint: 'ask again', cause })
    expect(new LogcaskError('internal', 'x').hint).toBeUndefined()
    expect('cause' in new LogcaskError('internal', 'x')).toBe(false)
  })

  it('isCode tells ours apart, by any of several codes', () => {
    const error: unknown = new LogcaskError('refused', 'x')
    expect(isCode(error, 'refused')).toBe(true)
    expect(isCode(error, 'unavailable', 'refused')).toBe(true)
    expect(isCode(error, 'unavailable')).toBe(false)
    expect(isCode(Object.assign(new Error('x'), { code: 'refused' }), 'refused')).toBe(false)
    expect(isCode(undefined, 'refused')).toBe(false)
  })

  it('errnoOf is the system’s name, and of nothing else', async () => {
    const missing = await readFile('/nonexistent/file').catch((error: unknown) => error)
    expect(errnoOf(missing)).toBe('ENOENT')
    expect(errnoOf(new LogcaskError('refused', 'x'))).toBeUndefined()
    expect(errnoOf(Object.assign(new Error('x'), { code: 'ERR_INVALID_ARG_TYPE' }))).toBeUndefined()
    expect(errnoOf({ code: 'ENOENT' })).toBeUndefined()
    expect(errnoOf(undefined)).toBeUndefined()
  })

  it('messageOf says something of whatever was thrown', () => {
    expect(messageOf(new Error('x'))).toBe('x')
    expect(messageOf('stop')).toBe('stop')
    expect(messageOf(undefined)).toBe('undefined')
  })
})

describe('sha256', () => {
  it('is lower-case hex (FIPS 180-2, appendix B.1)', () => {
    expect(sha256(Buffer.from('abc'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    expect(sha256(new Uint8Array())).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  })
})
