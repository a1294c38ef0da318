import type { Metadata } from '../format/segment.ts'
import type { LargeBody } from './large-body.ts'

/**
 * The one port to what stores objects. Keys are relative to the destination's prefix (format/keys.ts). There is no
 * delete and no overwrite, because we have no use for them (I2). The conformance suite (test/support/bucket-suite.ts)
 * is its specification.
 *
 * Every method rejects with a LogcaskError: `unavailable` where nobody knows what happened (ask again), `refused` where
 * the store says no until somebody acts, `invalid` for a key that the store does not take. Only a complete, successful
 * answer resolves (I4). An aborted `signal` rejects with its reason.
 */
export interface Bucket {
  /** For people: where this is, without credentials. */
  readonly url: string
  readonly capabilities: Capabilities

  /**
   * Creates an object whole, durable and at once visible, or leaves the one that is there untouched. Atomic among any
   * number of writers: exactly one is told `created` per key, unless an answer was lost: then nobody may be.
   * `sha256` (hex, of `body`) is computed where it is not given; the store verifies it where it can.
   */
  put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult>

  /**
   * As `put`, of a body that is read while it is stored; nothing is there, and nothing visible, before all of it is. What
   * `body.read` rejects with goes up, and nothing was created.
   */
  putLarge(key: string, body: LargeBody, options: PutLargeOptions): Promise<PutResult>

  /** The content, or the half-open `range` of it, which is cut at the object's end. Only "no such key" is undefined. */
  get(key: string, options?: GetOptions): Promise<GetResult | undefined>

  /** As `get`, without the body. */
  head(key: string, options?: ReadOptions): Promise<ObjectInfo | undefined>

  /**
   * Every key that begins with `prefix` and sorts after `startAfter`, in the order of the keys' bytes. With `delimiter`
   * ('/'), keys that hold it beyond the prefix are folded to one entry each that ends with it. Complete when the
   * iteration ends; a page that fails rejects, and what came before it decides nothing.
   */
  list(prefix: string, options?: ListOptions): AsyncIterable<ListEntry>

  /** Ends connections. Idempotent. */
  close(): Promise<void>
}

export interface Capabilities {
  /** Where true, `list`, `get` and `head` show the oldest version of a key and how many there are. */
  versions: boolean
}

export type PutResult = 'created' | 'exists'

export interface PutOptions {
  /** The only mode there is; it stands here so that no call can be misread. */
  mode: 'create'
  metadata?: Metadata | undefined
  sha256?: string | undefined
  signal?: AbortSignal | undefined
}

export interface PutLargeOptions {
  mode: 'create'
  metadata?: Metadata | undefined
  signal?: AbortSignal | undefined
  /**
   * `parts`: where a store takes uploads in parts, and was seen to refuse their completion over what is there (probe-large.ts).
   * `one`: in one request, which more stores do right, and none takes beyond 5 GiB.
   */
  way: 'parts' | 'one'
}

export interface ReadOptions {
  /** The metadata is not asked for, and may be left out: a store that has to look for it is spared that. */
  isBare?: boolean | undefined
  /** As a list entry carries it: spares a versioned store the look-up of the oldest one. */
  version?: string | undefined
  signal?: AbortSignal | undefined
}

export interface GetOptions extends ReadOptions {
  /** Memory that the body may be put into where it has just as many bytes. Nothing is written there once the call has ended. */
  into?: Uint8Array | undefined
  range?: { start: number; end: number } | undefined
}

export interface ListOptions {
  startAfter?: string | undefined
  delimiter?: '/' | undefined
  signal?: AbortSignal | undefined
}

export interface ObjectInfo {
  /** Bytes of the whole object. */
  size: number
  /** When the store took it, milliseconds since 1970. */
  storedAtMs: number
  metadata: Metadata
  /** Versions of this key (delete markers included); 1 where the store has no versions. More than one is tampering. */
  versions: number
}

export interface GetResult extends ObjectInfo {
  body: Uint8Array
}

export type ListEntry =
  | { kind: 'object'; key: string; size: number; storedAtMs: number; versions: number; version?: string | undefined }
  | { kind: 'prefix'; prefix: string }

export type ObjectEntry = Extract<ListEntry, { kind: 'object' }>

/** All objects under `prefix`, once the listing is complete. */
export async function listObjects(bucket: Bucket, prefix: string, options: ListOptions = {}): Promise<ObjectEntry[]> {
  const entries: ObjectEntry[] = []
  for await (const entry of bucket.list(prefix, options)) if (entry.kind === 'object') entries.push(entry)
  return entries
}

/** The names directly under `prefix` (which ends in '/'), without it and without the closing '/'. */
export async function listNames(bucket: Bucket, prefix: string, options: ListOptions = {}): Promise<string[]> {
  const names: string[] = []
  for await (const entry of bucket.list(prefix, { ...options, delimiter: '/' })) {
    if (entry.kind === 'prefix') names.push(entry.prefix.slice(prefix.length, -1))
  }
  return names
}
