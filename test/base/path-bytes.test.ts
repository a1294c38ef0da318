import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pathForPeople, pathForSystem, pathFromBytes, pathToBytes, textForPeople } from '../../src/base/path-bytes.ts'

// Bytes that are nearly UTF-8: whole characters, cut ones, overlong ones, surrogates, and beyond U+10FFFF.
const piece = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 4 }).map((text) => [...Buffer.from(text)]),
  fc.uint8Array({ maxLength: 4 }).map((bytes) => [...bytes]),
  fc.constantFrom(
    [0xc3],
    [0xe2, 0x82],
    [0xf0, 0x9f, 0x98],
    [0xc0, 0xaf],
    [0xed, 0xb2, 0x80],
    [0xed, 0xa0, 0xbd],
    [0xf4, 0x90, 0x80, 0x80],
    [0xff],
  ),
)
const anyBytes = fc.array(piece, { maxLength: 8 }).map((pieces) => Buffer.from(pieces.flat()))

describe('path bytes', () => {
  it('I1: every file name comes back as it was, byte by byte', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(pathToBytes(pathFromBytes(bytes)).equals(bytes)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  it('no two file names become one path', () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, (a, b) => {
        expect(pathFromBytes(a) === pathFromBytes(b)).toBe(a.equals(b))
      }),
      { numRuns: 1_000 },
    )
  })

  it('UTF-8 is itself, and any other byte a lone surrogate, as in PEP 383', () => {
    expect(pathFromBytes(Buffer.from('/var/log/Zugriffe für 😀'))).toBe('/var/log/Zugriffe für 😀')
    expect(pathFromBytes(Buffer.from([0x2f, 0xff, 0x61, 0xc3, 0xa9, 0xc3]))).toBe('/\udcffaé\udcc3')
    // The bytes of a lone surrogate itself (CESU, WTF-8) are three bytes that are no character.
    expect(pathFromBytes(Buffer.from([0xed, 0xb2, 0x80]))).toBe('\udced\udcb2\udc80')
  })

  it('the system gets a string where that names the file, and bytes where only they do', () => {
    expect(pathForSystem('/var/log/ü')).toBe('/var/log/ü')
    expect(pathForSystem('/a\udcff')).toEqual(Buffer.from([0x2f, 0x61, 0xff]))
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const path = pathForSystem(pathFromBytes(bytes))
        expect(Buffer.from(path).equals(bytes)).toBe(true)
      }),
    )
  })

  it('no two paths are shown alike, and a backslash is itself unless it would pass for an escape', () => {
    expect(pathForPeople('C:\\new\\x\\u12')).toBe('C:\\new\\x\\u12')
    expect(pathForPeople('\\xff')).toBe('\\x5cxff')
    expect(pathForPeople('\udcff')).toBe('\\xff')
    const confusing = fc.array(
      fc.constantFrom('\\', 'x', 'u', 'f', '8', '0', '5c', '\udcff', '\udc80', '\u0080', '\u001b', '\u200b'),
      { maxLength: 8 },
    )
    fc.assert(
      fc.property(confusing, confusing, (a, b) => {
        expect(pathForPeople(a.join('')) === pathForPeople(b.join(''))).toBe(a.join('') === b.join(''))
      }),
      { numRuns: 5_000 },
    )
  })

  it('a message that holds a shown path shows it as it is', () => {
    const shown = pathForPeople('/a\\xff \udcff')
    expect(textForPeople(`${shown}: gone\u001b`)).toBe(`${shown}: gone\\x1b`)
  })

  it('I9: people see no control characters, no lone surrogates and nothing that turns text round', () => {
    expect(pathForPeople('/a\udcff\n\u001b[2J\u202egol.\u200b/ü😀')).toBe('/a\\xff\\x0a\\x1b[2J\\u202egol.\\u200b/ü😀')
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(pathForPeople(pathFromBytes(bytes))).not.toMatch(/[\p{Cc}\p{Surrogate}\u2028-\u202e\u2066-\u2069]/u)
      }),
    )
  })
})
