import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LogcaskError } from '../../src/base/errors.ts'
import { sha256 } from '../../src/base/hash.ts'
import { type Alias, aliasReasons, decodeAlias, encodeAlias } from '../../src/format/alias.ts'
import { decodeGap, encodeGap, gapReasons } from '../../src/format/gap.ts'
import { metadataBytesMax, recordBytesMax } from '../../src/format/limits.ts'
import { decodeOrigin, encodeOrigin, type Origin } from '../../src/format/origin.ts'
import { decodeSeal, encodeSeal, type Seal, sealReasons } from '../../src/format/seal.ts'
import { decodeSegmentHeader, encodeSegmentHeader } from '../../src/format/segment.ts'
import { anyOrigin, anySha256, anyText, anyTime } from './arbitraries.ts'

const origin: Origin = {
  machine: '0123456789abcdef0123456789abcdef',
  path: '/var/log/nginx/Zugriffe für "a".log',
  identity: '20261120T101500123456789Z-1a2b',
  agent: '0.1.0',
  labels: { team: 'web' },
  forkOf: { stream: '20261120T101500123456789Z-1a2b', shared: 4096 },
}
const originText =
  '{"v":1,"machine":"0123456789abcdef0123456789abcdef","path":"/var/log/nginx/Zugriffe f\\u00fcr \\"a\\".log","identity":"20261120T101500123456789Z-1a2b","agent":"0.1.0","labels":{"team":"web"},"forkOf":{"stream":"20261120T101500123456789Z-1a2b","shared":4096}}'
const least: Origin = { path: '/a\udcff', identity: '0-1', agent: '0.1.0' }
const at = '2026-11-20T10:15:00.123Z'

describe('records: golden bytes of format v1', () => {
  it('origin', () => {
    expect(encodeOrigin(origin)).toBe(originText)
    expect(decodeOrigin(originText)).toEqual(origin)
    expect(encodeOrigin(least)).toBe('{"v":1,"path":"/a\\udcff","identity":"0-1","agent":"0.1.0"}')
    expect(decodeOrigin('{"v":1,"path":"/a\\udcff","identity":"0-1","agent":"0.1.0"}')).toEqual(least)
  })

  it('an origin whose path does not fit', () => {
    const path = `/${'d'.repeat(3000)}`
    const text = encodeOrigin({ ...least, path })
    expect(text).toBe(
      `{"v":1,"path":"/${'d'.repeat(1669)}","pathSha256":"${sha256(Buffer.from(path))}","identity":"0-1","agent":"0.1.0"}`,
    )
    expect(text.length).toBe(1800)
  })

  it('segment header', () => {
    const header = { origin: least, final: { sha256: sha256(new Uint8Array()) } }
    const metadata = {
      origin: '{"v":1,"path":"/a\\udcff","identity":"0-1","agent":"0.1.0"}',
      final: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    }
    expect(encodeSegmentHeader(header)).toEqual(metadata)
    expect(decodeSegmentHeader(metadata, 'x')).toEqual(header)
    expect(encodeSegmentHeader({ origin: least })).toEqual({ origin: metadata.origin })
  })

  it('seal', () => {
    const seal: Seal = { origin: least, reason: 'rotated', sealedAt: at }
    const text =
      '{"v":1,"origin":{"path":"/a\\udcff","identity":"0-1","agent":"0.1.0"},"reason":"rotated","sealedAt":"2026-11-20T10:15:00.123Z"}'
    expect(encodeSeal(seal)).toBe(text)
    expect(decodeSeal(Buffer.from(text))).toEqual(seal)
    expect(sealReasons).toEqual(['rotated', 'deleted', 'shipped', 'period'])
  })

  it('gap', () => {
    const text = '{"v":1,"reason":"truncated","at":"2026-11-20T10:15:00.123Z"}'
    expect(encodeGap({ reason: 'truncated', at })).toBe(text)
    expect(decodeGap(text)).toEqual({ reason: 'truncated', at })
    expect(gapReasons).toEqual(['truncated', 'gone', 'unspooled', 'diverged'])
  })

  it('alias', () => {
    const alias: Alias = { reason: 'copy', origin: least, at }
    const text =
      '{"v":1,"reason":"copy","origin":{"path":"/a\\udcff","identity":"0-1","agent":"0.1.0"},"at":"2026-11-20T10:15:00.123Z"}'
    expect(encodeAlias(alias)).toBe(text)
    expect(decodeAlias(text)).toEqual(alias)
    expect(aliasReasons).toEqual(['copy', 'compressed', 'adopted'])
  })
})

