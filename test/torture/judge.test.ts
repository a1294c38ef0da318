import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { tempDirectory } from '../support/temp-directory.ts'
import { buildLine, parseLine } from './line.ts'
import { Oracle } from './oracle.ts'
import type { PlainStore } from './plain-store.ts'
import { readStreams, sha256 } from './read-back.ts'
import { Sightings } from './sightings.ts'
import { isSound, judge, type Verdict } from './verdict.ts'

const host = 'host-1'
const log = 'host-1/app.log'
type Objects = Map<string, Buffer>

/** Two lives of 300 and 40 lines, as an agent would have delivered them, and what is made of that. */
async function verdictAfter(spoil: (objects: Objects, streams: readonly string[]) => void): Promise<Verdict> {
  const directory = await tempDirectory('judge')
  const oracle = new Oracle(join(directory, 'oracle'))
  const objects: Objects = new Map()
  const streams: string[] = []
  for (const lines of [300, 40]) {
    const path = join(directory, `${lines}.log`)
    await appendFile(path, '')
    const life = await oracle.begin(host, log, path)
    for (let at = 0; at < lines; at++) {
      const line = buildLine(log, oracle.numberLine(log), 'x'.repeat(at % 90))
      oracle.noteLine(log, line.length)
      await oracle.appended(life, line)
      await appendFile(path, line)
    }
    const content = await readFile(life.copy)
    deliver(objects, life.identity, content)
    streams.push(life.identity)
  }
  spoil(objects, streams)
  const store: PlainStore = {
    list: async () => [],
    get: async (key) => ({ body: objects.get(key) ?? Buffer.alloc(0), metadata: {} }),
    head: async () => Buffer.alloc(0),
  }
  const listed = [...objects].map(([key, body]) => ({ key, size: body.byteLength, tag: '' }))
  return judge(
    oracle,
    readStreams(store, listed, () => {}),
    () => {},
  )
}

/** In segments of 5,000 bytes, with a seal. */
function deliver(objects: Objects, stream: string, content: Buffer): void {
  for (let from = 0; from < content.byteLength; from += 5_000) {
    const before = sha256(content.subarray(Math.max(0, from - 4096), from)).slice(0, 16)
    objects.set(`segments/${host}/${stream}/${digits(from)}-${before}`, content.subarray(from, from + 5_000))
  }
  objects.set(`seals/${host}/${stream}/${digits(content.byteLength)}-${sha256(content)}`, Buffer.from('{}'))
}

const digits = (offset: number): string => String(offset).padStart(20, '0')

function segmentsOf(objects: Objects, stream = ''): string[] {
  return [...objects.keys()].filter((key) => key.startsWith(`segments/${host}/${stream}/`)).sort()
}

function contentOf(objects: Objects, stream = ''): Buffer {
  return Buffer.concat(segmentsOf(objects, stream).map((key) => objects.get(key) ?? Buffer.alloc(0)))
}

describe('the judge', () => {
  it('finds nothing wrong where nothing is', async () => {
    const verdict = await verdictAfter(() => {})
    expect(verdict).toMatchObject({ streams: 2, sealed: 2, lostBytes: 0, doubledBytes: 0, mismatches: [] })
    expect(isSound(verdict)).toBe(true)
  })

  it('a segment that is missing: what was in it is lost, and so is what no chain leads to any more', async () => {
    let segments: string[] = []
    const verdict = await verdictAfter((objects, [first]) => {
      segments = segmentsOf(objects, first)
      objects.delete(segments[1] ?? '')
    })
    expect(verdict.lostLines).toBeGreaterThan(100)
    expect(verdict).toMatchObject({ doubledBytes: 0, strays: segments.length - 2 })
    expect(isSound(verdict)).toBe(false)
  })

  it.each([
    ['as it is', (content: Buffer) => content],
    ['compressed', (content: Buffer) => gzipSync(content)],
  ])('a stream that is there again under another name, %s: doubled', async (_, packed) => {
    const verdict = await verdictAfter((objects, [, second]) => {
      deliver(objects, '20261120T101500123456789Z-zzz', packed(contentOf(objects, second)))
    })
    expect(verdict).toMatchObject({ lostBytes: 0, doubledLines: 40 })
    expect(verdict.mismatches).toHaveLength(1)
    expect(isSound(verdict)).toBe(false)
  })

  it('a byte that is another: its line is lost, and foreign', async () => {
    const verdict = await verdictAfter((objects, [, second]) => {
      const content = contentOf(objects, second)
      content[60] = 7
      for (const key of segmentsOf(objects, second)) objects.delete(key)
      deliver(objects, second ?? '', content)
    })
    expect(verdict).toMatchObject({ lostLines: 1 })
    expect(verdict.foreignBytes).toBe(verdict.lostBytes)
    // One seal is of the content as it was.
    expect(verdict.wrongSeals).toHaveLength(1)
  })

  it('lines that are all there, in streams that are no files: said so', async () => {
    const verdict = await verdictAfter((objects, [first, second]) => {
      const all = Buffer.concat([contentOf(objects, first), contentOf(objects, second)])
      objects.clear()
      deliver(objects, first ?? '', all)
    })
    expect(verdict).toMatchObject({ lostBytes: 0, doubledBytes: 0, foreignBytes: 0 })
    expect(verdict.mismatches).toHaveLength(3)
    expect(isSound(verdict)).toBe(false)
  })
})

describe('a line', () => {
  it('is known whole only', () => {
    const line = buildLine(log, 17, 'some text').slice(0, -1)
    expect(parseLine(line)).toEqual({ log, number: 17 })
    for (const broken of [line.slice(1), line.slice(0, -1), `${line} `, line.replace('some', 'sume'), '', 'x'])
      expect(parseLine(broken)).toBeUndefined()
  })
})

describe('sightings', () => {
  const seen = (...later: { size?: number; tag?: string; sha256?: string }[]): Sightings => {
    const sightings = new Sightings()
    for (const one of later) sightings.see('segments/a', one)
    return sightings
  }

  it('what was seen once must stay', () => {
    expect(seen({ size: 3, tag: '"a"' }, { sha256: 'b' }, { size: 3, tag: '"a"' }).rewritten).toEqual([])
    expect(seen({ sha256: 'b' }, { size: 3 }, { sha256: 'c' }).rewritten).toEqual(['segments/a'])
    expect(seen({ tag: '"a"' }, { tag: '"b"' }).rewritten).toEqual(['segments/a'])
    expect(seen({ size: 3 }, { size: 4 }).rewritten).toEqual(['segments/a'])
  })

  it('what is gone at the end was there', () => {
    const sightings = seen({ size: 3 })
    sightings.seeLast([{ key: 'segments/b', size: 1, tag: '' }])
    expect(sightings.vanished).toEqual(['segments/a'])
  })
})
