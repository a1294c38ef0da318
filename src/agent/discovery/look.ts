import { type AgentContext, originOf } from '../context.ts'
import { contentOf, sampleAt } from '../identity/content.ts'
import { isAsJudged } from '../identity/decoded.ts'
import { type Comparison, compare } from '../identity/evidence.ts'
import { generationAfterEnd, judgeLook, originalName } from '../identity/rules.ts'
import { type Delivery, hasBirth, highWatermark, type Life, newLife, ownGenerations } from '../life.ts'
import { isSeenOtherwise, keepSeen } from './keep-seen.ts'

/**
 * Looks at a life's file: is it still the same life, did it grow? Local only, no destination is asked. Afterwards the
 * life's deliveries can go on, or it has ended and the next one has begun.
 */
export async function lookAt(context: AgentContext, life: Life): Promise<void> {
  const { file } = life
  if (file === undefined || life.ended) return
  const { size, links, stamp } = file.stat()
  // The same bytes under another stamp: a name came, went or moved, and only a scan tells where.
  if (life.isWatched && stamp !== life.stamp && size === life.size) context.scan()
  life.isUnlinked = links === 0
  // A restored or moved file is the live one: it goes on growing in its stream.
  if (life.copy && life.copy.reason !== 'adopted' && size > life.copy.size) {
    const isStill = (await compareAll(life)).every(({ sent }) => sent === 'same' || sent === 'edited')
    return life.ended || life.file !== file ? undefined : outgrow(context, life, size, isStill)
  }
  if (life.copy?.reason === 'compressed') {
    const isStill = await isAsJudged(context, life, { file, size })
    if (life.ended || life.file !== file) return
    // What a power cut left of it, or a compressor that began anew, is judged as what it is now.
    if (!isStill) return succeed(context, life, successor(context, life, 0))
  }
  const facts = {
    size,
    previousSize: life.size,
    isWatched: life.isWatched,
    isCompressed: originalName(life.path) !== undefined,
  }
  const isAsSeen = stamp === life.stamp && life.isWatched
  const verdict = judgeLook({
    ...facts,
    isSeenOtherwise: !isAsSeen && (await isSeenOtherwise(life, { file, size })),
    deliveries: isAsSeen ? [] : await compareAll(life),
  })
  if (life.ended || life.file !== file) return
  if (verdict.kind === 'end')
    return endLife(
      context,
      life,
      verdict.why === 'shrank' ? 'it became shorter' : 'its bytes are not what was read before',
    )
  if (verdict.kind === 'fork') for (const name of verdict.destinations) markFork(life.deliveries.get(name))
  if (size !== life.size) {
    life.grewAtMs = context.clock.monotonic()
    context.book.lively.add(life)
    // Shorter than what was shipped, and growing: the first byte that differs decides, not the acked length.
    for (const delivery of life.deliveries.values()) if (size < delivery.acked.offset) delivery.isChecked = false
  }
  if (size > highWatermark(life)) life.pendingSinceMs ??= context.clock.monotonic()
  if (size !== life.size || !life.isWatched) context.changed(life)
  life.size = size
  life.stamp = stamp
  life.isWatched = true
  await keepSeen(context, life)
}

/** Every destination's evidence; destinations at the same offset share one reading. */
async function compareAll(life: Life): Promise<{ destination: string; sent: Comparison; confirmed: Comparison }[]> {
  const found: { destination: string; sent: Comparison; confirmed: Comparison }[] = []
  const known = new Map<string, Comparison>()
  for (const delivery of life.deliveries.values()) {
    const content = contentOf(life, delivery)
    if (delivery.stream === undefined || content === undefined) continue
    const against = async (footprint: Delivery['sent']): Promise<Comparison> => {
      const key = `${content.file === life.decoded}-${footprint.offset}-${footprint.window}-${footprint.head?.whole}`
      const comparison = known.get(key) ?? compare(footprint, await sampleAt(content, footprint))
      known.set(key, comparison)
      return comparison
    }
    const sent = await against(delivery.sent)
    if ((sent === 'same' || sent === 'edited') && delivery.sent.offset > delivery.confirmed.offset)
      delivery.confirmed = delivery.sent
    // A bucket that was turned back has less than was read of the file: that counts all the same.
    const isReadFurther = delivery.confirmed.offset > delivery.sent.offset
    const confirmed = sent === 'different' || isReadFurther ? await against(delivery.confirmed) : sent
    found.push({ destination: delivery.destination, sent: confirmed === 'different' ? confirmed : sent, confirmed })
  }
  return found
}

