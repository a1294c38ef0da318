import { sha256 } from '../../base/hash.ts'
import { advance } from '../../format/chain.ts'
import { type AgentContext, doubt, sourceOf } from '../context.ts'
import type { Courier } from '../courier.ts'
import { refuseJournal } from '../discovery/journal.ts'
import { completionOf, trailerOf } from '../ending/complete.ts'
import { contentOf, solidSize } from '../identity/content.ts'
import { extend, type Footprint } from '../identity/evidence.ts'
import { fork } from '../identity/fork.ts'
import { originalName } from '../identity/rules.ts'
import { type Delivery, highWatermark, type Life } from '../life.ts'
import { extendRollup } from './delivered.ts'
import { type Flight, takeOff } from './flight.ts'
import { nextRange } from './plan.ts'
import { recut } from './settle.ts'

/** Bytes of a segment that agents cut, where nothing more is said: large enough that requests cost little, small enough to hold several. */
export const segmentBytes = 4 * 1024 * 1024

/** Ships what the file has beyond what was sent. True where something was acked. */
export async function ship(context: AgentContext, courier: Courier, life: Life, delivery: Delivery): Promise<boolean> {
  const stream = delivery.stream
  const flights: Flight[] = []
  const stop = new AbortController()
  const signal = AbortSignal.any([context.signal, stop.signal])
  const isCurrent = (): boolean => delivery.stream === stream
  let progress = false
  try {
    for (;;) {
      while (isCurrent() && !life.ended) {
        const next = await launch(context, courier, life, delivery, flights, signal)
        if (next === undefined) break
        flights.push(next)
      }
      const first = flights[0]
      if (first === undefined || !isCurrent()) return progress
      const answer = await first.answer
      if (!isCurrent()) return progress
      progress = true
      flights.shift()
      try {
        if (answer.kind === 'acked') {
          acked(context, life, delivery, first, first.bytes, answer.sha256)
          if (answer.isFinal) sealedByFinal(context, life, delivery, first.bytes.byteLength, answer.sha256)
        } else if (
          answer.kind === 'diverged' ||
          !adopt(context, courier, life, delivery, first, answer.stored, flights, signal)
        ) {
          delivery.sent = delivery.acked
          await fork(context, courier, life, delivery, 'the destination has other bytes at this offset')
          return true
        }
      } finally {
        first.release()
      }
    }
  } finally {
    stop.abort(new Error('superseded'))
    for (const flight of flights) flight.release()
    // What was read but not acked is read again.
    if (isCurrent()) delivery.sent = delivery.acked
  }
}

/** Reads and sends the next segment, or says that none is to go now. */
async function launch(
  context: AgentContext,
  courier: Courier,
  life: Life,
  delivery: Delivery,
  flights: readonly Flight[],
  signal: AbortSignal,
): Promise<Flight | undefined> {
  const content = contentOf(life, delivery)
  // Nobody may meet a later segment of a stream that cannot be named yet: offset 0 first.
  if (content === undefined || (flights.length > 0 && delivery.acked.offset === 0)) return undefined
  if (hasShrunk(life)) {
    // What it holds now is the next life's, though nothing of this one was read that could tell.
    doubt(context, life)
    return undefined
  }
  const reason = completionOf(context, life)
  const footprint = delivery.sent
  const solid = reason ? content.size : await solidSize(content, footprint.offset)
  const trailer = solid < content.size ? await trailerOf(context, life, content.file) : 'none'
  const size = trailer === 'whole' ? content.size : solid
  life.withheld = { size: content.size, from: size, isForNow: trailer === 'awaited' }
  const range = nextRange({
    sent: footprint.offset,
    size,
    segmentBytes: context.reader.segmentBytes,
    landed: delivery.landed ?? [],
  })
  if (range === undefined) return undefined
  if (range.start === 0 && (await refuseJournal(context, life, content.file))) return undefined
  // Never wait for memory or budget while flights of our own hold it: they are settled first.
  const { bytes: room } = courier.destination
  const length = Math.min(range.end - range.start, room.count)
  if (flights.length > 0 && room.free < length) return undefined
  if (!range.isFull && !reason && !context.isHurried) {
    if (flights.length > 0) return undefined
    const waitMs = courier.pace.waitMs(delivery, range.end - range.start, sourceOf(context, life)?.gathering)
    if (waitMs > 0) {
      context.lookAfter(life, waitMs)
      return undefined
    }
  }
  courier.pace.sent(delivery)
  await room.acquire(signal, length)
  let release = (): void => room.release(length)
  try {
    const read = await context.reader.read(life, content, footprint, range.end)
    if (read === undefined || delivery.sent !== footprint || life.ended) {
      read?.release()
      release()
      if (read === undefined) doubt(context, life)
      return undefined
    }
    const releaseRoom = release
    release = () => {
      read.release()
      releaseRoom()
    }
    delivery.sent = extend(footprint, read.window, read.bytes).footprint
    // What was read of it when it was longer is no evidence any more, once it is delivered as it is now.
    const isFurther = delivery.sent.offset > delivery.confirmed.offset || content.size < delivery.confirmed.offset
    if (isFurther) delivery.confirmed = delivery.sent
    const isWhole = reason === 'shipped' && range.start === 0 && range.end === content.size
    const { offset, bytes, window } = read
    const cargo = { chunk: { offset, bytes }, sha256: read.sha256, after: { offset, window }, isWhole, release }
    return takeOff(context, courier, life, delivery, cargo, signal)
  } catch (error) {
    release()
    throw error
  }
}