const seal = fc.record({ origin: anyOrigin, reason: fc.constantFrom(...sealReasons), sealedAt: anyTime })
const gap = fc.record({ reason: fc.constantFrom(...gapReasons), at: anyTime })
const alias = fc.record({ reason: fc.constantFrom(...aliasReasons), origin: anyOrigin, at: anyTime })

describe('records', () => {
  it('round-trip', () => {
    fc.assert(
      fc.property(seal, (record) => {
        expect(decodeSeal(encodeSeal(record))).toEqual(record)
      }),
    )
    fc.assert(
      fc.property(gap, (record) => {
        expect(decodeGap(encodeGap(record))).toEqual(record)
      }),
    )
    fc.assert(
      fc.property(alias, (record) => {
        expect(decodeAlias(encodeAlias(record))).toEqual(record)
      }),
    )
    fc.assert(
      fc.property(anyOrigin, (record) => {
        expect(decodeOrigin(encodeOrigin(record))).toEqual(record)
      }),
    )
    fc.assert(
      fc.property(anyOrigin, fc.option(anySha256, { nil: undefined }), (record, final) => {
        const header = final === undefined ? { origin: record } : { origin: record, final: { sha256: final } }
        expect(decodeSegmentHeader(encodeSegmentHeader(header), 'x')).toEqual(header)
      }),
    )
  })

  it('are printable ASCII on one line, so that they fit a header', () => {
    fc.assert(
      fc.property(seal, (record) => {
        expect(encodeSeal(record)).toMatch(/^[\x20-\x7e]+$/)
      }),
    )
    fc.assert(
      fc.property(anyOrigin, (record) => {
        expect(encodeOrigin(record)).toMatch(/^[\x20-\x7e]+$/)
      }),
    )
  })

  it('an origin of any path fits the metadata of a segment, and a cut one names the whole path', () => {
    const long = fc
      .tuple(anyText, fc.nat(4096), fc.constantFrom('d', 'é', '\udcff', '😀', '\n'))
      .map(([text, count, unit]) => `/${text}${unit.repeat(count)}`)
    fc.assert(
      fc.property(anyOrigin, long, (record, path) => {
        const { pathSha256, ...whole } = { ...record, path: path.replaceAll('\0', '') }
        const metadata = encodeSegmentHeader({ origin: whole, final: { sha256: 'f'.repeat(64) } })
        const bytes = Object.entries(metadata).reduce((sum, [name, value]) => sum + name.length + value.length, 0)
        expect(bytes).toBeLessThanOrEqual(metadataBytesMax)
        const back = decodeSegmentHeader(metadata, 'x').origin
        if (back.path === whole.path) expect(back).toEqual(whole)
        else expect(back.pathSha256).toMatch(/^[0-9a-f]{64}$/)
        expect(whole.path.startsWith(back.path)).toBe(true)
        // Cut once, it stays as it is: the same origin gives the same bytes in every record.
        expect(decodeOrigin(encodeOrigin(back))).toEqual(back)
      }),
      { numRuns: 300 },
    )
  })

  it('labels that do not fit are refused, not dropped', () => {
    expect(() => encodeOrigin({ ...least, labels: { large: 'x'.repeat(2000) } })).toThrow(/too many labels/)
  })

  it('fields that a later agent adds are passed over', () => {
    expect(decodeGap('{"v":1,"reason":"gone","at":"x","more":{"a":[1]}}')).toEqual({ reason: 'gone', at: 'x' })
  })

  it.each(['{"v":2}', '{"v":"1"}', '{"v":1.5}', '{}', '{"v":null}', '{"v":[1]}'])(
    'I9: version %s is refused loudly',
    (text) => {
      for (const decode of [decodeSeal, decodeGap, decodeAlias, decodeOrigin])
        expect(() => decode(text, 'seals/h/x')).toThrow(/^seals\/h\/x: format version .* is not 1$/)
    },
  )

  it('a newer version asks for a newer reader', () => {
    expect(() => decodeGap('{"v":2}')).toThrow(expect.objectContaining({ hint: expect.stringMatching(/upgrade/) }))
  })

  it('I9: a record that is too large is refused before it is parsed', () => {
    const large = `{"v":1,"reason":"gone","at":"${'x'.repeat(recordBytesMax)}"}`
    expect(() => decodeGap(large)).toThrow(/larger than 16384/)
    expect(() => decodeGap(Buffer.from(large))).toThrow(/larger than 16384/)
  })

  describe('I9: hostile records', () => {
    const decoders: [string, (text: string | Uint8Array) => unknown, (record: never) => string][] = [
      ['seal', decodeSeal, encodeSeal],
      ['gap', decodeGap, encodeGap],
      ['alias', decodeAlias, encodeAlias],
      ['origin', (text) => decodeOrigin(typeof text === 'string' ? text : Buffer.from(text).toString()), encodeOrigin],
    ]
    const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), anyText, fc.constantFrom(0, -1, 1e300, '__proto__', null))
    const field = fc.constantFrom(
      'v',
      'reason',
      'at',
      'sealedAt',
      'origin',
      'path',
      'identity',
      'agent',
      'labels',
      'forkOf',
      'machine',
      'pathSha256',
      '__proto__',
      'toString',
    )
    const nearly = fc
      .tuple(fc.oneof(seal, gap, alias, anyOrigin), fc.array(fc.tuple(field, value), { maxLength: 3 }), fc.boolean())
      .map(([record, changes, isNested]) => {
        const fields: Record<string, unknown> = { v: 1, ...record }
        for (const [name, changed] of changes) {
          const target =
            isNested && typeof fields.origin === 'object' && fields.origin !== null
              ? (fields.origin as Record<string, unknown>)
              : fields
          Object.defineProperty(target, name, { value: changed, enumerable: true, configurable: true, writable: true })
        }
        return JSON.stringify(fields)
      })
    const hostile = fc.oneof(
      nearly,
      fc.json(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '',
        'null',
        '[]',
        '1',
        '"x"',
        '{"v":1}',
        '{"v":1,"origin":[]}',
        '{"v":1,"__proto__":{"reason":"gone","at":""}}',
      ),
    )

    it.each(decoders)(
      'a %s is read, or rejected as corrupt; what is read is written and read again',
      (_name, decode, encode) => {
        const tryOne = (input: string | Uint8Array): void => {
          let record: unknown
          try {
            record = decode(input)
          } catch (error) {
            expect(error).toBeInstanceOf(LogcaskError)
            expect(error).toMatchObject({ code: 'corrupt', hint: expect.any(String) })
            return
          }
          let text: string
          try {
            text = encode(record as never)
          } catch (error) {
            // Larger than any agent would have written it.
            expect(error).toMatchObject({ code: 'corrupt' })
            return
          }
          const again = decode(text)
          if (JSON.stringify(record).length < 1_500) expect(again).toEqual(record)
        }
        fc.assert(fc.property(hostile, tryOne), { numRuns: 2_000 })
        fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), tryOne))
      },
    )

    it('a segment header likewise', () => {
      const header = fc.dictionary(
        fc.constantFrom('origin', 'final', 'other', '__proto__'),
        fc.oneof(hostile, anySha256, anyText),
      )
      fc.assert(
        fc.property(header, (metadata) => {
          try {
            const read = decodeSegmentHeader(metadata, 'x')
            expect(read.origin.path).toBeTypeOf('string')
          } catch (error) {
            expect(error).toMatchObject({ name: 'LogcaskError', code: 'corrupt' })
          }
        }),
        { numRuns: 1_000 },
      )
    })
  })
})
