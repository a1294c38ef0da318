import type { Clock } from '../base/clock.ts'
import { LogcaskError } from '../base/errors.ts'
import { sha256 } from '../base/hash.ts'
import type { Metadata } from '../format/segment.ts'
import type { Bucket, ListEntry, ObjectInfo, PutOptions, PutResult, ReadOptions } from './bucket.ts'
import { requireObjectKey, requirePrefix } from './directory-key.ts'
import { largeStepBytes, stretchesOf } from './large-body.ts'

/**
 * A bucket in memory, for tests and the simulation: no timers, no chance, and answers in the order of the calls. It
 * takes the keys that the directory takes, so that what passes here passes there.
 */
export interface MemoryBucket extends Bucket {
  /** What somebody with the store's keys may do past the port: overwrite an object, or delete it (`undefined`). */
  tamper(key: string, body: Uint8Array | undefined, metadata?: Metadata): void
}

interface Version {
  id: string
  /** `undefined`: a delete marker. */
  body: Uint8Array | undefined
  metadata: Metadata
  storedAtMs: number
}

type Content = Version & { body: Uint8Array }

export function createMemoryBucket(
  clock: Pick<Clock, 'now'>,
  options: { name?: string; versions?: boolean } = {},
): MemoryBucket {
  const hasVersions = options.versions ?? false
  /** Oldest first. Without versions there is at most one. */
  const objects = new Map<string, readonly Version[]>()
  let written = 0

  const store = (key: string, body: Uint8Array | undefined, metadata: Metadata): void => {
    // A copy of the caller's bytes (a Buffer's slice would be a view).
    const version = {
      id: `v${++written}`,
      body: body && new Uint8Array(body),
      metadata: { ...metadata },
      storedAtMs: clock.now(),
    }
    if (hasVersions) objects.set(key, [...(objects.get(key) ?? []), version])
    else if (body === undefined) objects.delete(key)
    else objects.set(key, [version])
  }

  const read = (key: string, options: ReadOptions | undefined): { info: ObjectInfo; body: Uint8Array } | undefined => {
    options?.signal?.throwIfAborted()
    requireObjectKey(key)
    const versions = objects.get(key) ?? []
    const wanted = options?.version
    const content = oldest(wanted === undefined ? versions : versions.filter(({ id }) => id === wanted))
    return content && { info: infoOf(content, versions.length), body: content.body }
  }

  return {
    url: `memory:///${options.name ?? ''}`,
    capabilities: { versions: hasVersions },

    async put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
      options.signal?.throwIfAborted()
      requireObjectKey(key)
      if (options.sha256 !== undefined && options.sha256 !== sha256(body)) {
        throw new LogcaskError('unavailable', `${key}: the body does not have the SHA-256 that was sent with it`, {
          hint: 'send it again; if this goes on, test the memory of this machine',
        })
      }
      // As S3: the condition looks at the newest version only, and a delete marker counts as nothing.
      if (objects.get(key)?.at(-1)?.body !== undefined) return 'exists'
      store(key, body, options.metadata ?? {})
      return 'created'
    },

    async putLarge(key, body, options) {
      const pieces: Uint8Array[] = []
      for await (const piece of stretchesOf(body, largeStepBytes, options.signal)) pieces.push(piece)
      return this.put(key, Buffer.concat(pieces), { ...options, sha256: body.sha256 })
    },

    async get(key, options) {
      const found = read(key, options)
      const range = options?.range
      return found && { ...found.info, body: range ? found.body.slice(range.start, range.end) : found.body.slice() }
    },

    async head(key, options) {
      return read(key, options)?.info
    },

    async *list(prefix, options = {}) {
      options.signal?.throwIfAborted()
      requirePrefix(prefix)
      const keys = [...objects.keys()]
        .filter((key) => key.startsWith(prefix) && key > (options.startAfter ?? ''))
        .sort()
      let folded = ''
      for (const key of keys) {
        const versions = objects.get(key) ?? []
        const content = oldest(versions)
        if (content === undefined) continue
        const cut = options.delimiter === undefined ? -1 : key.indexOf(options.delimiter, prefix.length)
        const shared = key.slice(0, cut + 1)
        if (cut >= 0 && shared === folded) continue
        folded = shared
        yield cut >= 0 ? { kind: 'prefix', prefix: shared } : entryOf(key, content, versions)
        options.signal?.throwIfAborted()
      }
    },

    async close() {},

    tamper(key, body, metadata = {}) {
      store(key, body, metadata)
    },
  }
}

function oldest(versions: readonly Version[]): Content | undefined {
  return versions.find((version): version is Content => version.body !== undefined)
}

function infoOf({ body, metadata, storedAtMs }: Content, versions: number): ObjectInfo {
  return { size: body.byteLength, storedAtMs, metadata: { ...metadata }, versions }
}

function entryOf(key: string, { id, body, storedAtMs }: Content, versions: readonly Version[]): ListEntry {
  return { kind: 'object', key, size: body.byteLength, storedAtMs, versions: versions.length, version: id }
}
