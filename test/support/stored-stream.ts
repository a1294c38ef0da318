import { sha256 } from '../../src/base/hash.ts'
import type { Bucket } from '../../src/bucket/bucket.ts'
import { encodeAlias } from '../../src/format/alias.ts'
import { advance, beforeOf, type ChainEnd, chainStart } from '../../src/format/chain.ts'
import { encodeGap, type GapReason } from '../../src/format/gap.ts'
import { aliasKey, gapKey, parseStreamId, sealKey, segmentKey } from '../../src/format/keys.ts'
import type { Origin } from '../../src/format/origin.ts'
import { encodeSeal } from '../../src/format/seal.ts'
import { encodeSegmentHeader } from '../../src/format/segment.ts'
import type { SeededRandom } from './seeded-random.ts'

const at = '2026-11-20T10:15:00.000Z'

/** Writes a stream into a bucket as an agent would, and keeps what it wrote. */
export interface StoredStream {
  readonly host: string
  readonly stream: string
  readonly origin: Origin
  /** Everything appended so far. */
  readonly content: Buffer
  readonly sha256: string
  /** One more segment. */
  append(bytes: Uint8Array | string): Promise<void>
  /** The whole stream in one segment that is the seal as well. */
  finish(bytes: Uint8Array | string): Promise<void>
  seal(facts?: { length?: number; sha256?: string }): Promise<void>
  gap(reason: GapReason, offset?: number, end?: number | 'open'): Promise<void>
  alias(identity: string): Promise<void>
  /** Any object in the stream's room, whatever it claims. */
  stray(offset: number, before: string, bytes: Uint8Array | string): Promise<void>
}

export function storedStream(
  bucket: Bucket,
  host: string,
  stream: string,
  path: string,
  origin: Partial<Origin> = {},
): StoredStream {
  const whole: Origin = { path, identity: parseStreamId(stream)?.identity ?? '', agent: '0.1.0', ...origin }
  let end: ChainEnd = chainStart
  let content = Buffer.alloc(0)
  const put = async (key: string, body: Uint8Array | string, metadata = {}): Promise<void> => {
    const result = await bucket.put(key, Buffer.from(body), { mode: 'create', metadata })
    if (result !== 'created') throw new Error(`${key}: ${result}`)
  }
  const append = async (bytes: Uint8Array | string, isFinal: boolean): Promise<void> => {
    const body = Buffer.from(bytes)
    const final = isFinal ? { sha256: sha256(body) } : undefined
    const metadata = end.offset === 0 ? encodeSegmentHeader({ origin: whole, final }) : {}
    await put(segmentKey(host, stream, end.offset, beforeOf(end)), body, metadata)
    end = advance(end, body)
    content = Buffer.concat([content, body])
  }
  return {
    host,
    stream,
    origin: whole,
    get content() {
      return content
    },
    get sha256() {
      return sha256(content)
    },
    append: (bytes) => append(bytes, false),
    finish: (bytes) => append(bytes, true),
    seal: (facts = {}) =>
      put(
        sealKey(host, stream, facts.length ?? content.length, facts.sha256 ?? sha256(content)),
        encodeSeal({ origin: whole, reason: 'rotated', sealedAt: at }),
      ),
    gap: (reason, offset = content.length, gapEnd = 'open') =>
      put(gapKey(host, stream, offset, gapEnd), encodeGap({ reason, at })),
    alias: (identity) =>
      put(aliasKey(host, identity, stream), encodeAlias({ reason: 'copy', origin: { ...whole, identity }, at })),
    stray: (offset, before, bytes) => put(segmentKey(host, stream, offset, before), bytes),
  }
}

/** `content` in segments of chance sizes, with objects of no agent's mixed in: other histories, and offsets beyond. */
export async function storeWithStrays(
  stored: StoredStream,
  content: Uint8Array,
  random: SeededRandom,
): Promise<{ strays: number }> {
  let strays = 0
  for (let from = 0; from < content.length; ) {
    const length = Math.min(content.length - from, random.int(1, random.pick([3, 200, 9000, 40_000])))
    await stored.append(content.subarray(from, from + length))
    from += length
    if (!random.chance(0.3)) continue
    const offset = random.pick([from, from, random.int(1, from), from + random.int(1, 1000)])
    const before = Buffer.from(random.bytes(8)).toString('hex')
    await stored.stray(offset, before, random.bytes(random.int(1, 5000)))
    strays++
  }
  return { strays }
}
