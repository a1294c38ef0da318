import { isCode } from '../base/errors.ts'
import { sha256 } from '../base/hash.ts'
import type { Bucket, ObjectEntry } from '../bucket/bucket.ts'
import { decodeDigest } from '../format/digest.ts'
import { checkDigests, type DigestFindings, type StoredDigest } from '../format/digest-chain.ts'
import { hostPrefix, hourMs, hourStart, parseKey } from '../format/keys.ts'
import { digestBytesMax } from '../format/limits.ts'

/** What the heartbeats of a host's agents say. */
export interface VerifiedDigests {
  host: string
  /** That there are. */
  digests: number
  /** Hours without one, from the first to the last of each stretch. */
  silent: { from: string; to: string; hours: number }[]
  /** Not looked for with `--quick`: that takes reading them. */
  broken: DigestFindings['broken']
}

/** A year of one agent is 8,760 of them: a GET each, but for `--quick`. */
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
  const stored: StoredDigest[] = []
  for await (const entry of bucket.list(hostPrefix('digests', host), { signal })) {
    if (entry.kind !== 'object') continue
    const key = parseKey(entry.key)
    if (key?.kind !== 'digest') {
      options.onStray?.(entry.key)
      continue
    }
    if (entry.versions > 1) options.onTampered?.(entry.key)
    const read = isQuick ? { sha256: '', digest: undefined } : await readDigest(bucket, entry, signal)
    stored.push({ hour: key.hour, agent: key.agent, ...read })
  }
  const { silentHours, broken } = checkDigests(stored, untilMs)
  return { host, digests: stored.length, silent: stretches(silentHours), broken: isQuick ? [] : broken }
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

/** A host that was off for a year is one line. */
function stretches(hours: readonly string[]): VerifiedDigests['silent'] {
  const found: VerifiedDigests['silent'] = []
  for (const hour of hours) {
    const last = found.at(-1)
    if (last !== undefined && hourStart(hour) === hourStart(last.to) + hourMs) {
      last.to = hour
      last.hours++
    } else found.push({ from: hour, to: hour, hours: 1 })
  }
  return found
}
