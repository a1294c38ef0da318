import { describe, expect, it } from 'vitest'
import { sha256 } from '../../src/base/hash.ts'
import type { ListedSeal } from '../../src/bucket/stream-inventory.ts'
import type { ListedSegment } from '../../src/bucket/stream-listing.ts'
import { judgeSeals, planFile, planStream } from '../../src/compactor/plan.ts'
import type { StreamRecord } from '../../src/compactor/stream-record.ts'
import { beforeOf, chainStart, SegmentMap } from '../../src/format/chain.ts'

const window = sha256(Buffer.from('window'))
const other = sha256(Buffer.from('other'))
const empty = sha256(new Uint8Array(0))

function record(length: number, more: Partial<StreamRecord> = {}): StreamRecord {
  return { name: 'h/a~0-1', length, segments: 1, window, ...more }
}

function segment(offset: number, before: string, length = 5): ListedSegment {
  return { key: `${offset}-${before}`, offset, before, length, storedAtMs: 0, versions: 1 }
}

function seal(length: number, sha = 'a'.repeat(64)): ListedSeal {
  return { key: `${length}-${sha}`, length, sha256: sha, size: 100, storedAtMs: 0 }
}

const first = beforeOf(chainStart)
const next = window.slice(0, 16)

describe('what to do with a published file', () => {
  it.each([
    ['nothing known, nothing there', undefined, undefined, { kind: 'create' }],
    ['recorded, and gone', record(9), undefined, { kind: 'create' }],
    ['there, without a record', undefined, { size: 7 }, { kind: 'adopt', size: 7 }],
    ['as recorded', record(9), { size: 9, window }, { kind: 'continue', from: 9 }],
    ['torn beyond what was synced', record(9), { size: 20, window }, { kind: 'continue', from: 9 }],
    ['empty, and recorded so', record(0), { size: 0, window }, { kind: 'continue', from: 0 }],
    ['shorter than what was synced', record(9), { size: 8 }, { kind: 'set-aside' }],
    ['other bytes before the end', record(9), { size: 9, window: other }, { kind: 'set-aside' }],
  ] as const)('%s', (_, known, file, expected) => {
    expect(planFile(known, file)).toMatchObject(expected)
  })

  it('says why it sets a file aside', () => {
    expect(planFile(record(9), { size: 8 })).toMatchObject({ reason: 'it has 8 bytes, 9 were written and synced' })
  })
})

describe('what to do with a stream', () => {
  it.each([
    ['new', [segment(0, first)], [], undefined, 'grow'],
    ['new, and its first segment is of another history', [segment(0, next)], [], undefined, 'no-beginning'],
    ['the beginning is missing', [segment(7, next)], [], undefined, 'no-beginning'],
    ['only a seal', [], [seal(7)], undefined, 'no-beginning'],
    ['only the seal of an empty file', [], [seal(0, empty)], undefined, 'grow'],
    ['a seal of length 0 that cannot be', [], [seal(0)], undefined, 'no-beginning'],
    ['only gaps or aliases', [], [], undefined, 'rest'],
    ['goes on', [segment(0, first), segment(9, next)], [], record(9), 'grow'],
    ['goes on after an expired beginning', [segment(9, next)], [], record(9), 'grow'],
    ['a stray at the end', [segment(0, first), segment(9, 'f'.repeat(16))], [], record(9), 'rest'],
    ['a segment beyond the end', [segment(12, next)], [], record(9), 'rest'],
    ['a segment of no length', [segment(9, next, 0)], [], record(9), 'rest'],
    ['live, nothing new', [segment(0, first, 9)], [], record(9), 'rest'],
    ['sealed now', [segment(0, first, 9)], [seal(9)], record(9), 'check'],
    [
      'sealed by its only segment',
      [segment(0, first, 9)],
      [],
      record(9, { final: { length: 9, sha256: other } }),
      'check',
    ],
    ['sealed, compared', [], [seal(9)], record(9, { content: { length: 9, sha256: other } }), 'rest'],
    [
      'sealed, compared when it was shorter',
      [],
      [seal(9)],
      record(9, { content: { length: 4, sha256: other } }),
      'check',
    ],
    ['outgrown', [], [seal(4)], record(9), 'rest'],
    ['shorter than its seal', [], [seal(14)], record(9), 'rest'],
    ['sealed, and goes on', [segment(9, next)], [seal(9)], record(9), 'grow'],
  ] as const)('%s', (_, segments, seals, known, kind) => {
    expect(planStream({ segments: new SegmentMap<ListedSegment>(segments), seals }, known)).toEqual({ kind })
  })
})

describe('what the seals say', () => {
  const hashed = record(9, { content: { length: 9, sha256: other } })
  it.each([
    ['no seal', hashed, [], { kind: 'open' }],
    ['a shorter one', hashed, [seal(4)], { kind: 'open' }],
    ['not hashed yet', record(9), [seal(9)], { kind: 'open' }],
    ['hashed at another length', record(9, { content: { length: 4, sha256: other } }), [seal(9)], { kind: 'open' }],
    ['this content', hashed, [seal(9, other)], { kind: 'verified', sha256: other }],
    ['I9: this content, and a lie beside it', hashed, [seal(9), seal(9, other)], { kind: 'verified', sha256: other }],
    ['another content', hashed, [seal(9)], { kind: 'mismatch', sealed: ['a'.repeat(64)], actual: other }],
    ['more than there is', hashed, [seal(9, other), seal(12)], { kind: 'short', sealed: 12, missing: 3 }],
  ] as const)('%s', (_, known, seals, expected) => {
    expect(judgeSeals(known, seals)).toEqual(expected)
  })
})
