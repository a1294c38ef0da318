import { parseStreamId } from './keys.ts'
import { digestBytesMax, digestStreamsMax, offsetMax } from './limits.ts'
import { corrupt, decodeRecord, encodeRecord, type Fields, textField } from './record.ts'

/**
 * The heartbeat of an agent: one per UTC hour and destination, also when nothing happened, each with the hash of the one
 * before. Hour and agent are in its key.
 */
export interface Digest {
  /** When it was written: ISO 8601, UTC. */
  at: string
  /** SHA-256 (hex) of the whole digest that this agent wrote before this one; undefined in its first. */
  previous?: string | undefined
  /** How many streams were begun (or resumed), grew, or were sealed since the previous digest. */
  begun: number
  acked: number
  sealed: number
  /** Where streams stood: of those that changed, as many as fit, by their names. */
  streams: readonly DigestStream[]
  /** How many more changed: later digests tell of them. */
  more: number
}

export interface DigestStream {
  stream: string
  /** Bytes on its chain. */
  length: number
  /** SHA-256 over the SHA-256 of each segment of the chain, one after the other; undefined where others shipped some. */
  rollup?: string | undefined
  sealed?: true | undefined
}

export function encodeDigest(digest: Digest): string {
  const { at, previous, begun, acked, sealed, more } = digest
  const streams = digest.streams.map(({ stream, length, rollup, sealed }) => ({ stream, length, rollup, sealed }))
  return encodeRecord({ at, previous, begun, acked, sealed, streams, more })
}

export function decodeDigest(text: string | Uint8Array, what = 'digest'): Digest {
  const fields = decodeRecord(text, what, digestBytesMax)
  const { streams } = fields
  if (!Array.isArray(streams) || streams.length > digestStreamsMax) throw corrupt(what, '"streams" is no list of them')
  const found = streams.map((entry) => streamFromEntry(entry, what))
  if (found.some(({ stream }, at) => at > 0 && stream <= (found[at - 1]?.stream ?? '')))
    throw corrupt(what, 'its streams are not in order')
  return {
    at: textField(fields, 'at', what),
    previous: optionalHash(fields, 'previous', what),
    begun: countField(fields, 'begun', what),
    acked: countField(fields, 'acked', what),
    sealed: countField(fields, 'sealed', what),
    streams: found,
    more: countField(fields, 'more', what),
  }
}

function streamFromEntry(entry: unknown, what: string): DigestStream {
  if (typeof entry !== 'object' || entry === null) throw corrupt(what, 'an entry of "streams" is no object')
  const fields = entry as Fields
  const stream = textField(fields, 'stream', what)
  if (parseStreamId(stream) === undefined) throw corrupt(what, '"stream" names no stream')
  const { sealed } = fields
  if (sealed !== undefined && sealed !== true) throw corrupt(what, '"sealed" is not true')
  return { stream, length: countField(fields, 'length', what), rollup: optionalHash(fields, 'rollup', what), sealed }
}

function countField(fields: Fields, name: string, what: string): number {
  const value = fields[name]
  if (!Number.isSafeInteger(value) || (value as number) < 0 || (value as number) > offsetMax)
    throw corrupt(what, `"${name}" is no count`)
  return value as number
}

function optionalHash(fields: Fields, name: string, what: string): string | undefined {
  if (fields[name] === undefined) return undefined
  const value = textField(fields, name, what)
  if (!/^[0-9a-f]{64}$/.test(value)) throw corrupt(what, `"${name}" is no SHA-256`)
  return value
}