/** Shorter than when it was last looked at; a compressed file is rewritten whole by its maker. */
function hasShrunk({ file, isWatched, size, path }: Life): boolean {
  return isWatched && file !== undefined && file.stat().size < size && originalName(path) === undefined
}

/** The one segment is the whole stream and says so: it is the seal as well, and nothing more is to be asked or written. */
function sealedByFinal(context: AgentContext, life: Life, delivery: Delivery, length: number, digest: string): void {
  delivery.sealed = { length, sha256: digest }
  context.report({
    kind: 'sealed',
    life,
    delivery,
    length,
    sha256: digest,
    reason: 'shipped',
    wasThere: false,
  })
}

/** The chain goes on by `bytes` at the flight's offset: our own, of which the hash is known, or another agent's. */
function acked(
  context: AgentContext,
  life: Life,
  delivery: Delivery,
  flight: Flight,
  bytes: Uint8Array,
  ownSha256: string | undefined,
): Footprint {
  const { footprint } = extend(delivery.acked, flight.after.window, bytes)
  delivery.acked = footprint
  if (delivery.sent.offset < footprint.offset) delivery.sent = footprint
  if (delivery.rollup !== undefined) delivery.rollup = extendRollup(delivery.rollup, ownSha256 ?? sha256(bytes))
  if (highWatermark(life) >= life.size) life.pendingSinceMs = undefined
  context.changed(life)
  context.report({ kind: 'acked', life, delivery, bytes: bytes.byteLength, sent: ownSha256 !== undefined })
  return footprint
}

/**
 * Another agent cut its segment elsewhere: its end is the chain's end now. What we hold beyond is sent anew from there;
 * false where our bytes and its bytes disagree.
 */
function adopt(
  context: AgentContext,
  courier: Courier,
  life: Life,
  delivery: Delivery,
  first: Flight,
  stored: Uint8Array,
  flights: Flight[],
  signal: AbortSignal,
): boolean {
  const rest = recut([first, ...flights], first.offset, stored)
  if (rest === undefined) return false
  acked(context, life, delivery, first, stored, undefined)
  // The bytes of a dead life are in memory only; those of a living one are read again, from the new end.
  const chunks = life.ended ? rest.map(({ offset, bytes }) => ({ offset, bytes: bytes.slice() })) : []
  for (const flight of flights.splice(0)) flight.release()
  delivery.sent = delivery.acked
  let end = advance(first.after, stored)
  for (const chunk of chunks) {
    const cargo = { chunk, sha256: Promise.resolve(sha256(chunk.bytes)), after: end, isWhole: false, release: () => {} }
    flights.push(takeOff(context, courier, life, delivery, cargo, signal))
    end = advance(end, chunk.bytes)
  }
  return true
}
