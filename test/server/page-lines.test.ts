import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { textForPeople } from '../../src/base/path-bytes.ts'
import { formatBytes } from '../../src/cli/terminal/units.ts'

/** The page's modules are plain JavaScript without types, and those that need no browser run here as well. */
const module = (name: string) => import(new URL(`../../src/server/page/${name}`, import.meta.url).href)

interface Line {
  start: number
  end: number
  bytes: Uint8Array
}

async function windowOn(content: Buffer, start = 0) {
  const { ByteWindow } = await module('byte-window.js')
  let reads = 0
  const read = async (from: number, to: number): Promise<Uint8Array> => {
    reads += to - from
    return new Uint8Array(content.subarray(from, to))
  }
  return { window: new ByteWindow(read, { start, end: content.length }), reads: () => reads }
}

const text = fc
  .array(
    fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.nat(9000).map((length) => 'x'.repeat(length)),
    ),
    { maxLength: 40 },
  )
  .map((lines) => Buffer.from(lines.join('\n')))

describe('the lines of a window on bytes', () => {
  it('are all bytes, each once, walked down in pages of any size', async () => {
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 30 }), async (content, page) => {
        const { window } = await windowOn(content)
        const walked: Line[] = []
        for (let at = 0; at < content.length; ) {
          const lines: Line[] = await window.linesFrom(at, page)
          walked.push(...lines)
          at = lines.at(-1)?.end ?? content.length
        }
        expect(walked.map(({ start }) => start)).toEqual([0, ...walked.map(({ end }) => end)].slice(0, walked.length))
        expect(walked.at(-1)?.end ?? 0).toBe(content.length)
        for (const { start, end, bytes } of walked) {
          const whole = content.subarray(start, end)
          expect(Buffer.from(bytes).equals(whole.at(-1) === 10 ? whole.subarray(0, -1) : whole)).toBe(true)
          expect(end - start).toBeLessThanOrEqual(2048)
        }
      }),
    )
  })

  it('are all bytes, each once, walked up from the end', async () => {
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 30 }), async (content, page) => {
        const { window } = await windowOn(content)
        for (let at = content.length; at > 0; ) {
          const lines: Line[] = await window.linesBefore(at, page)
          expect(lines.at(-1)?.end).toBe(at)
          for (const [index, line] of lines.entries()) expect(line.end).toBe(lines[index + 1]?.start ?? at)
          at = lines[0]?.start ?? 0
        }
      }),
    )
  })

  it('begin behind a newline wherever one asks, when lines are of usual length', async () => {
    const content = Buffer.from(Array.from({ length: 5000 }, (_, at) => `line ${at} ${'y'.repeat(at % 90)}\n`).join(''))
    const { window } = await windowOn(content)
    await fc.assert(
      fc.asyncProperty(fc.nat(content.length - 1), async (at) => {
        const start = await window.lineStart(at)
        expect(start).toBe(content.subarray(0, at).lastIndexOf(10) + 1)
      }),
    )
  })

  it('of what is appended are known without reading it again', async () => {
    const { window, reads } = await windowOn(Buffer.from('one\ntw'))
    const lines = async (): Promise<string[]> =>
      (await window.linesFrom(0, 9)).map(({ bytes }: Line) => Buffer.from(bytes).toString())
    expect(await lines()).toEqual(['one', 'tw'])
    window.append(6, Buffer.from('o\nthree'))
    expect(await lines()).toEqual(['one', 'two', 'three'])
    window.append(3, Buffer.from('of another place'))
    expect(await lines()).toEqual(['one', 'two', 'three'])
    expect(reads()).toBe(6)
  })

  it('of a file whose beginning has expired begin where it can be read', async () => {
    const { window } = await windowOn(Buffer.from('gone\nthere\n'), 5)
    expect(await window.lineStart(2)).toBe(5)
    expect((await window.linesBefore(11, 9)).map(({ start }: Line) => start)).toEqual([5])
  })
})

describe('what the page shows', () => {
  it('escapes all that the command line escapes, in the same way', async () => {
    const { shown, bytesText } = await module('words.js')
    for (let code = 0; code <= 0xffff; code++) {
      const character = String.fromCharCode(code)
      if (textForPeople(character) !== character) expect(shown(character)).toBe(textForPeople(character))
    }
    expect(shown('a\u{1f600}b c')).toBe('a\u{1f600}b c')
    for (const bytes of [0, 1, 1023, 1024, 1_048_000, 1_048_576, 10_737_418_260])
      expect(bytesText(bytes)).toBe(formatBytes(bytes))
  })

  it('has every byte of a line, whatever it is', async () => {
    const { lineParts } = await module('line-text.js')
    const shownLine = (bytes: Uint8Array): string =>
      lineParts(bytes)
        .map(({ text }: { text: string }) => text)
        .join('')
    expect(shownLine(Buffer.from('a\tb \u001b[1m \u00e9'))).toBe('a\tb \\x1b[1m \u00e9')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const text = shownLine(bytes)
        expect(text.replaceAll('\t', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u)
        // Escapes read back, it is the same bytes.
        const back = text.replace(/\\x([0-9a-f]{2})|\\u([0-9a-f]{4,6})/g, (_, byte, unit) =>
          byte
            ? String.fromCharCode(0xe000 + Number.parseInt(byte, 16))
            : String.fromCodePoint(Number.parseInt(unit, 16)),
        )
        const bytesBack = [...back].flatMap((one) => {
          const code = one.codePointAt(0) ?? 0
          return code >= 0xe000 && code <= 0xe0ff ? [code - 0xe000] : [...Buffer.from(one)]
        })
        // A text that only looks like an escape, or a character of ours: nothing to compare.
        fc.pre(!/[\\]|[\ue000-\ue0ff]/u.test(Buffer.from(bytes).toString()))
        expect(bytesBack).toEqual([...bytes])
      }),
    )
  })
})
