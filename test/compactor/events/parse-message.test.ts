import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type EventPlace, parseMessage } from '../../../src/compactor/events/parse-message.ts'
import { gapKey, sealKey, segmentKey } from '../../../src/format/keys.ts'
import { bucketName, bySns, eventBridge, keyForms, notification, testEvent } from './notification.ts'

const host = 'web 1/ä+b%c'
const stream = '20261120T101500123456789Z-1a2b.3'
const before = 'e3b0c44298fc1c14'
const prefixes = ['', 'prod/', 'a b+c/ä%20/=/']
const place = (prefix: string): EventPlace => ({ bucket: bucketName, prefix })
const none = { segmentsEnd: 0, segments: [], isBegun: false, isSealed: false, hasGap: false }
const segmentAt = (offset: number) => [{ offset, before: 'e3b0c44298fc1c14', length: 7 }]

describe('what a message says', () => {
  for (const [name, form] of Object.entries(keyForms)) {
    it.each(prefixes)(`keys as ${name} writes them, below '%s'`, (prefix) => {
      const cases = [
        [segmentKey(host, stream, 0, before), { ...none, segmentsEnd: 7, segments: segmentAt(0), isBegun: true }],
        [segmentKey(host, stream, 4096, before), { ...none, segmentsEnd: 4103, segments: segmentAt(4096) }],
        [sealKey(host, stream, 9, '0'.repeat(64)), { ...none, isSealed: true }],
        [gapKey(host, stream, 9, 'open'), { ...none, hasGap: true }],
      ] as const
      for (const [key, hint] of cases) {
        const expected = { kind: 'hints', hints: [{ host, stream, ...hint }] }
        const message = notification(form(prefix + key), 7)
        expect(parseMessage(message, place(prefix))).toEqual(expected)
        expect(parseMessage(bySns(message), place(prefix))).toEqual(expected)
        expect(parseMessage(eventBridge(prefix + key, 7), place(prefix))).toEqual(expected)
        expect(parseMessage(bySns(eventBridge(prefix + key, 7)), place(prefix))).toEqual(expected)
      }
    })
  }

  it('other spellings of the event: Ceph and MinIO, and what a size cannot be', () => {
    const key = segmentKey('h', stream, 0, before)
    for (const name of ['s3:ObjectCreated:Put', 'ObjectCreated:CompleteMultipartUpload', 'ObjectCreated:Copy'])
      expect(parseMessage(notification(key, 3, { name }), place(''))).toMatchObject({ hints: [{ segmentsEnd: 3 }] })
    for (const size of [-1, 0.5, 2 ** 60, Number.NaN])
      expect(parseMessage(notification(key, size), place(''))).toMatchObject({
        hints: [{ segmentsEnd: 1, segments: [] }],
      })
  })

  it('nothing to look at: removals, records of no stream, foreign keys, another prefix', () => {
    const key = segmentKey('h', stream, 0, before)
    const messages = [
      notification(key, 1, { name: 'ObjectRemoved:Delete' }),
      eventBridge(key, 1, 'Object Deleted'),
      notification('digests/h/20261120T10Z-0123456789abcdef'),
      notification(`other/${key}`),
      notification('segments/h/x/../../../etc/passwd'),
      notification('%'),
      JSON.stringify({ Records: [] }),
    ]
    for (const message of messages) expect(parseMessage(message, place(''))).toEqual({ kind: 'hints', hints: [] })
  })

  it('the test event, by SNS too', () => {
    expect(parseMessage(testEvent(), place(''))).toEqual({ kind: 'test' })
    expect(parseMessage(bySns(testEvent()), place(''))).toEqual({ kind: 'test' })
  })

  it('another bucket, and what nobody understands', () => {
    const other = notification(segmentKey('h', stream, 0, before), 1, { bucket: 'other' })
    expect(parseMessage(other, place(''))).toEqual({ kind: 'foreign', bucket: 'other' })
    const poison = ['', 'x', 'null', '[]', '7', '{}', '{"Records":[null]}', '{"Records":[{"s3":{}}]}', bySns('hello')]
    for (const body of poison) expect(parseMessage(body, place('')), body).toMatchObject({ kind: 'poison' })
    const many = JSON.stringify({ Records: Array.from({ length: 101 }, () => ({})) })
    expect(parseMessage(many, place(''))).toMatchObject({ kind: 'poison' })
  })

  it('I9: whatever comes, it is an answer, and every hint is of names that can be', () => {
    const key = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.stringMatching(/^(segments|seals|gaps)\/[\w=%+]{1,9}\/0-\d\/0{16}\d{4}-[0-9a-f]{16}$/),
    )
    const size = fc.oneof(fc.double(), fc.string(), fc.constant(undefined))
    const real = fc.tuple(key, size).map(([name, bytes]) => {
      const object = { key: name, size: bytes }
      return { Records: [{ eventName: 'ObjectCreated:Put', s3: { bucket: { name: bucketName }, object } }] }
    })
    const content = fc.oneof(fc.jsonValue(), real, fc.record({ Message: fc.oneof(fc.string(), fc.json()) }))
    const body = fc.oneof(
      content.map((one) => JSON.stringify(one)),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(body, (text) => {
        const parsed = parseMessage(text, place(''))
        if (parsed.kind !== 'hints') return
        for (const hint of parsed.hints) {
          expect(hint.stream).toMatch(/^(0|\d{8}T\d{15}Z)-[0-9a-z]+(\.\d+)?$/)
          expect(hint.host).not.toBe('')
          expect(Number.isSafeInteger(hint.segmentsEnd) && hint.segmentsEnd >= 0).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('hints in deep envelopes cost no more than shallow ones', () => {
    let message = notification(segmentKey('h', stream, 0, before))
    for (let depth = 0; depth < 5; depth++) message = bySns(message)
    expect(parseMessage(message, place(''))).toMatchObject({ kind: 'poison' })
  })
})
