import type { AgentContext } from '../context.ts'
import type { OpenFile } from '../files/files.ts'
import { isOwnStream, type Life } from '../life.ts'
import { isSettled } from '../rest.ts'
import { type Content, sampleAt } from './content.ts'
import { compare } from './evidence.ts'

/** What a decoded rotation may take of the disk; a larger one is a file like any other. */
export const decodedBytesMax = 8 * 1024 ** 3

/**
 * What the life's compressed file decodes to: decoded once, however many destinations ask. Undefined where it is not
 * complete, not compressed, or too large.
 */
export function decodedOf(context: AgentContext, life: Life): Promise<OpenFile | undefined> {
  if (life.decoded) return Promise.resolve(life.decoded)
  if (life.file === undefined || life.undecodable === life.file.stat().stamp) return Promise.resolve(undefined)
  life.decoding ??= decode(context, life, life.file).finally(() => {
    life.decoding = undefined
  })
  return life.decoding
}

async function decode(context: AgentContext, life: Life, file: OpenFile): Promise<OpenFile | undefined> {
  const { stamp } = file.stat()
  const decoded = await context.files.decode(file, decodedBytesMax)
  if (decoded === undefined || decoded === 'too-large') {
    life.undecodable = stamp
    return undefined
  }
  if (life.file !== file || life.ended) {
    await decoded.close()
    return undefined
  }
  life.decoded = decoded
  return decoded
}

/** No destination takes its bytes from the decoded file (any more). */
export async function releaseDecoded(life: Life): Promise<void> {
  const isTaken = [...life.deliveries.values()].some(({ stream }) => stream !== undefined && !isOwnStream(life, stream))
  if (isTaken) return
  const { decoded } = life
  life.decoded = undefined
  await decoded?.close()
}

/**
 * Whether the compressed file is what was judged. Its own bytes are asked (E3) where it was not watched since; where a
 * destination still lacks something of what it decodes to, it has to decode again, too.
 */
export async function isAsJudged(context: AgentContext, life: Life, content: Content): Promise<boolean> {
  const packed = life.copy?.packed
  const isAsSeen = life.isWatched && content.file.stat().stamp === life.stamp
  if (packed && !isAsSeen && !['same', 'edited'].includes(compare(packed, await sampleAt(content, packed))))
    return false
  return isSettled(life) || (await decodedOf(context, life)) !== undefined
}
