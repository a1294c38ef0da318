import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LogcaskError } from '../../src/base/errors.ts'
import { sha256 } from '../../src/base/hash.ts'
import { type Digest, type DigestStream, decodeDigest, encodeDigest } from '../../src/format/digest.ts'
import { checkDigests, type StoredDigest } from '../../src/format/digest-chain.ts'
import { hourMs, hourOf } from '../../src/format/keys.ts'
import { digestBytesMax, digestStreamsMax, offsetMax } from '../../src/format/limits.ts'
import { anyOffset, anySha256, anyStream, anyTime } from './arbitraries.ts'

const someStream: DigestStream = {
  stream: '20261120T101500123456789Z-1a2b',
  length: 104857600,
  rollup: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  sealed: true,
}
const some: Digest = {
  at: '2026-11-20T10:03:00.000Z',
  previous: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  begun: 1,
  acked: 2,
  sealed: 1,
  streams: [{ stream: '0-zwb.2', length: 0 }, someStream],
  more: 0,
}

describe('digests', () => {
  it('golden bytes of format v1', () => {
    expect(encodeDigest(some)).toBe(
      '{"v":1,"at":"2026-11-20T10:03:00.000Z","previous":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",' +
        '"begun":1,"acked":2,"sealed":1,"streams":[{"stream":"0-zwb.2","length":0},' +
        '{"stream":"20261120T101500123456789Z-1a2b","length":104857600,' +
        '"rollup":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","sealed":true}],"more":0}',
    )
    const quiet: Digest = { at: some.at, begun: 0, acked: 0, sealed: 0, streams: [], more: 0 }
    expect(encodeDigest(quiet)).toBe(
      '{"v":1,"at":"2026-11-20T10:03:00.000Z","begun":0,"acked":0,"sealed":0,"streams":[],"more":0}',
    )
  })

  it('round-trip', () => {
    const anyDigest = fc.record(
      {
        at: anyTime,
        previous: anySha256,
        begun: anyOffset,
        acked: anyOffset,
        sealed: anyOffset,
        more: anyOffset,
        streams: fc
          .uniqueArray(
            fc.record(
              { stream: anyStream, length: anyOffset, rollup: anySha256, sealed: fc.constant(true as const) },
              { requiredKeys: ['stream', 'length'] },
            ),
            { selector: ({ stream }) => stream, maxLength: 20 },
          )
          .map((streams) => streams.sort((a, b) => (a.stream < b.stream ? -1 : 1))),
      },
      { requiredKeys: ['at', 'begun', 'acked', 'sealed', 'more', 'streams'] },
    )
    fc.assert(
      fc.property(anyDigest, (digest) => {
        expect(decodeDigest(encodeDigest(digest))).toEqual(digest)
        expect(decodeDigest(Buffer.from(encodeDigest(digest)))).toEqual(digest)
      }),
    )
  })

  it('I7: the largest one fits', () => {
    const streams = Array.from({ length: digestStreamsMax }, (_, at) => ({
      stream: `99991231T235959999999999Z-${at.toString(36).padStart(13, '9')}z.999999`,
      length: offsetMax,
      rollup: 'f'.repeat(64),
      sealed: true as const,
    })).sort((a, b) => (a.stream < b.stream ? -1 : 1))
    const largest: Digest = { ...some, begun: offsetMax, acked: offsetMax, sealed: offsetMax, streams, more: offsetMax }
    expect(encodeDigest(largest).length).toBeLessThan(digestBytesMax)
    expect(decodeDigest(encodeDigest(largest))).toEqual(largest)
  })

  const withStreams = (...streams: unknown[]): string => JSON.stringify({ v: 1, ...some, streams })
  it.each([
    ['not JSON', '{'],
    ['another version', JSON.stringify({ ...some, v: 2 })],
    ['no version', JSON.stringify(some)],
    ['no time', JSON.stringify({ v: 1, ...some, at: 1 })],
    ['a hash that is none', JSON.stringify({ v: 1, ...some, previous: 'F'.repeat(64) })],
    ['a negative count', JSON.stringify({ v: 1, ...some, begun: -1 })],
    ['a count beyond all', JSON.stringify({ v: 1, ...some, more: 2 ** 60 })],
    ['half a count', JSON.stringify({ v: 1, ...some, acked: 0.5 })],
    ['no streams', JSON.stringify({ v: 1, ...some, streams: {} })],
    ['a stream that is none', withStreams({ stream: '../x', length: 1 })],
    ['a null among them', withStreams(null)],
    ['a length that is text', withStreams({ stream: '0-1', length: '1' })],
    ['a rollup that is none', withStreams({ stream: '0-1', length: 1, rollup: 'x' })],
    ['sealed: false', withStreams({ stream: '0-1', length: 1, sealed: false })],
    ['streams out of order', withStreams({ stream: '0-2', length: 1 }, { stream: '0-1', length: 1 })],
    ['a stream twice', withStreams({ stream: '0-1', length: 1 }, { stream: '0-1', length: 2 })],
    [
      'too many streams',
      withStreams(...Array.from({ length: digestStreamsMax + 1 }, (_, at) => ({ stream: `0-${at}`, length: 0 }))),
    ],
    ['too many bytes', `${encodeDigest(some)}${' '.repeat(digestBytesMax)}`],
  ])('I9: refuses %s', (_, text) => {
    const refusal = (): unknown => {
      try {
        return decodeDigest(text)
      } catch (error) {
        return error
      }
    }
    expect(refusal()).toBeInstanceOf(LogcaskError)
    expect(refusal()).toMatchObject({ code: 'corrupt' })
  })

  it('I9: nothing else is thrown, whatever the bytes', () => {
    const hostile = fc.oneof(
      fc.string(),
      fc.json(),
      fc.json().map((json) => `{"v":1,"streams":[${json}],"at":""}`),
    )
    fc.assert(
      fc.property(hostile, (text) => {
        try {
          decodeDigest(text)
        } catch (error) {
          expect(error).toMatchObject({ code: 'corrupt' })
        }
      }),
    )
  })
})

