import { LogcaskError } from '../base/errors.ts'
import { beforeOf, chainStart } from '../format/chain.ts'
import { decodeGap, type Gap } from '../format/gap.ts'
import { segmentKey, streamPrefix } from '../format/keys.ts'
import { recordBytesMax } from '../format/limits.ts'
import type { Origin } from '../format/origin.ts'
import { corrupt } from '../format/record.ts'
import { decodeSeal, type Seal } from '../format/seal.ts'
import { decodeSegmentHeader } from '../format/segment.ts'
import type { Bucket } from './bucket.ts'
import { type ListedGap, type ListedSeal, listSeals } from './stream-inventory.ts'

/** What a stream says about itself at its beginning. Never changes, so that readers may keep it. */
export interface StreamHeader {
  origin: Origin
  /** The seal that the segment at offset 0 is as well. */
  final?: { length: number; sha256: string } | undefined
  /** When the object that says so was stored, milliseconds since 1970. */
  storedAtMs?: number | undefined
}

/** The only key that the segment at offset 0 may have. */
export function firstKey(host: string, stream: string): string {
  return segmentKey(host, stream, 0, beforeOf(chainStart))
}

/**
 * The header of a stream: of its segment at offset 0, or, where there is none (an empty file, or it has expired), from
 * its longest seal; undefined where there is neither. `seals` spares a listing. Rejects with `corrupt` for a record
 * that no agent wrote, or a later one: that stream cannot be named, and others do not care.
 */
export async function readHeader(
  bucket: Bucket,
  host: string,
  stream: string,
  options: { seals?: readonly ListedSeal[]; signal?: AbortSignal | undefined } = {},
): Promise<StreamHeader | undefined> {
  const { signal } = options
  const key = firstKey(host, stream)
  const info = await bucket.head(key, { signal })
  if (info !== undefined) return { ...headerOf(info.metadata, key, info.size), storedAtMs: info.storedAtMs }
  const seals = options.seals ?? (await sealsOf(bucket, host, stream, signal))
  const longest = seals.at(-1)
  return longest && { origin: (await readSeal(bucket, longest, signal)).origin, storedAtMs: longest.storedAtMs }
}

/** As read with a segment at offset 0 that has `length` bytes. */
export function headerOf(metadata: Readonly<Record<string, string>>, key: string, length: number): StreamHeader {
  const { origin, final } = decodeSegmentHeader(metadata, key)
  return { origin, final: final && { length, sha256: final.sha256 } }
}

/** The seals of one stream, by length, ascending. */
export async function sealsOf(
  bucket: Bucket,
  host: string,
  stream: string,
  signal?: AbortSignal | undefined,
): Promise<ListedSeal[]> {
  const found = await listSeals(bucket, host, { prefix: streamPrefix('seals', host, stream), signal })
  return found.get(stream) ?? []
}

export async function readSeal(bucket: Bucket, seal: ListedSeal, signal?: AbortSignal | undefined): Promise<Seal> {
  return decodeSeal(await readRecord(bucket, seal, signal), seal.key)
}

export async function readGap(bucket: Bucket, gap: ListedGap, signal?: AbortSignal | undefined): Promise<Gap> {
  return decodeGap(await readRecord(bucket, gap, signal), gap.key)
}

async function readRecord(
  bucket: Bucket,
  record: { key: string; size: number },
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  // Before it is read: a host may have put anything there.
  if (record.size > recordBytesMax) throw corrupt(record.key, `is larger than ${recordBytesMax} bytes`)
  const got = await bucket.get(record.key, { signal })
  if (got === undefined) {
    throw new LogcaskError('unavailable', `${record.key}: was listed and is gone`, { hint: 'list again' })
  }
  return got.body
}
