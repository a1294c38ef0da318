import { GetBucketVersioningCommand } from '@aws-sdk/client-s3'
import type { Clock } from '../base/clock.ts'
import { LogcaskError } from '../base/errors.ts'
import { sha256 } from '../base/hash.ts'
import type { Bucket, ListEntry, ListOptions, ObjectInfo, PutOptions, PutResult, ReadOptions } from './bucket.ts'
import { createS3Connection } from './s3-client.ts'
import { createObject, pieceBytes } from './s3-create.ts'
import { requireS3Key } from './s3-key.ts'
import { putAsOne } from './s3-large.ts'
import { listCurrent, listOldest } from './s3-list.ts'
import { putInParts } from './s3-parts.ts'
import { readInfo, readObject } from './s3-read.ts'
import { createAsk, type Outcome, oddAnswer, outputOf, type S3Place } from './s3-request.ts'
import { type S3Settings, urlOf } from './s3-settings.ts'

export type { S3Settings } from './s3-settings.ts'

/**
 * A bucket on S3, or on a store that speaks like it. Throws `invalid` for settings that cannot work; nothing is asked
 * before the first call, and `capabilities.versions` is right after the first read. `warn` hears of certificates that were
 * replaced by some that cannot be used: those from before stay.
 */
export function createS3Bucket(
  settings: S3Settings,
  clock: Clock,
  warn: (warning: LogcaskError) => void = () => {},
): Bucket {
  const { bucket, prefix, profile, kmsKey, expectedBucketOwner, storageClass, sse } = settings
  const url = urlOf(settings)
  const connection = createS3Connection(settings, clock, warn)
  const known = { bucket, prefix, profile, url, kmsKey, expectedBucketOwner, storageClass, sse }
  const place: S3Place = { bucket, url, ask: createAsk(connection, known, clock) }
  let isVersioned: boolean | undefined

  const hasVersions = async (signal: AbortSignal | undefined): Promise<boolean> => {
    isVersioned ??= await askVersioning(place, prefix, signal)
    return isVersioned
  }

  /** Which version is the content: undefined where there is no such key. */
  const choose = async (
    key: string,
    { version, signal }: ReadOptions,
  ): Promise<{ version: string | undefined; versions: number } | undefined> => {
    requireS3Key(key, prefix)
    if (version !== undefined || !(await hasVersions(signal))) return { version, versions: 1 }
    for await (const entry of listOldest(place, prefix + key, { signal })) {
      // The key itself sorts before all that only begin with it.
      const isKey = entry.kind === 'object' && entry.key === prefix + key
      return isKey ? { version: entry.version, versions: entry.versions } : undefined
    }
    return undefined
  }

  const describe = async (key: string, options: ReadOptions): Promise<ObjectInfo | undefined> => {
    const chosen = await choose(key, options)
    if (chosen === undefined) return undefined
    const info = await readInfo(place, prefix + key, { version: chosen.version, signal: options.signal })
    return info && { ...info, versions: chosen.versions }
  }

  return {
    url,
    capabilities: {
      get versions() {
        return isVersioned === true
      },
    },

    async put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
      requireS3Key(key, prefix)
      const isThere = async (): Promise<boolean> => (await describe(key, { signal: options.signal })) !== undefined
      const wasInPieces = body.byteLength > pieceBytes
      return createdOf(await putObject(place, prefix + key, body, options), wasInPieces, isThere)
    },

    async putLarge(key, body, options) {
      requireS3Key(key, prefix)
      const isThere = async (): Promise<boolean> => (await describe(key, { signal: options.signal })) !== undefined
      if (options.way === 'parts') return putInParts(place, prefix + key, body, options, clock, isThere)
      return createdOf(await putAsOne(place, prefix + key, body, options), true, isThere)
    },

    async get(key, options = {}) {
      const { range, into, signal } = options
      if (range !== undefined && range.end <= range.start) {
        const info = await describe(key, options)
        return info && { ...info, body: new Uint8Array(0) }
      }
      const chosen = await choose(key, options)
      if (chosen === undefined) return undefined
      const found = await readObject(place, prefix + key, { version: chosen.version, range, into, signal })
      return found && { ...found, versions: chosen.versions }
    },

    async head(key, options = {}) {
      return describe(key, options)
    },

    async *list(keyPrefix: string, options: ListOptions = {}): AsyncGenerator<ListEntry> {
      const { startAfter, signal } = options
      signal?.throwIfAborted()
      const list = (await hasVersions(signal)) ? listOldest : listCurrent
      const after = startAfter === undefined ? undefined : prefix + startAfter
      for await (const entry of list(place, prefix + keyPrefix, { ...options, startAfter: after })) {
        const name = entry.kind === 'object' ? entry.key : entry.prefix
        // A store that lists what it was not asked for is not ours to mend, but its names must not be cut wrongly.
        if (!name.startsWith(prefix)) continue
        const own = name.slice(prefix.length)
        yield entry.kind === 'object' ? { ...entry, key: own } : { kind: 'prefix', prefix: own }
      }
    },

    async close() {
      connection.close()
    },
  }
}

async function createdOf(
  outcome: Outcome<void>,
  wasInPieces: boolean,
  isThere: () => Promise<boolean>,
): Promise<PutResult> {
  if (outcome.meaning === 'acked') return 'created'
  if (outcome.meaning === 'conflict') return 'exists'
  const { status, code = '' } = outcome.answer
  // A 412 without S3's code, from whatever sent it: only what is there tells.
  if (status === 412 && (await isThere())) return 'exists'
  // A store that has the key may answer before it has read the body, and close (versitygw): the next piece of it meets
  // the reset before the answer is read, and would again. Who may not look, or cannot, knows no more than before.
  if (wasInPieces && (code === 'ECONNRESET' || code === 'EPIPE')) {
    const isTaken = await isThere().catch((error) => {
      if (error instanceof LogcaskError) return false
      throw error
    })
    if (isTaken) return 'exists'
  }
  throw outcome.error
}

/** The body is hashed once, by the caller or here: the same SHA-256 signs the request and is the checksum. */
async function putObject(
  place: S3Place,
  key: string,
  body: Uint8Array,
  { metadata, sha256: given, signal }: PutOptions,
): Promise<Outcome<void>> {
  const digest = given ?? sha256(body)
  return place.ask({ operation: 'PutObject', key }, signal, async (client, options) => {
    const creation = {
      bucket: place.bucket,
      key,
      body,
      sha256: digest,
      metadata,
    }
    const etag = await createObject(client, creation, options)
    if (etag === undefined) throw oddAnswer(place, 'PutObject')
  })
}

async function askVersioning(place: S3Place, key: string, signal: AbortSignal | undefined): Promise<boolean> {
  const outcome = await place.ask({ operation: 'GetBucketVersioning', key }, signal, (client, options) =>
    client.send(new GetBucketVersioningCommand({ Bucket: place.bucket }), options),
  )
  // Where we may not know, or the store does not, there is the current version and no other.
  if (outcome.meaning === 'refused') {
    const { code, status = 0 } = outcome.answer
    if (code === 'AccessDenied' || [405, 501].includes(status)) return false
  }
  // Suspended counts: versions from before are still there.
  return outputOf(outcome).Status !== undefined
}