describe('the digests of a host', () => {
  const start = Date.parse('2026-11-20T22:00:00Z')
  const [agentA, agentB] = ['a'.repeat(16), 'b'.repeat(16)]

  /** A chain as an agent writes it, at these hours after the start. */
  function chain(agent: string, hours: readonly number[]): StoredDigest[] {
    let previous: string | undefined
    return hours.map((hour) => {
      const digest: Digest = { ...some, at: `${hour}`, previous }
      previous = sha256(Buffer.from(encodeDigest(digest)))
      return { hour: hourOf(start + hour * hourMs), agent, sha256: previous, digest }
    })
  }
  const now = start + 6.5 * hourMs

  it('that was always there have nothing to say', () => {
    const digests = chain(agentA, [0, 1, 2, 3, 4, 5])
    expect(checkDigests(digests.toReversed(), now)).toEqual({ silentHours: [], broken: [], severalAgents: [] })
    expect(checkDigests([], now)).toEqual({ silentHours: [], broken: [], severalAgents: [] })
  })

  it('tell silent hours from quiet ones, up to now; the hour that is not over is not silent', () => {
    expect(checkDigests(chain(agentA, [0, 1, 4]), now).silentHours).toEqual([
      '20261121T00Z',
      '20261121T01Z',
      '20261121T03Z',
    ])
  })

  it('show that one was taken away, exchanged, or cannot be read', () => {
    const digests = chain(agentA, [0, 1, 2, 3, 4, 5])
    const hours = digests.map(({ hour }) => hour)
    const broken = (changed: StoredDigest[]) =>
      checkDigests(changed, now).broken.map(({ hour, why }) => `${hour} ${why}`)
    expect(broken(digests.toSpliced(2, 1))).toEqual([`${hours[3]} other predecessor`])
    expect(broken(digests.slice(1))).toEqual([`${hours[1]} predecessor missing`])
    expect(broken(digests.with(2, { ...(digests[2] as StoredDigest), sha256: 'f'.repeat(64) }))).toEqual([
      `${hours[3]} other predecessor`,
    ])
    expect(broken(digests.with(2, { ...(digests[2] as StoredDigest), digest: undefined }))).toEqual([
      `${hours[2]} unreadable`,
    ])
  })

  it('show a state directory that was lost, and two agents at once', () => {
    const digests = [...chain(agentA, [0, 1, 2]), ...chain(agentB, [2, 3, 4, 5])]
    expect(checkDigests(digests, now)).toEqual({
      silentHours: [],
      broken: [],
      severalAgents: [{ hour: '20261121T00Z', agents: [agentA, agentB] }],
    })
  })
})
