import { isCode } from '../../base/errors.ts'
import { sha256 } from '../../base/hash.ts'
import { type Bucket, listObjects, type ObjectEntry } from '../../bucket/bucket.ts'
import { decodeDigest } from '../../format/digest.ts'
import { hostPrefix, parseKey } from '../../format/keys.ts'
import { digestBytesMax } from '../../format/limits.ts'
import { createInTarget, type SyncContext } from './create-in-target.ts'

/**
 * Brings the digests of a host's agents. Each names the hash of the one before it, in its own bucket: they are copied only
 * where they go on from what the target has of that agent, or where it has nothing. An agent that delivers to both writes
 * to each its own: mixed, they would look like tampering. Answers how many were brought.
 */
export async function copyDigests(context: SyncContext, host: string): Promise<number> {
  const { source, target, signal } = context
  const [theirs, ours] = await Promise.all([source, target].map((bucket) => digestsByAgent(bucket, host, signal)))
  let copied = 0
  for (const [agent, digests] of theirs ?? []) {
    const last = ours?.get(agent)?.at(-1)
    const from = last === undefined ? 0 : digests.findIndex(({ key }) => key === last.key) + 1
    const missing = digests.slice(from)
    if (missing.length === 0 || (last !== undefined && (from === 0 || !(await isSame(context, last))))) continue
    for (const { key } of missing) {
      if (!context.isDryRun) {
        const body = await read(source, key, signal)
        // Behind one that is gone or no agent's, the next would name a predecessor that the target has not.
        if (body === undefined || !isDigest(body, key)) break
        await createInTarget(context, host, key, body)
      }
      copied++
    }
  }
  return copied
}

function isDigest(body: Uint8Array, key: string): boolean {
  try {
    decodeDigest(body, key)
    return true
  } catch (error) {
    if (isCode(error, 'corrupt')) return false
    throw error
  }
}

async function digestsByAgent(bucket: Bucket, host: string, signal: AbortSignal): Promise<Map<string, ObjectEntry[]>> {
  const found = new Map<string, ObjectEntry[]>()
  for (const entry of await listObjects(bucket, hostPrefix('digests', host), { signal })) {
    const key = parseKey(entry.key)
    if (key?.kind === 'digest') found.set(key.agent, [...(found.get(key.agent) ?? []), entry])
  }
  return found
}

async function isSame({ source, target, signal }: SyncContext, { key }: ObjectEntry): Promise<boolean> {
  const [a, b] = await Promise.all([source, target].map((bucket) => read(bucket, key, signal)))
  return a !== undefined && b !== undefined && sha256(a) === sha256(b)
}

async function read(bucket: Bucket, key: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
  const got = await bucket.get(key, { range: { start: 0, end: digestBytesMax + 1 }, signal })
  return got === undefined || got.size > digestBytesMax ? undefined : got.body
}
