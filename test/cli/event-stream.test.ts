import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readEvents } from '../../src/cli/read/event-stream.ts'

async function* cut(text: string, at: readonly number[]): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  const points = [0, ...at.map((point) => point % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b)
  for (const [index, start] of points.entries()) yield bytes.subarray(start, points[index + 1])
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

const eventsOf = (text: string, at: readonly number[] = []) => collect(readEvents(cut(text, at)))

describe('an event stream', () => {
  it.each([
    ['id: 5\ndata: a\n\n', [{ name: 'message', id: '5', data: 'a' }]],
    ['event: sealed\ndata: {"end":5}\n\n', [{ name: 'sealed', id: undefined, data: '{"end":5}' }]],
    ['data: a\r\ndata:b\r\n\r\n', [{ name: 'message', id: undefined, data: 'a\nb' }]],
    [
      'data: a\r\rdata: b\n\n',
      [
        { name: 'message', id: undefined, data: 'a' },
        { name: 'message', id: undefined, data: 'b' },
      ],
    ],
    [': still here\n\nretry: 3000\n\n', []],
    ['data: cut off', []],
    ['data: cut off\n', []],
    ['data\n\n', [{ name: 'message', id: undefined, data: '' }]],
    ['data: ż\n\n', [{ name: 'message', id: undefined, data: 'ż' }]],
  ])('%j gives %j', async (text, expected) => {
    expect(await eventsOf(text)).toEqual(expected)
  })

  it('is the same wherever its bytes are cut', async () => {
    const text = 'retry: 1\n\nid: 1\r\nevent: x\r\ndata: żółć\r\n\r\n: hm\n\ndata: a\ndata: b\n\n'
    const whole = await eventsOf(text)
    expect(whole).toHaveLength(2)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(200)), async (at) => {
        expect(await eventsOf(text, at)).toEqual(whole)
      }),
      { numRuns: 200 },
    )
  })

  it('that does not end is refused before it fills the memory', async () => {
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < 1000; at++) yield Buffer.from(`data: ${'x'.repeat(10_000)}`)
    }
    await expect(collect(readEvents(endless()))).rejects.toMatchObject({ code: 'corrupt' })
  })
})
