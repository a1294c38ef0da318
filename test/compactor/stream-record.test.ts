import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeStreamRecord, encodeStreamRecord, type StreamRecord } from '../../src/compactor/stream-record.ts'

const sha = 'ab'.repeat(32)

describe('stream record', () => {
  it('has these bytes', () => {
    const record: StreamRecord = {
      name: 'web-1/var/log/é~0-1',
      length: 9,
      segments: 2,
      window: sha,
      content: { length: 9, sha256: sha },
    }
    const text = `{"v":1,"name":"web-1/var/log/\\u00e9~0-1","length":9,"segments":2,"window":"${sha}","content":{"length":9,"sha256":"${sha}"}}`
    expect(encodeStreamRecord(record)).toBe(text)
    expect(decodeStreamRecord(text, 'x')).toEqual(record)
  })

  it('is read back as it was written', () => {
    const length = fc.nat(Number.MAX_SAFE_INTEGER)
    const sha256 = fc.stringMatching(/^[0-9a-f]{64}$/)
    const digest = fc.option(fc.record({ length, sha256 }), { nil: undefined })
    const name = fc.stringMatching(/^[a-zé~]{1,9}\/[a-z=]{1,9}$/)
    fc.assert(
      fc.property(
        fc.record({ name, length, segments: length, window: sha256, final: digest, content: digest }),
        (record) => {
          expect(decodeStreamRecord(encodeStreamRecord(record), 'x')).toEqual(record)
        },
      ),
    )
  })

  it.each([
    ['', 'JSON'],
    ['{"v":2}', 'version'],
    [`{"v":1,"name":"a/../b","length":1,"segments":1,"window":"${sha}"}`, 'leads away'],
    [`{"v":1,"name":"/etc/x","length":1,"segments":1,"window":"${sha}"}`, 'leads away'],
    [`{"v":1,"name":"a","length":-1,"segments":1,"window":"${sha}"}`, 'length'],
    [`{"v":1,"name":"a","length":1.5,"segments":1,"window":"${sha}"}`, 'length'],
    [`{"v":1,"name":"a","length":1,"segments":1,"window":"x"}`, 'SHA-256'],
    [`{"v":1,"name":"a","length":1,"segments":1,"window":"${sha}","final":7}`, 'final'],
  ])('refuses %s', (text, why) => {
    expect(() => decodeStreamRecord(text, 'x.json')).toThrow(expect.objectContaining({ code: 'corrupt' }))
    expect(() => decodeStreamRecord(text, 'x.json')).toThrow(why)
  })
})