function markFork(delivery: Delivery | undefined): void {
  if (delivery) delivery.mustFork = 'its bytes, which others delivered, are not this file’s'
}

/**
 * This life ends here: the file was truncated, rewritten, or its inode used again. Its stream gets a gap in every
 * destination, and what the file holds from now on is the next generation's.
 */
export function endLife(context: AgentContext, life: Life, why: string): void {
  const { file } = life
  if (file === undefined || life.ended) return
  const isBegun = [...life.deliveries.values()].some(({ stream }) => stream !== undefined)
  // [lostgap] Bytes that were seen but of which nothing was sent are lost, too; an empty or held file loses nothing.
  const isLost = isBegun || (life.size > 0 && life.hold === undefined)
  const firstGeneration = isLost ? generationAfterEnd(ownGenerations(life), life.firstGeneration) : life.firstGeneration
  const next = successor(context, life, firstGeneration)
  life.ended = { reason: 'truncated', atMs: context.clock.now() }
  life.file = undefined
  void life.decoded?.close()
  if (isLost) context.book.retire(life)
  else {
    // Whoever is still at work on it must not record an end: the next life begins in the same stream.
    for (const delivery of life.deliveries.values()) delivery.hasGap = true
    context.book.forget(life)
  }
  context.book.add(next)
  context.report({ kind: 'ended', life, why })
  context.changed(life)
  context.changed(next)
  if (isLost) context.look(life)
  context.look(next)
}

/** [growfork] A judged copy that grows is a file of its own. */
function outgrow(context: AgentContext, life: Life, size: number, isStill: boolean): void {
  const next = successor(context, life, 0)
  next.size = size
  // Other bytes, and no birth times: its inode is another file's now, which may be a copy.
  next.isOwn = isStill || hasBirth(life)
  if (life.copy?.reason === 'copy' && isStill)
    for (const { destination, stream, acked } of life.deliveries.values()) {
      const own = next.deliveries.get(destination)
      // What is on the chain is in this file as well: it starts again from there.
      if (own && stream !== undefined && acked.offset > 0) own.forkOf = { stream, shared: acked.offset }
    }
  succeed(context, life, next)
}

/** The file goes on in `next`, and no stream ends for it. */
function succeed(context: AgentContext, life: Life, next: Life): void {
  context.book.forget(life)
  life.ended = { reason: 'gone', atMs: context.clock.now() }
  for (const delivery of life.deliveries.values()) delivery.hasGap = true
  life.file = undefined
  void life.decoded?.close()
  context.book.add(next)
  context.changed(life)
  context.changed(next)
  context.look(next)
}

function successor(context: AgentContext, life: Life, firstGeneration: number): Life {
  const origin = originOf(context.settings, life.identity, life.path, life.origin.labels)
  const next = newLife({
    identity: life.identity,
    firstGeneration,
    origin,
    source: life.source,
    path: life.path,
    destinations: [...life.deliveries.keys()],
  })
  next.firstPath = life.firstPath
  next.file = life.file
  next.limit = life.limit
  next.isMet = life.isMet
  next.isWatched = true
  next.size = life.file?.stat().size ?? 0
  next.grewAtMs = context.clock.monotonic()
  return next
}
