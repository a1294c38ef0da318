import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Line, LineCutter } from '../../src/cli/read/line-cutter.ts'

type Taken = Omit<Line, 'bytes'> & { text: string }

function cut(
  pieces: readonly string[],
  options: { bytesMax?: number; wanted?: number; offset?: number } = {},
): Taken[] {
  const { bytesMax = 1000, wanted = Number.POSITIVE_INFINITY, offset = 0 } = options
  const lines: Taken[] = []
  const cutter = new LineCutter(
    ({ bytes, ...line }) => lines.push({ ...line, text: bytes.toString('latin1') }) < wanted,
    offset,
    bytesMax,
  )
  for (const piece of pieces) if (!cutter.push(Buffer.from(piece, 'latin1'))) break
  cutter.end()
  return lines
}

describe('lines', () => {
  it('are the same wherever they are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[ab\n]{0,8}$/), { maxLength: 12 }), (pieces) => {
        const text = pieces.join('')
        const expected = text.split('\n')
        // What follows the last newline is a line only if it has a byte.
        if (expected.at(-1) === '') expected.pop()
        const lines = cut(pieces)
        expect(lines.map((line) => line.text)).toEqual(expected)
        expect(lines.map(({ number }) => number)).toEqual(expected.map((_, at) => at + 1))
        for (const line of lines) expect(text.slice(line.offset, line.offset + line.text.length)).toBe(line.text)
      }),
    )
  })

  it('that are too long come in pieces of one number, and what is held stays bounded', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a\n]{0,30}$/), { maxLength: 8 }), (pieces) => {
        const text = pieces.join('')
        const lines = cut(pieces, { bytesMax: 5 })
        for (const line of lines) expect(line.text.length).toBeLessThanOrEqual(5)
        const whole = new Map<number, string>()
        for (const { number, text: part } of lines) whole.set(number, (whole.get(number) ?? '') + part)
        const expected = text.split('\n')
        if (expected.at(-1) === '') expected.pop()
        expect([...whole.values()]).toEqual(expected)
        for (const line of lines) expect(line.isPiece).toBe((expected[line.number - 1]?.length ?? 0) > 5)
      }),
    )
  })

  it('end where no more are wanted', () => {
    expect(cut(['a\nb\nc\n', 'd\n'], { wanted: 2 }).map(({ text }) => text)).toEqual(['a', 'b'])
  })

  it('have the offsets of their stream', () => {
    expect(cut(['ab\nc'], { offset: 100 })).toEqual([
      { text: 'ab', number: 1, offset: 100, isPiece: false },
      { text: 'c', number: 2, offset: 103, isPiece: false },
    ])
  })
})
