import type { Agent } from '../../agent/agent.ts'
import { type Files, type OpenFile, readRange } from '../../agent/files/files.ts'
import { hashFile } from '../../agent/identity/generations.ts'
import { type Delivery, isOwnStream, type Life } from '../../agent/life.ts'
import { findDelivered } from '../../agent/shipping/delivered.ts'
import { forEachConcurrently } from '../../base/concurrency.ts'
import { isCode, LogcaskError, messageOf } from '../../base/errors.ts'
import { pathForPeople } from '../../base/path-bytes.ts'
import type { Bucket } from '../../bucket/bucket.ts'
import { describeGap, readOpenGaps } from '../../bucket/stream-gaps.ts'
import { sealsOf } from '../../bucket/stream-header.ts'
import { listGaps } from '../../bucket/stream-inventory.ts'
import { beforeOf, chainStart } from '../../format/chain.ts'
import { segmentKey, streamPrefix } from '../../format/keys.ts'
import { formatBytes } from '../terminal/units.ts'

/** What a destination, asked anew, does not show of a file. */
export interface Lack {
  path: string
  destination: string
  problem: string
  /** Bytes are lost, and no further run brings them: all that is left is there. */
  isLoss?: boolean
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
      const { path } = life
      const { destination } = delivery
      const found = local === undefined ? await remoteProblems(bucket, host, delivery, signal) : [{ problem: local }]
      for (const one of found) lacks.push({ path, destination, ...one })
    }
  })
  return lacks
}

async function remoteProblems(
  bucket: Bucket,
  host: string,
  { stream, sealed, isBeyond }: Delivery,
  signal: AbortSignal,
): Promise<Pick<Lack, 'problem' | 'isLoss'>[]> {
  // The bucket has more than this file: what it has is another agent's business.
  if (isBeyond) return []
  if (stream === undefined || sealed === undefined) return [{ problem: 'it is not sealed there' }]
  try {
    const { footprint } = await findDelivered(bucket, host, stream, signal)
    if (footprint.offset < sealed.length)
      return [{ problem: `its chain there ends at ${footprint.offset} of ${sealed.length} bytes (stream ${stream})` }]
    const seals = await sealsOf(bucket, host, stream, signal)
    const isSealed = seals.some(({ length, sha256 }) => length === sealed.length && sha256 === sealed.sha256)
    if (!isSealed && !(await isFinal(bucket, host, stream, sealed, signal)))
      return [{ problem: `its seal is not there (stream ${stream})` }]
    const prefix = streamPrefix('gaps', host, stream)
    const gaps = (await listGaps(bucket, host, { prefix, signal })).get(stream) ?? []
    const open = await readOpenGaps(bucket, gaps, footprint.offset, [...seals, sealed], { signal })
    return open.map((gap) => ({ problem: `has a gap there: ${describeGap(gap, formatBytes)}`, isLoss: true }))
  } catch (error) {
    if (isCode(error, 'unavailable', 'refused', 'corrupt')) return [{ problem: error.message }]
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
    // Read once, however many destinations have it.
    const hashes = new Map<string, Promise<string | undefined>>()
    const once = (how: string, hash: () => Promise<string | undefined>): Promise<string | undefined> => {
      const known = hashes.get(how) ?? hash()
      hashes.set(how, known)
      return known
    }
    for (const { stream, sealed: seal } of sealed) {
      const isDecoded = life.copy?.reason === 'compressed' && !isOwnStream(life, stream ?? '')
      const wanted = `${seal?.length} ${seal?.sha256}`
      const found = isDecoded
        ? await once('decoded', () => hashDecoded(file, files))
        : await once('whole', () => hashWhole(file))
      if (found !== wanted && (await once('flushed', () => hashFlushedBinlog(file))) !== wanted)
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

/** As it was delivered: a server that closes a MySQL binlog clears a flag in its header afterwards (agent/evidence.ts). */
async function hashFlushedBinlog(file: OpenFile): Promise<string | undefined> {
  const magic = await readRange(file, 0, 4)
  if (!Buffer.from([0xfe, 0x62, 0x69, 0x6e]).equals(magic)) return undefined
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
  return hashWhole(inUse)
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
