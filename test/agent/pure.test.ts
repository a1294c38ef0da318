import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { judgeAdopted } from '../../src/agent/identity/adopt.ts'
import {
  type Comparison,
  compare,
  compareShort,
  deliveredWindow,
  extend,
  footprintOf,
  nothingShipped,
} from '../../src/agent/identity/evidence.ts'
import { generationBeside } from '../../src/agent/identity/generations.ts'
import {
  forkedFrom,
  isNamedAsCopy,
  isNamedAsRotation,
  judgeCopy,
  judgeLook,
  leftBehind,
  nextGeneration,
  originalName,
  resumable,
} from '../../src/agent/identity/rules.ts'
import { newLife } from '../../src/agent/life.ts'
import { LifeBook } from '../../src/agent/life-book.ts'
import { completion, nextRange } from '../../src/agent/shipping/plan.ts'
import { recut, settleExisting } from '../../src/agent/shipping/settle.ts'
import { full, take } from '../../src/agent/shipping/token-bucket.ts'
import { patternBytes } from '../support/pattern-bytes.ts'

const sampleOf = (file: Uint8Array, offset: number) => ({
  size: file.length,
  head: file.subarray(0, 4096),
  window: file.subarray(Math.max(0, offset - 4096), Math.min(offset, file.length)),
})
const shippedOf = (bytes: Uint8Array) =>
  footprintOf(bytes.length, bytes.subarray(0, 4096), bytes.subarray(Math.max(0, bytes.length - 4096)))
const changed = (bytes: Uint8Array, at: number): Uint8Array => {
  const copy = new Uint8Array(bytes)
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}

describe('evidence E3', () => {
  it.each<[length: number, at: number, Comparison]>([
    [10, 0, 'different'],
    [4095, 5, 'different'],
    [4096, 5, 'different'],
    [4159, 63, 'different'],
    [4160, 0, 'edited'],
    [4160, 63, 'edited'],
    [4160, 64, 'different'],
    [4160, 4095, 'different'],
    [9000, 0, 'edited'],
    [9000, 63, 'edited'],
    [9000, 64, 'different'],
    [9000, 4500, 'same'],
    [9000, 8999, 'different'],
  ])('I3: of %i bytes, byte %i changed: %s', (length, at, expected) => {
    const bytes = patternBytes(length)
    expect(compare(shippedOf(bytes), sampleOf(changed(bytes, at), length))).toBe(expected)
    expect(compare(shippedOf(bytes), sampleOf(bytes, length))).toBe('same')
  })

  it.each([22, 64, 4095, 4096, 4117, 4118, 9000])(
    'I3: byte 21 of a binlog of %i bytes is no evidence, and is kept as it was shipped',
    (length) => {
      const bytes = patternBytes(length)
      bytes.set([0xfe, 0x62, 0x69, 0x6e])
      bytes[21] = 1
      for (const make of [(x: Uint8Array) => x, (x: Uint8Array) => Buffer.from(x)]) {
        const file = make(new Uint8Array(bytes))
        file[21] = 0
        const sample = sampleOf(file, length)
        expect(compare(shippedOf(make(new Uint8Array(bytes))), sample)).toBe('same')
        expect(file[21]).toBe(0)
        const window = deliveredWindow(shippedOf(bytes), sample.window)
        expect(Buffer.compare(window, bytes.subarray(Math.max(0, length - 4096)))).toBe(0)
        expect(file[21]).toBe(0)
      }
    },
  )

  it('a footprint that was extended in any cuts is that of the whole, also from Buffers whose memory is used again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        (cuts, isBuffer) => {
          const whole = patternBytes(cuts.reduce((a, b) => a + b))
          let footprint = nothingShipped
          let window: Uint8Array = new Uint8Array(0)
          let from = 0
          for (const cut of cuts) {
            const bytes = isBuffer ? Buffer.from(whole.slice(from, from + cut)) : whole.slice(from, from + cut)
            ;({ footprint, window } = extend(footprint, window, bytes))
            bytes.fill(0)
            from += cut
          }
          expect(footprint).toEqual(shippedOf(whole))
          expect(Buffer.compare(window, whole.subarray(Math.max(0, whole.length - 4096)))).toBe(0)
        },
      ),
    )
  })

  it('a shorter file is equal so far, or different', () => {
    const bytes = patternBytes(9000)
    const parts = (file: Uint8Array, size: number) => ({
      size,
      head: file.subarray(0, Math.min(4096, size)),
      window: file.subarray(Math.max(0, size - 4096), size),
    })
    expect(compareShort(parts(bytes, 5000), parts(bytes, 5000))).toBe('short')
    expect(compareShort(parts(changed(bytes, 0), 5000), parts(bytes, 5000))).toBe('short')
    expect(compareShort(parts(changed(bytes, 0), 300), parts(bytes, 300))).toBe('different')
    expect(compareShort(parts(changed(bytes, 4999), 5000), parts(bytes, 5000))).toBe('different')
  })
})

