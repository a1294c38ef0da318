import { contentOf, sampleAt } from '../identity/content.ts'
import { compare } from '../identity/evidence.ts'
import { type Delivery, isOwnStream, type Life } from '../life.ts'

/**
 * Not even what this agent itself had read of the file, for whichever destination, is in it: another life, everywhere.
 * The first destination that finds its chain different asks, before it forks: one that is behind knows of nothing else,
 * and what it began on its own it would begin once more when another tells of the end. The file is asked as it is now:
 * while this destination answered slowly, others may have had more of it.
 */
export async function isReadOtherwise(life: Life, delivery: Delivery): Promise<boolean> {
  const isOwn = (stream: string | undefined): boolean => stream === undefined || isOwnStream(life, stream)
  for (const one of life.deliveries.values()) {
    // As a copy of another file it may be decoded bytes that were confirmed.
    if (one !== delivery && (one.stream === undefined || !isOwn(one.stream) || !isOwn(delivery.stream))) continue
    const { confirmed } = one
    const content = contentOf(life, delivery)
    if (content === undefined) return false
    if (confirmed.offset > content.size || compare(confirmed, await sampleAt(content, confirmed)) === 'different')
      return true
  }
  return false
}
