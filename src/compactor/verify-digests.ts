import { mapInOrder } from '../base/concurrency.ts'
import { isCode } from '../base/errors.ts'
import { sha256 } from '../base/hash.ts'
import type { Bucket, ObjectEntry } from '../bucket/bucket.ts'
import { decodeDigest } from '../format/digest.ts'
import { type DigestFindings, DigestWalk, type StoredDigest } from '../format/digest-chain.ts'
import { hostPrefix, hourStart, parseKey } from '../format/keys.ts'
import { digestBytesMax } from '../format/limits.ts'

/** What the heartbeats of a host's agents say. */
export interface VerifiedDigests {
  host: string
  /** That there are. */
  digests: number
  /** Hours without one, from the first to the last of each stretch; the first thousand of them. */
  silent: { from: string; to: string; hours: number }[]
  moreSilentHours: number
  /** The first thousand. Not looked for with `--quick`: that takes reading them. */
  broken: DigestFindings['broken']
  moreBroken: number
}

/** Small answers: only latency counts. Each is 64 KiB at most. */
const readsAtOnce = 32

/** A year of one agent is 8,760 of them: a GET each, but for `--quick`. Memory holds some, however many there are. */
export async function verifyDigests(
  bucket: Bucket,
  host: string,
  options: {
    untilMs: number
    isQuick: boolean
    signal?: AbortSignal | undefined
    onStray?: ((key: string) => void) | undefined
    onTampered?: ((key: string) => void) | undefined
  },
): Promise<VerifiedDigests> {
  const { untilMs, isQuick, signal } = options
  const walk = new DigestWalk()
  const read = async ({ entry, hour, agent }: Listed): Promise<StoredDigest> => {
    const content = isQuick ? { sha256: '', digest: undefined } : await readDigest(bucket, entry, signal)
    return { hour, agent, ...content }
  }
  // In the order of their keys, which is that of their hours.
  for await (const one of mapInOrder(listDigests(bucket, host, options), readsAtOnce, read)) {
    // Of hours to come, which only a clock that is wrong or a host that lies writes about, no silence follows.
    if (hourStart(one.hour) <= untilMs) walk.add(one)
  }
  walk.finish(untilMs)
  const { digests, silent, moreSilentHours } = walk
  if (isQuick) return { host, digests, silent, moreSilentHours, broken: [], moreBroken: 0 }
  return { host, digests, silent, moreSilentHours, broken: walk.broken, moreBroken: walk.moreBroken }
}

interface Listed {
  entry: ObjectEntry
  hour: string
  agent: string
}

async function* listDigests(
  bucket: Bucket,
  host: string,
  {
    signal,
    onStray,
    onTampered,
  }: {
    signal?: AbortSignal | undefined
    onStray?: ((key: string) => void) | undefined
    onTampered?: ((key: string) => void) | undefined
  },
): AsyncGenerator<Listed> {
  for await (const entry of bucket.list(hostPrefix('digests', host), { signal })) {
    if (entry.kind !== 'object') continue
    const key = parseKey(entry.key)
    if (key?.kind !== 'digest') {
      onStray?.(entry.key)
      continue
    }
    if (entry.versions > 1) onTampered?.(entry.key)
    yield { entry, hour: key.hour, agent: key.agent }
  }
}

async function readDigest(
  bucket: Bucket,
  entry: ObjectEntry,
  signal: AbortSignal | undefined,
): Promise<Pick<StoredDigest, 'sha256' | 'digest'>> {
  if (entry.size > digestBytesMax) return { sha256: '', digest: undefined }
  const got = await bucket.get(entry.key, { version: entry.version, signal })
  if (got === undefined) return { sha256: '', digest: undefined }
  try {
    return { sha256: sha256(got.body), digest: decodeDigest(got.body, entry.key) }
  } catch (error) {
    if (!isCode(error, 'corrupt')) throw error
    return { sha256: sha256(got.body), digest: undefined }
  }
}