describe('rules', () => {
  it('names of copies and rotations', () => {
    expect(isNamedAsCopy('/l/app.log.1', '/l/app.log')).toBe(true)
    expect(isNamedAsCopy('/l/app-20261121.log', '/l/app.log')).toBe(true)
    expect(isNamedAsCopy('/o/app.log.1', '/l/app.log', '/o')).toBe(true)
    expect(isNamedAsCopy('/o/app.log.1', '/l/app.log')).toBe(false)
    expect(isNamedAsCopy('/l/app.log', '/l/app.log')).toBe(false)
    expect(isNamedAsRotation('/l/app2.log', '/l/app.log')).toBe(false)
    expect(originalName('/l/a.log.1.gz')).toBe('/l/a.log.1')
    expect(originalName('/l/.gz')).toBeUndefined()
  })

  it('every source that a name may be a copy of is found by look-up', () => {
    const part = fc.string({ unit: fc.constantFrom('a', 'b', '.', '-', '1'), minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(part, part, (source, copy) => {
        const book = new LifeBook()
        const path = `/l/${source}`
        const life = newLife({
          identity: '0-1',
          firstGeneration: 0,
          origin: { path, identity: '0-1', agent: 'x' },
          source: 's',
          path,
          destinations: [],
        })
        book.add(life)
        if (isNamedAsCopy(`/l/${copy}`, path)) expect([...book.namesakes(`/l/${copy}`, ['/l'])]).toContain(life)
      }),
      { numRuns: 2000 },
    )
  })

  it('look: shrinking ends; a difference from adopted bytes only forks', () => {
    const facts = { size: 5, previousSize: 9, isWatched: true, isCompressed: false, deliveries: [] }
    expect(judgeLook(facts)).toEqual({ kind: 'end', why: 'shrank' })
    expect(judgeLook({ ...facts, isWatched: false })).toEqual({ kind: 'go-on' })
    expect(
      judgeLook({ ...facts, size: 9, deliveries: [{ destination: 'a', sent: 'different', confirmed: 'same' }] }),
    ).toEqual({ kind: 'fork', destinations: ['a'] })
    expect(
      judgeLook({ ...facts, size: 9, deliveries: [{ destination: 'a', sent: 'different', confirmed: 'short' }] }),
    ).toEqual({ kind: 'end', why: 'differs' })
    expect(judgeLook({ ...facts, size: 9, isSeenOtherwise: true })).toEqual({ kind: 'end', why: 'differs' })
  })

  it('generations: the longest that matches, then the highest; the next one is above all that hold something or ended', () => {
    const one = { generation: 0, length: 5, comparison: 'same' as const, isEnded: false, hasGap: false, hasSeal: false }
    expect(
      resumable([one, { ...one, generation: 1 }, { ...one, generation: 2, length: 9, isEnded: true }], 0)?.generation,
    ).toBe(1)
    expect(resumable([one], 1)).toBeUndefined()
    expect(nextGeneration([one, { ...one, generation: 3, length: 0, isEnded: true }], 0)).toBe(4)
  })

  it.each([
    [[], [], 0, 0],
    [[1], [], 0, 1],
    [[0, 2], [], 0, 0],
    [[0, 2], [0], 0, 2],
    [[0], [0], 0, 1],
    [[1], [0, 2], 0, 1],
    [[0], [2], 1, 3],
  ])(
    'a life that has the generations %j elsewhere begins, where %j are taken and it is none before %i, in %i',
    (elsewhere, taken, firstGeneration, expected) => {
      const ended = { length: 0, comparison: 'different' as const, isEnded: true, hasGap: true, hasSeal: false }
      const known = taken.map((generation) => ({ ...ended, generation }))
      expect(generationBeside(elsewhere, known, firstGeneration)).toBe(expected)
    },
  )

  it('I1: a fork names the ended generation that the file has come back to, and not the one that it leaves', () => {
    const ended = { generation: 0, length: 9, comparison: 'same' as const, isEnded: true, hasGap: true, hasSeal: true }
    const left = { generation: 1, length: 5, comparison: 'different' as const, isEnded: false, hasGap: false }
    expect(forkedFrom([ended, { ...left, hasSeal: false }])?.generation).toBe(0)
    expect(
      forkedFrom([
        { ...ended, comparison: 'different' },
        { ...left, hasSeal: false },
      ])?.generation,
    ).toBe(1)
    const clones = { ...ended, comparison: 'different' as const, bytes: 'short' as const, isForeign: true }
    expect(forkedFrom([clones, { ...left, hasSeal: false }])?.generation).toBe(0)
    expect(leftBehind([ended, { ...left, hasSeal: true }])?.generation).toBe(1)
    expect(leftBehind([ended, { ...left, hasSeal: true, isForeign: true }])).toBeUndefined()
  })

  it('a copy that is longer than what was read of its source, but not than its file, waits', () => {
    const source = {
      stream: 's',
      length: 4,
      fileSize: 10,
      isTruncated: false,
      isShorter: false,
      isUnsettled: false,
    }
    const facts = { size: 10, isSettled: false, isOneShot: false, sources: [source] }
    expect(judgeCopy(facts).kind).toBe('wait')
    expect(judgeCopy({ ...facts, size: 11 }).kind).toBe('own')
    expect(judgeCopy({ ...facts, isSettled: true }).kind).toBe('own')
    expect(judgeCopy({ ...facts, isSettled: true, sources: [{ ...source, isShorter: true }] })).toEqual({
      kind: 'copy',
      stream: 's',
      endsSource: true,
    })
    expect(
      judgeAdopted(
        [{ stream: 's', length: 65_535, size: 70_000, samePath: true, sameMachine: true, isMissing: true }],
        false,
      ).kind,
    ).toBe('own')
  })
})

describe('plans', () => {
  it('cuts meet what has landed', () => {
    expect(nextRange({ sent: 0, size: 10, segmentBytes: 4, landed: [] })).toEqual({ start: 0, end: 4, isFull: true })
    expect(nextRange({ sent: 0, size: 10, segmentBytes: 8, landed: [0, 3] })).toEqual({
      start: 0,
      end: 3,
      isFull: true,
    })
    expect(nextRange({ sent: 9, size: 10, segmentBytes: 8, landed: [3] })).toEqual({ start: 9, end: 10, isFull: false })
    expect(nextRange({ sent: 10, size: 10, segmentBytes: 8, landed: [] })).toBeUndefined()
    const deleted = { isOneShot: false, isUnlinked: true, hasNoWriter: false, isRotated: false, sealsBefore: 0 }
    expect(completion({ ...deleted, idleMs: 9, sealAfterMs: 10 })).toBeUndefined()
    expect(completion({ ...deleted, idleMs: 10, sealAfterMs: 10 })).toBe('deleted')
    expect(completion({ ...deleted, hasNoWriter: true, idleMs: 9, sealAfterMs: 10 })).toBe('deleted')
    expect(
      completion({ ...deleted, isUnlinked: false, hasNoWriter: true, idleMs: 10, sealAfterMs: 10 }),
    ).toBeUndefined()
  })

  it('what is there already is ours where the overlap is equal and not empty', () => {
    const bytes = (text: string) => Buffer.from(text)
    expect(settleExisting(bytes('abc'), bytes('abcdef'), 6)).toEqual({ kind: 'acked', length: 6 })
    expect(settleExisting(bytes('abc'), bytes('ab'), 2)).toEqual({ kind: 'acked', length: 2 })
    expect(settleExisting(bytes('abc'), bytes(''), 0).kind).toBe('diverged')
    expect(settleExisting(bytes('abc'), bytes('abx'), 3).kind).toBe('diverged')
    expect(settleExisting(bytes('abc'), bytes('abc'), 2 ** 27).kind).toBe('diverged')
    expect(
      recut(
        [
          { offset: 0, bytes: bytes('abc') },
          { offset: 3, bytes: bytes('def') },
        ],
        0,
        bytes('abcd'),
      ),
    ).toEqual([{ offset: 4, bytes: bytes('ef') }])
    expect(
      recut(
        [
          { offset: 0, bytes: bytes('abc') },
          { offset: 3, bytes: bytes('def') },
        ],
        0,
        bytes('abcx'),
      ),
    ).toBeUndefined()
  })

  it('a token bucket never gives more than its capacity and its rate', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 60 }), (steps) => {
        const rate = { capacity: 5, perSecond: 2 }
        const bucket = full(rate, 0)
        let now = 0
        let given = 0
        for (const step of steps) {
          now += step
          if (take(bucket, rate, 1, now).waitMs === 0) given++
        }
        expect(given).toBeLessThanOrEqual(5 + (now / 1000) * 2 + 1e-6)
      }),
    )
  })
})
