import type { Agent } from '../../agent/agent.ts'
import { type Files, type OpenFile, readRange } from '../../agent/files/files.ts'
import { hashFile } from '../../agent/identity/generations.ts'
import { type Delivery, isOwnStream, type Life } from '../../agent/life.ts'
import { findDelivered } from '../../agent/shipping/delivered.ts'
import { forEachConcurrently } from '../../base/concurrency.ts'
import { isCode, LogcaskError, messageOf } from '../../base/errors.ts'
import { pathForPeople } from '../../base/path-bytes.ts'
import { type Bucket, listObjects } from '../../bucket/bucket.ts'
import { beforeOf, chainStart } from '../../format/chain.ts'
import { parseKey, segmentKey, streamPrefix } from '../../format/keys.ts'

/** What a destination, asked anew, does not show of a file. */
export interface Lack {
  path: string
  destination: string
  problem: string
}

/** How the problem of a file begins whose writer is still at work. */
export const grown = 'it has grown'

/** A decoded rotation, as the agent bounds it. */
const decodedBytesMax = 8 * 1024 ** 3
const streamsAtOnce = 8

/**
 * Asks every destination anew, after the run: each stream's whole chain, its seal, and no open gap beyond it; and reads
 * every local file again: its length and hash are the seal's. The answer is what is missing, and what has grown.
 */
export async function verifyDelivered(
  agent: Pick<Agent, 'couriers'>,
  lives: readonly Life[],
  host: string,
  files: Files,
  signal: AbortSignal,
): Promise<Lack[]> {
  const lacks: Lack[] = []
  await forEachConcurrently(lives, streamsAtOnce, async (life) => {
    signal.throwIfAborted()
    const local = await localProblem(life, files)
    for (const delivery of life.deliveries.values()) {
      const bucket = agent.couriers.get(delivery.destination)?.destination.bucket
      if (bucket === undefined) continue
      const problem = local ?? (await remoteProblem(bucket, host, delivery, signal))
      if (problem !== undefined) lacks.push({ path: life.path, destination: delivery.destination, problem })
    }
  })
  return lacks
}

async function remoteProblem(
  bucket: Bucket,
  host: string,
  { stream, sealed, isBeyond }: Delivery,
  signal: AbortSignal,
): Promise<string | undefined> {
  // The bucket has more than this file: what it has is another agent's business.
  if (isBeyond) return undefined
  if (stream === undefined || sealed === undefined) return 'it is not sealed there'
  try {
    const { footprint } = await findDelivered(bucket, host, stream, signal)
    if (footprint.offset < sealed.length)
      return `its chain there ends at ${footprint.offset} of ${sealed.length} bytes (stream ${stream})`
    const seals = await listObjects(bucket, streamPrefix('seals', host, stream), { signal })
    const isSealed = seals.some(({ key }) => {
      const seal = parseKey(key)
      return seal?.kind === 'seal' && seal.length === sealed.length && seal.sha256 === sealed.sha256
    })
    if (!isSealed && !(await isFinal(bucket, host, stream, sealed, signal)))
      return `its seal is not there (stream ${stream})`
    return undefined
  } catch (error) {
    if (isCode(error, 'unavailable', 'refused', 'corrupt')) return error.message
    throw error
  }
}

async function isFinal(
  bucket: Bucket,
  host: string,
  stream: string,
  sealed: { length: number; sha256: string },
  signal: AbortSignal,
): Promise<boolean> {
  if (sealed.length === 0) return false
  const first = await bucket.head(segmentKey(host, stream, 0, beforeOf(chainStart)), { signal })
  return first?.size === sealed.length && first.metadata.final === sealed.sha256
}

/** The file on the disk, read again, against its seals; undefined also where it is gone: then the seal is all there is. */
async function localProblem(life: Life, files: Files): Promise<string | undefined> {
  const sealed = [...life.deliveries.values()].filter((one) => one.stream !== undefined && one.sealed !== undefined)
  if (life.ended || sealed.every(({ isBeyond }) => isBeyond)) return undefined
  const file = await files.open(life.path, false).catch((error) => {
    throw new LogcaskError('unavailable', `${pathForPeople(life.path)}: ${messageOf(error)}`, { cause: error })
  })
  if (file === undefined) return undefined
  try {
    if (file.identity !== life.identity) return undefined
    const limit = life.limit ?? life.size
    const { size } = file.stat()
    if (size > limit) return `${grown} by ${size - limit} bytes since: stop its writer`
    for (const { stream, sealed: seal } of sealed) {
      const isDecoded = life.copy?.reason === 'compressed' && !isOwnStream(life, stream ?? '')
      const wanted = `${seal?.length} ${seal?.sha256}`
      const found = isDecoded ? await hashDecoded(file, files) : await hashWhole(file)
      if (found !== wanted && !(await isFlushedBinlog(file, wanted)))
        return 'its bytes on this machine are not those that were delivered'
    }
    return undefined
  } finally {
    await file.close()
  }
}

async function hashWhole(file: OpenFile): Promise<string> {
  const { size } = file.stat()
  return `${size} ${await hashFile({ file, size })}`
}

/** A server that closes a MySQL binlog clears a flag in its header, which was delivered long before (agent/evidence.ts). */
async function isFlushedBinlog(file: OpenFile, wanted: string): Promise<boolean> {
  const magic = await readRange(file, 0, 4)
  if (!Buffer.from([0xfe, 0x62, 0x69, 0x6e]).equals(magic)) return false
  const inUse: OpenFile = {
    identity: file.identity,
    stat: () => file.stat(),
    close: () => Promise.resolve(),
    async read(into, position) {
      const length = await file.read(into, position)
      const at = 21 - position
      if (at >= 0 && at < length) into[at] = (into[at] ?? 0) | 1
      return length
    },
  }
  return (await hashWhole(inUse)) === wanted
}

async function hashDecoded(file: OpenFile, files: Files): Promise<string> {
  const decoded = await files.decode(file, decodedBytesMax)
  if (decoded === undefined || decoded === 'too-large') return ''
  try {
    return await hashWhole(decoded)
  } finally {
    await decoded.close()
  }
}
