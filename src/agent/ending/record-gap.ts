import { isoTime } from '../../base/clock.ts'
import { encodeGap, type Gap, type GapReason } from '../../format/gap.ts'
import { gapKey } from '../../format/keys.ts'
import type { AgentContext } from '../context.ts'
import type { Courier } from '../courier.ts'
import { readGap } from '../identity/catalogue.ts'
import { type Delivery, isOwnStream, type Life } from '../life.ts'
import { createRecord } from './finish.ts'

/** From `offset` on, the stream was left, or bytes may be missing. */
export async function recordGap(
  context: AgentContext,
  courier: Courier,
  life: Life,
  delivery: Delivery,
  stream: string,
  offset: number,
  reason: GapReason,
): Promise<void> {
  const { isNew } = await createGap(context, courier, life, stream, { offset, end: 'open' }, reason)
  if (isNew) context.report({ kind: 'gap', life, delivery, offset, reason })
}

/**
 * A life ended where this destination's chain ends: what nobody saw may be lost, and what the agent saw of it beyond that
 * is, unless it turns up. The latter has a record of its own: a seal closes the former, and only the bytes the latter.
 */
export async function recordLoss(
  context: AgentContext,
  courier: Courier,
  life: Life,
  delivery: Delivery,
  stream: string,
  reason: Exclude<GapReason, 'diverged'>,
): Promise<void> {
  const { offset } = delivery.acked
  let isNew = await createOpen(context, courier, life, stream, offset, reason)
  const seen = seenOf(life, stream)
  if (seen > offset)
    isNew = (await createGap(context, courier, life, stream, { offset, end: seen }, reason)).isNew || isNew
  if (isNew) context.report({ kind: 'gap', life, delivery, offset, reason })
}

/**
 * A key is written once: where one stands for less (the stream was left there, and came back), the loss is said from the
 * byte before on, which is delivered, or none could say it.
 */
async function createOpen(
  context: AgentContext,
  courier: Courier,
  life: Life,
  stream: string,
  end: number,
  reason: GapReason,
): Promise<boolean> {
  for (let offset = end; ; offset--) {
    const { isNew, stands } = await createGap(context, courier, life, stream, { offset, end: 'open' }, reason)
    if (isNew || offset === 0 || says(stands, reason)) return isNew
  }
}

/** Of a truncation is told that the stream is never resumed, of a fork not even that anything is lost. */
function says(stands: GapReason, reason: GapReason): boolean {
  return stands === reason || stands === 'truncated' || (stands !== 'diverged' && reason !== 'truncated')
}

async function createGap(
  context: AgentContext,
  courier: Courier,
  life: Life,
  stream: string,
  range: { offset: number; end: number | 'open' },
  reason: GapReason,
): Promise<{ isNew: boolean; stands: GapReason }> {
  const { bucket } = courier.destination
  const key = gapKey(context.settings.host, stream, range.offset, range.end)
  const gap: Gap = { reason, at: isoTime(life.ended?.atMs ?? context.clock.now()) }
  const isNew = (await createRecord(context, courier, key, encodeGap(gap))) === 'created'
  const there = isNew
    ? gap
    : await courier.destination.request((signal) => readGap(bucket, key, signal), context.signal)
  // One that cannot be understood counts as a loss to whoever reads it.
  ;(await courier.knownCatalogue)?.noteGap(key, there ?? gap)
  return { isNew, stands: there?.reason ?? reason }
}

/** Bytes that the agent saw of the stream; NULs that may be none yet, and what a compressed file decodes to, it did not. */
function seenOf(life: Life, stream: string): number {
  if (life.copy?.reason === 'compressed' && !isOwnStream(life, stream)) return 0
  return life.withheld?.size === life.size ? life.withheld.from : life.size
}
