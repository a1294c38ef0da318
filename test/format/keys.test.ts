import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LogcaskError } from '../../src/base/errors.ts'
import {
  aliasKey,
  birthOfIdentity,
  digestKey,
  fromOffset,
  gapKey,
  hostName,
  hostPrefix,
  hourOf,
  hourStart,
  identityOf,
  isIdentity,
  type Key,
  parseHostName,
  parseKey,
  parseStreamId,
  probeKey,
  sealKey,
  segmentKey,
  streamId,
  streamPrefix,
} from '../../src/format/keys.ts'
import { generationMax, offsetMax } from '../../src/format/limits.ts'
import { anyGeneration, anyHost, anyIdentity, anyOffset, anySha256, anyStream, anyTime, hex } from './arbitraries.ts'

const emptySha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

function build(key: Key): string {
  switch (key.kind) {
    case 'segment':
      return segmentKey(key.host, key.stream, key.offset, key.before)
    case 'seal':
      return sealKey(key.host, key.stream, key.length, key.sha256)
    case 'gap':
      return gapKey(key.host, key.stream, key.offset, key.end)
    case 'alias':
      return aliasKey(key.host, key.identity, key.stream)
    case 'digest':
      return digestKey(key.host, key.hour, key.agent)
    case 'probe':
      return probeKey(key.host, key.name)
  }
}

const anyKey: fc.Arbitrary<Key> = fc.oneof(
  fc.record({
    kind: fc.constant('segment' as const),
    host: anyHost,
    stream: anyStream,
    offset: anyOffset,
    before: hex(16),
  }),
  fc.record({
    kind: fc.constant('seal' as const),
    host: anyHost,
    stream: anyStream,
    length: anyOffset,
    sha256: anySha256,
  }),
  fc.record({
    kind: fc.constant('gap' as const),
    host: anyHost,
    stream: anyStream,
    offset: fc.nat(1_000_000),
    end: fc.oneof(fc.constant('open' as const), fc.integer({ min: 1_000_001, max: offsetMax })),
  }),
  fc.record({ kind: fc.constant('alias' as const), host: anyHost, identity: anyIdentity, stream: anyStream }),
  fc.record({
    kind: fc.constant('digest' as const),
    host: anyHost,
    hour: anyTime.map((time) => hourOf(Date.parse(time))),
    agent: hex(16),
  }),
  fc.record({
    kind: fc.constant('probe' as const),
    host: anyHost,
    name: fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,99}$/),
  }),
)

describe('keys: golden bytes of format v1', () => {
  const stream = '20261120T101500123456789Z-1a2b'
  const golden: [string, Key][] = [
    [
      'segments/web-1/20261120T101500123456789Z-1a2b/00000000000000000000-e3b0c44298fc1c14',
      { kind: 'segment', host: 'web-1', stream, offset: 0, before: 'e3b0c44298fc1c14' },
    ],
    [
      'segments/web-1/20261120T101500123456789Z-1a2b.2/00009007199254740991-0123456789abcdef',
      { kind: 'segment', host: 'web-1', stream: `${stream}.2`, offset: offsetMax, before: '0123456789abcdef' },
    ],
    [
      `seals/AIDACKCEVSQ6C2EXAMPLE:i-0abc/0-zz/00000000000000001234-${emptySha256}`,
      { kind: 'seal', host: 'AIDACKCEVSQ6C2EXAMPLE:i-0abc', stream: '0-zz', length: 1234, sha256: emptySha256 },
    ],
    [
      'gaps/b=C3=BCro=2F1/0-1/00000000000000000512-00000000000000001024',
      { kind: 'gap', host: 'büro/1', stream: '0-1', offset: 512, end: 1024 },
    ],
    [
      'gaps/=2Ehidden/0-1.999999/00000000000000000512-open',
      { kind: 'gap', host: '.hidden', stream: '0-1.999999', offset: 512, end: 'open' },
    ],
    [
      'aliases/web-1/19700101T000000000000001Z-0/20261120T101500123456789Z-1a2b',
      { kind: 'alias', host: 'web-1', identity: '19700101T000000000000001Z-0', stream },
    ],
    [
      'digests/web-1/20261120T10Z-0123456789abcdef',
      { kind: 'digest', host: 'web-1', hour: '20261120T10Z', agent: '0123456789abcdef' },
    ],
    ['probes/web-1/verdict', { kind: 'probe', host: 'web-1', name: 'verdict' }],
  ]

  it.each(golden)('%s', (text, key) => {
    expect(build(key)).toBe(text)
    expect(parseKey(text)).toEqual(key)
  })

  it('an identity is birth and inode', () => {
    expect(identityOf(1_795_169_700_123_456_789n, 46_523n)).toBe('20261120T101500123456789Z-zwb')
    expect(identityOf(0n, 46_523n)).toBe('0-zwb')
    expect(identityOf(1n, 0n)).toBe('19700101T000000000000001Z-0')
    expect(identityOf(2n ** 62n, 2n ** 64n - 1n)).toBe('21160220T235338427387904Z-3w5e11264sgsf')
    expect(birthOfIdentity('20261120T101500123456789Z-zwb')).toBe('2026-11-20T10:15:00.123456789Z')
    expect(birthOfIdentity('0-zwb')).toBeUndefined()
    expect(streamId('0-zwb', 0)).toBe('0-zwb')
    expect(streamId('0-zwb', 3)).toBe('0-zwb.3')
  })

  it('prefixes end where a name ends', () => {
    expect(hostPrefix('aliases', 'web-1')).toBe('aliases/web-1/')
    expect(streamPrefix('seals', 'a b', '0-1')).toBe('seals/a=20b/0-1/')
    expect(fromOffset('segments', 'web-1', '0-1', 7)).toBe('segments/web-1/0-1/00000000000000000007')
  })
})

