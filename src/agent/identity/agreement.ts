import { windowBytes } from '../../format/limits.ts'
import type { AgentContext } from '../context.ts'
import type { Courier } from '../courier.ts'
import { type OpenFile, readRange } from '../files/files.ts'
import type { Life } from '../life.ts'
import { type Content, sampleAt } from './content.ts'
import { compare, type Footprint, nothingShipped } from './evidence.ts'
import { compareDelivered, hashByCuts, inspectChain, sharedLength } from './inspect.ts'

/**
 * Evidence E4: whether a file and a stream are equal over the shorter of the two, by all that was read of the stream's
 * life. The answer is that length; undefined where they differ or there is nothing to compare; `unknown` for a file that
 * is shorter than what this destination lacks, where the source's file does not tell (any more). Cheap evidence rejects
 * first; what is left is compared whole, by hashes of our own where there are any, else by reading back.
 */
export async function agreesWith(
  context: AgentContext,
  courier: Courier,
  content: Content,
  source: { stream: string; life: Life | undefined },
): Promise<{ length: number } | 'unknown' | undefined> {
  const read = longestRead(source.life, source.stream)
  // Nothing was read of it yet.
  if (source.life?.file && source.life.deliveries.get(courier.name)?.stream === source.stream && read.offset === 0)
    return agreesWithLive(content, source.life, source.life.file, read)
  if (read.offset > 0 && content.size >= read.offset && compare(read, await sampleAt(content, read)) !== 'same')
    return undefined
  const found = await inspectChain(context, courier, source.stream)
  const length = Math.max(read.offset, found.footprint.offset)
  if (length === 0) return undefined
  // Delivered elsewhere, not here yet: our own footprint is all the evidence there is.
  if (found.footprint.offset === 0) {
    if (content.size >= read.offset) return { length }
    const { life } = source
    if (life?.file === undefined || life.file.stat().size < content.size) return 'unknown'
    const agreement = await agreesWithLive(content, life, life.file, read)
    return typeof agreement === 'object' ? { length } : agreement
  }
  if (!['same', 'short'].includes(await compareDelivered(context, courier, content, found))) return undefined
  const delivery = source.life?.deliveries.get(courier.name)
  const isOurs = delivery?.stream === source.stream && delivery.acked.offset === found.footprint.offset
  // As it is now: while the file is read, more may be acked.
  const rollup = isOurs ? delivery.rollup : undefined
  if (rollup !== undefined && content.size >= found.footprint.offset) {
    const local = await hashByCuts(
      content,
      found.chain.map((segment) => segment.length),
    )
    return local.rollup === rollup ? { length } : undefined
  }
  const shared = await sharedLength(context, courier, content, found)
  return shared === Math.min(content.size, found.footprint.offset) ? { length } : undefined
}

function longestRead(life: Life | undefined, stream: string): Footprint {
  let longest = nothingShipped
  for (const delivery of life?.deliveries.values() ?? []) {
    if (delivery.stream !== stream) continue
    // What no store took (`confirmed`) was read all the same: the file may have been cut and have grown since.
    for (const footprint of [delivery.sent, delivery.acked, delivery.confirmed])
      if (footprint.offset > longest.offset) longest = footprint
  }
  // Cut before anything of it was sent: what it showed is all that was read of it.
  const isOf = [...(life?.deliveries.values() ?? [])].some((delivery) => delivery.stream === stream)
  return isOf && life?.ended && life.seen && life.seen.offset > longest.offset ? life.seen : longest
}

/**
 * By the source's file as it is now. `unknown` where they differ and it is not what was read of it: it was cut and may have
 * grown since, and what the copy was made of is no longer there.
 */
async function agreesWithLive(
  content: Content,
  life: Life,
  file: OpenFile,
  read: Footprint,
): Promise<{ length: number } | 'unknown' | undefined> {
  const agreement = await agreesWithFile(content, { file, size: file.stat().size })
  if (agreement) return agreement
  const { size } = file.stat()
  const isCut = size < Math.max(life.size, read.offset)
  return isCut || compare(read, await sampleAt({ file, size }, read)) === 'different' ? 'unknown' : undefined
}

/** Byte by byte, over the shorter of the two, as far as the source's bytes are there (a spooled file has only its rest). */
export async function agreesWithFile(content: Content, source: Content): Promise<{ length: number } | undefined> {
  const length = Math.min(content.size, source.size)
  if (length === 0) return undefined
  const stretch = windowBytes * 64
  for (let at = source.file.keptFrom ?? 0; at < length; at += stretch) {
    const end = Math.min(length, at + stretch)
    if (Buffer.compare(await readRange(content.file, at, end), await readRange(source.file, at, end)) !== 0)
      return undefined
  }
  return { length: source.size }
}
