import { createHash } from 'node:crypto'
import { sha256 } from '../../base/hash.ts'
import { windowBytes } from '../../format/limits.ts'
import type { AgentContext } from '../context.ts'
import type { Courier } from '../courier.ts'
import { readRange } from '../files/files.ts'
import type { Delivery, Life } from '../life.ts'
import { type Delivered, extendRollup, findDelivered, hashDelivered, readDelivered } from '../shipping/delivered.ts'
import { type Content, contentOf, sampleAt } from './content.ts'
import { type Comparison, compare, compareShort, type Footprint } from './evidence.ts'

/** The whole chain of a stream at a destination, walked. */
export function inspectChain(context: AgentContext, courier: Courier, stream: string): Promise<Delivered> {
  const { bucket } = courier.destination
  return courier.destination.request(
    (signal) => findDelivered(bucket, context.settings.host, stream, signal),
    context.signal,
  )
}

/** A chain against a file, also where the file is the shorter of the two: then the delivered bytes are read back. */
export async function compareDelivered(
  context: AgentContext,
  courier: Courier,
  content: Content,
  delivered: Pick<Delivered, 'footprint' | 'chain'>,
): Promise<Comparison> {
  const sample = await sampleAt(content, delivered.footprint)
  const comparison = compare(delivered.footprint, sample)
  if (comparison !== 'short') return comparison
  const { size } = content
  const { bucket } = courier.destination
  const readBack = (start: number, end: number): Promise<Uint8Array> =>
    courier.destination.request((signal) => readDelivered(bucket, delivered.chain, start, end, signal), context.signal)
  const file = { size, head: sample.head, window: await readRange(content.file, Math.max(0, size - windowBytes), size) }
  return compareShort(file, {
    head: await readBack(0, Math.min(windowBytes, size)),
    window: await readBack(Math.max(0, size - windowBytes), size),
  })
}

/** What a life showed at its ends, its file gone, against a chain as long; `short` where the chain ends before. */
export async function compareSeen(
  context: AgentContext,
  courier: Courier,
  seen: Footprint,
  { footprint, chain }: Delivered,
): Promise<Comparison> {
  const size = footprint.offset
  if (size < seen.offset) return 'short'
  const { bucket } = courier.destination
  const readBack = (start: number, end: number): Promise<Uint8Array> =>
    courier.destination.request((signal) => readDelivered(bucket, chain, start, end, signal), context.signal)
  const head = await readBack(0, Math.min(windowBytes, size))
  const window = await readBack(Math.max(0, seen.offset - windowBytes), seen.offset)
  return compare(seen, { size, head, window })
}

/**
 * SHA-256 of the stream as it was shipped: by the running hash, else by a slow re-read of the file in the segments'
 * cuts, else (a segment's local bytes were edited, or others shipped it) read back from the destination. Undefined where
 * the chain is no longer what was found.
 */
export async function hashContent(
  context: AgentContext,
  courier: Courier,
  life: Life,
  delivery: Delivery,
  found: Delivered,
): Promise<string | undefined> {
  const length = found.footprint.offset
  if (length === 0) return sha256(new Uint8Array(0))
  const { running } = life
  if (running?.offset === length && running.rollup === delivery.rollup) {
    const digest = await running.digest()
    if (digest !== undefined) return digest
  }
  const content = wholeOf(contentOf(life, delivery))
  if (content !== undefined && delivery.rollup !== undefined) {
    const local = await hashByCuts(
      content,
      found.chain.map((segment) => segment.length),
    )
    if (local.rollup === delivery.rollup) return local.sha256
  }
  const { bucket } = courier.destination
  const remote = await courier.destination.request(
    (signal) => hashDelivered(bucket, found.segments, signal),
    context.signal,
  )
  if (remote.length !== length) return undefined
  if (content !== undefined) {
    const local = await hashByCuts(
      content,
      found.chain.map((segment) => segment.length),
    )
    if (local.rollup !== remote.rollup) context.report({ kind: 'edited', life, delivery })
  }
  delivery.rollup = remote.rollup
  return remote.sha256
}

/** Of what the spool keeps only the rest is there to be read. */
function wholeOf(content: Content | undefined): Content | undefined {
  return (content?.file.keptFrom ?? 0) > windowBytes ? undefined : content
}

/** Large enough that a read costs little beside its hashes. */
const pieceBytes = 1024 * 1024

/** A file's own hash and rollup, cut as the chain is. */
export async function hashByCuts(
  content: Content,
  lengths: readonly number[],
): Promise<{ sha256: string; rollup: string }> {
  const hash = createHash('sha256')
  // One for all: new ones for each segment would be garbage by the gigabyte, and segments of others are up to 64 MiB.
  const buffer = new Uint8Array(pieceBytes)
  let rollup = ''
  let at = 0
  for (const length of lengths) {
    const own = createHash('sha256')
    for (let done = 0; done < length; ) {
      const room = buffer.subarray(0, Math.min(pieceBytes, length - done))
      const bytes = buffer.subarray(0, await content.file.read(room, at + done))
      if (bytes.byteLength === 0) break
      for (const one of [hash, own]) one.update(bytes)
      done += bytes.byteLength
    }
    rollup = extendRollup(rollup, own.digest('hex'))
    at += length
  }
  return { sha256: hash.digest('hex'), rollup }
}

/** How much of the chain the file holds, byte by byte, up to the first difference: what a fork shares with it. */
export async function sharedLength(
  context: AgentContext,
  courier: Courier,
  content: Content,
  delivered: Delivered,
): Promise<number> {
  const { bucket } = courier.destination
  for (const segment of delivered.chain) {
    const end = Math.min(segment.offset + segment.length, content.size)
    if (end <= segment.offset) return content.size
    const theirs = await courier.destination.request(
      (signal) => readDelivered(bucket, delivered.chain, segment.offset, end, signal),
      context.signal,
    )
    const ours = await readRange(content.file, segment.offset, end)
    const differs = ours.findIndex((byte, at) => byte !== theirs[at])
    if (differs >= 0) return segment.offset + differs
    if (ours.byteLength < theirs.byteLength) return segment.offset + ours.byteLength
  }
  return Math.min(delivered.footprint.offset, content.size)
}