describe('keys', () => {
  it('what is built is parsed back', () => {
    fc.assert(
      fc.property(anyKey, (key) => {
        expect(parseKey(build(key))).toEqual(key)
      }),
    )
  })

  it('lexical order is byte order', () => {
    fc.assert(
      fc.property(anyOffset, anyOffset, hex(16), hex(16), (a, b, beforeA, beforeB) => {
        fc.pre(a !== b)
        const [keyA, keyB] = [segmentKey('h', '0-1', a, beforeA), segmentKey('h', '0-1', b, beforeB)]
        expect(keyA < keyB).toBe(a < b)
        expect(Buffer.compare(Buffer.from(keyA), Buffer.from(keyB))).toBe(a < b ? -1 : 1)
      }),
    )
  })

  it('a listing from an offset on has every key at or beyond it, and none before', () => {
    fc.assert(
      fc.property(anyOffset, anyOffset, hex(16), (from, offset, before) => {
        expect(segmentKey('h', '0-1', offset, before) > fromOffset('segments', 'h', '0-1', from)).toBe(offset >= from)
      }),
    )
  })

  it('I9: every key is a safe relative path of plain ASCII', () => {
    fc.assert(
      fc.property(anyKey, (key) => {
        const text = build(key)
        expect(text).toMatch(/^[A-Za-z0-9._:=/-]+$/)
        for (const part of text.split('/')) expect(part).toMatch(/^[^.]/)
      }),
    )
  })

  it('I9: whatever parses is rebuilt to the same key, and nothing throws', () => {
    const digits = fc.oneof(
      fc.stringMatching(/^[0-9]{18,22}$/),
      anyOffset.map((offset) => String(offset).padStart(20, '0')),
      fc.constantFrom('00009007199254740992', '-0000000000000000001', '1e19', '٠'.repeat(20), ' '.repeat(20)),
    )
    const name = fc.oneof(
      fc.string(),
      fc
        .tuple(digits, fc.oneof(hex(16), hex(64), digits, fc.constant('open'), fc.string()))
        .map((parts) => parts.join('-')),
    )
    const part = fc.oneof(
      fc.string({ unit: 'binary' }),
      anyHost.map(hostName),
      fc.stringMatching(/^[A-Za-z0-9.=:-]{0,8}$/),
      anyStream,
      name,
      fc.constantFrom(
        '',
        '.',
        '..',
        '=',
        '=2',
        '=2f',
        '=2F',
        '=41',
        '=C3',
        '=00',
        '0-1.0',
        '0-1.01',
        '0-01',
        '20261320T101500123456789Z-1',
      ),
    )
    const room = fc.oneof(fc.constantFrom('segments', 'seals', 'gaps', 'aliases', 'probes', 'digests', 'files'), part)
    const hostile = fc
      .tuple(
        room,
        fc.oneof(part, anyHost.map(hostName)),
        fc.oneof(part, anyStream),
        name,
        fc.array(part, { maxLength: 2 }),
        fc.nat(5),
      )
      .map(([first, second, third, fourth, rest, length]) =>
        [first, second, third, fourth, ...rest].slice(0, length + 1).join('/'),
      )
    fc.assert(
      fc.property(fc.oneof(hostile, fc.string({ unit: 'binary' }), anyKey.map(build)), (text) => {
        const key = parseKey(text)
        if (key !== undefined) expect(build(key)).toBe(text)
      }),
      { numRuns: 3_000 },
    )
  })

  it('I9: one change to a key makes another key, or none: never the same one', () => {
    const change = fc.tuple(fc.nat(300), fc.constantFrom('', '0', 'a', 'A', '/', '.', '-', '=', ' ', '\n', '\0', 'é'))
    fc.assert(
      fc.property(anyKey, change, (key, [at, character]) => {
        const text = build(key)
        const other = text.slice(0, at % text.length) + character + text.slice((at % text.length) + 1)
        if (other !== text) expect(parseKey(other)).not.toEqual(key)
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    '',
    '/',
    'segments',
    'segments/h',
    'segments/h/0-1',
    'segments/h/0-1/',
    'segments/h/0-1/00000000000000000000',
    'segments/h/0-1/00000000000000000000-',
    'segments/h/0-1/00000000000000000000-E3B0C44298FC1C14',
    'segments/h/0-1/0000000000000000000-e3b0c44298fc1c14',
    'segments/h/0-1/00009007199254740992-e3b0c44298fc1c14',
    'segments/h/0-1/99999999999999999999-e3b0c44298fc1c14',
    'segments/h/0-1/00000000000000000000-e3b0c44298fc1c14/x',
    'segments/h/0-1/00000000000000000000-e3b0c44298fc1c14\n',
    '/segments/h/0-1/00000000000000000000-e3b0c44298fc1c14',
    'segments/../0-1/00000000000000000000-e3b0c44298fc1c14',
    'segments/h/0-1.0/00000000000000000000-e3b0c44298fc1c14',
    'segments/h/0-1.1000000/00000000000000000000-e3b0c44298fc1c14',
    'segments/h/0-01/00000000000000000000-e3b0c44298fc1c14',
    'segments/h/0-A/00000000000000000000-e3b0c44298fc1c14',
    'segments/h/20261320T101500123456789Z-1/00000000000000000000-e3b0c44298fc1c14',
    'segments/h/20260229T101500123456789Z-1/00000000000000000000-e3b0c44298fc1c14',
    'segments/h/20261120T240000000000000Z-1/00000000000000000000-e3b0c44298fc1c14',
    'segments/h/19691231T235959000000000Z-1/00000000000000000000-e3b0c44298fc1c14',
    `seals/h/0-1/00000000000000000000-${emptySha256.slice(1)}`,
    `seals/h/0-1/00000000000000000000-${emptySha256.toUpperCase()}`,
    'gaps/h/0-1/00000000000000000005-00000000000000000005',
    'gaps/h/0-1/00000000000000000005-00000000000000000004',
    'gaps/h/0-1/00000000000000000005-OPEN',
    'aliases/h/0-1.1/0-1',
    'aliases/h/0-1/x',
    'digests/h/20261120T24Z-0123456789abcdef',
    'digests/h/20260229T10Z-0123456789abcdef',
    'digests/h/19691231T23Z-0123456789abcdef',
    'digests/h/20261120T10Z-0123456789abcde',
    'digests/h/20261120T10Z-0123456789ABCDEF',
    'digests/h/20261120T10Z-0123456789abcdef/x',
    'digests/h/20261120T1000Z-0123456789abcdef',
    'probes/h/Verdict',
    'probes/h/-x',
    'probes/h/a/b',
    `probes/h/${'a'.repeat(101)}`,
  ])('I9: %j is no key', (text) => {
    expect(parseKey(text)).toBeUndefined()
  })

  it('builders refuse what they could not read back', () => {
    const wrong: (() => string)[] = [
      () => segmentKey('h', 'no-stream', 0, 'e3b0c44298fc1c14'),
      () => segmentKey('h', '0-1', -1, 'e3b0c44298fc1c14'),
      () => segmentKey('h', '0-1', 0.5, 'e3b0c44298fc1c14'),
      () => segmentKey('h', '0-1', 2 ** 53, 'e3b0c44298fc1c14'),
      () => segmentKey('h', '0-1', 0, 'short'),
      () => gapKey('h', '0-1', 5, 5),
      () => aliasKey('h', '../x', '0-1'),
      () => digestKey('h', '20261120T24Z', '0123456789abcdef'),
      () => digestKey('h', '20261120T10Z', '../x'),
      () => probeKey('h', '../x'),
    ]
    for (const builder of wrong) expect(builder).toThrow(LogcaskError)
    expect(() => segmentKey('', '0-1', 0, 'e3b0c44298fc1c14')).toThrow(/host/)
    expect(() => hostName('x'.repeat(201))).toThrow(/longer than 200/)
  })
})

describe('hours', () => {
  it('round-trip, and sort as time goes', () => {
    fc.assert(
      fc.property(anyTime, anyTime, (a, b) => {
        const [msA, msB] = [Date.parse(a), Date.parse(b)]
        expect(hourStart(hourOf(msA))).toBe(msA - (msA % 3_600_000))
        if (hourStart(hourOf(msA)) < hourStart(hourOf(msB))) expect(hourOf(msA) < hourOf(msB)).toBe(true)
      }),
    )
    expect(hourOf(Date.parse('2026-11-20T10:59:59.999Z'))).toBe('20261120T10Z')
    expect(hourStart('20261120T1Z')).toBeNaN()
  })
})

describe('identities and streams', () => {
  it('an identity that parses is the one that its birth and inode give', () => {
    fc.assert(
      fc.property(
        fc.oneof(anyIdentity, fc.stringMatching(/^(0|(19|20)[0-9]{6}T[0-9]{15}Z)-[0-9a-z]{1,3}$/)),
        (text) => {
          fc.pre(isIdentity(text))
          const birth = birthOfIdentity(text)
          const ns =
            birth === undefined
              ? 0n
              : BigInt(Date.parse(`${birth.slice(0, 19)}Z`)) * 1_000_000n + BigInt(birth.slice(20, 29))
          const inode = [...(text.split('-')[1] ?? '')].reduce(
            (sum, digit) => sum * 36n + BigInt(Number.parseInt(digit, 36)),
            0n,
          )
          expect(identityOf(ns, inode)).toBe(text)
        },
      ),
    )
  })

  it('a birth time that no file has (zero, before 1970, after 9999) counts as unknown', () => {
    for (const birth of [0n, -1n, -(2n ** 63n), 253_402_300_800_000_000_000n, 2n ** 80n])
      expect(identityOf(birth, 10n)).toBe('0-a')
    expect(identityOf(253_402_300_799_999_999_999n, 10n)).toBe('99991231T235959999999999Z-a')
    expect(isIdentity('19700101T000000000000000Z-a')).toBe(false)
  })

  it('stream ids round-trip', () => {
    fc.assert(
      fc.property(anyIdentity, anyGeneration, (identity, generation) => {
        expect(parseStreamId(streamId(identity, generation))).toEqual({ identity, generation })
      }),
    )
    expect(parseStreamId(`0-1.${generationMax}`)?.generation).toBe(generationMax)
    expect(parseStreamId(`0-1.${generationMax + 1}`)).toBeUndefined()
  })

  it('hosts round-trip, and no two have one name', () => {
    fc.assert(
      fc.property(anyHost, (host) => {
        expect(parseHostName(hostName(host))).toBe(host)
      }),
    )
    fc.assert(
      fc.property(anyHost, anyHost, (a, b) => {
        if (a !== b) expect(hostName(a)).not.toBe(hostName(b))
      }),
    )
  })
})
