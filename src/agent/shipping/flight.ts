import { beforeOf, type ChainEnd } from '../../format/chain.ts'
import { segmentKey } from '../../format/keys.ts'
import { segmentBytesMax } from '../../format/limits.ts'
import { decodeSegmentHeader, encodeSegmentHeader, type Metadata } from '../../format/segment.ts'
import type { AgentContext } from '../context.ts'
import type { Courier } from '../courier.ts'
import { isForeign } from '../identity/stream-origin.ts'
import { type Delivery, type Life, originAt } from '../life.ts'
import { type Chunk, settleExisting } from './settle.ts'

/** A segment on its way to a destination. */
export interface Flight extends Chunk {
  /** The chain's end that it continues. */
  after: ChainEnd
  answer: Promise<Answer>
  /** Gives the memory back: no store reads it any more. Idempotent. */
  release: () => void
}

/** `sha256`: of the bytes. `isFinal`: the segment that is there says that it is the whole stream. */
export type Answer =
  | { kind: 'acked'; sha256: string; isFinal: boolean }
  | { kind: 'adopted'; stored: Uint8Array }
  | { kind: 'diverged' }

/** Bytes that are to be a segment of `delivery.stream`. */
export interface Cargo {
  chunk: Chunk
  sha256: Promise<string>
  after: ChainEnd
  /** They are the whole stream: the segment is its seal as well. */
  isWhole: boolean
  release: () => void
}

/** Sends it off; the answer comes, however often it has to be asked for, unless `signal` aborts. */
export function takeOff(
  context: AgentContext,
  courier: Courier,
  life: Life,
  delivery: Delivery,
  cargo: Cargo,
  signal: AbortSignal,
): Flight {
  const { chunk, after, release } = cargo
  const own = new AbortController()
  const answer = send(context, courier, life, delivery, cargo, AbortSignal.any([signal, own.signal]))
  // It is awaited in its turn; until then a rejection is no unhandled one.
  answer.catch(() => {})
  let isReleased = false
  const releaseOnce = (): void => {
    if (isReleased) return
    isReleased = true
    own.abort(new Error('superseded'))
    release()
  }
  return { ...chunk, after, answer, release: releaseOnce }
}

async function send(
  context: AgentContext,
  courier: Courier,
  life: Life,
  delivery: Delivery,
  cargo: Cargo,
  signal: AbortSignal,
): Promise<Answer> {
  const { chunk, after, isWhole } = cargo
  const key = segmentKey(context.settings.host, delivery.stream ?? '', chunk.offset, beforeOf(after))
  const origin = originAt(life, delivery)
  const sha256 = await cargo.sha256
  const metadata =
    chunk.offset === 0 ? encodeSegmentHeader({ origin, final: isWhole ? { sha256 } : undefined }) : undefined
  return put(context, courier, key, chunk.bytes, sha256, metadata, signal)
}

async function put(
  context: AgentContext,
  courier: Courier,
  key: string,
  bytes: Uint8Array,
  sha256: string,
  metadata: Metadata | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  const { bucket } = courier.destination
  const result = await courier.destination.upload(
    bytes.byteLength,
    (inner) => bucket.put(key, bytes, { mode: 'create', sha256, metadata, signal: inner }),
    signal,
  )
  if (result === 'created') return { kind: 'acked', sha256, isFinal: metadata?.final === sha256 }
  // It is there: maybe our own lost answer, maybe another agent's. Only its bytes tell.
  const got = await courier.destination.request(
    (inner) => bucket.get(key, { range: { start: 0, end: segmentBytesMax }, signal: inner }),
    signal,
  )
  // Gone between two answers: an expiry or a restore. The same request again decides.
  if (got === undefined) return put(context, courier, key, bytes, sha256, metadata, signal)
  const settled = settleExisting(bytes, got.body, got.size)
  if (settled.kind === 'diverged' || isAnothersBeginning(context, got.metadata)) return { kind: 'diverged' }
  if (settled.length !== bytes.byteLength) return { kind: 'adopted', stored: got.body }
  return { kind: 'acked', sha256, isFinal: got.metadata.final === sha256 }
}

/** A stream that another machine began is not ours to go on with, though it begins with the same bytes. */
function isAnothersBeginning(context: AgentContext, metadata: Metadata): boolean {
  if (metadata.origin === undefined) return false
  try {
    return isForeign(context.settings, decodeSegmentHeader(metadata, 'origin').origin)
  } catch {
    // Not an agent's: its bytes have been compared, and nobody's machine is named.
    return false
  }
}
