import { createHash } from 'node:crypto'

export interface StoredVersion {
  /** `null` where the bucket has no versions. */
  id: string
  /** Undefined: a delete marker. */
  body: Buffer | undefined
  metadata: Record<string, string>
  storedAtMs: number
  /** SHA-256 of the body, hex. Its first half serves as the ETag: as on AWS with KMS, no MD5. */
  sha256: string
}

export type StoredObject = StoredVersion & { body: Buffer }

/** What one bucket of the fault server holds; tests look into it, tamper with it and turn it back. */
export class StoredObjects {
  readonly isVersioned: boolean
  readonly #now: () => number
  /** Oldest first. */
  #versions = new Map<string, readonly StoredVersion[]>()
  #sorted: string[] | undefined
  #written = 0

  constructor(isVersioned: boolean, now: () => number) {
    this.isVersioned = isVersioned
    this.#now = now
  }

  /** Overwrites, as a PUT without a condition does. */
  put(key: string, body: Uint8Array | string, metadata: Record<string, string> = {}): StoredVersion {
    return this.#store(key, Buffer.from(body), metadata)
  }

  /** A DELETE: a marker where the bucket has versions. */
  remove(key: string): StoredVersion | undefined {
    if (this.isVersioned) return this.#store(key, undefined, {})
    this.purge(key)
    return undefined
  }

  /** What a lifecycle rule does to an expired key: all of it is gone. */
  purge(key: string, version?: string): void {
    const rest = version === undefined ? [] : this.versions(key).filter(({ id }) => id !== version)
    if (rest.length > 0) this.#versions.set(key, rest)
    else this.#versions.delete(key)
    this.#sorted = undefined
  }

  /** Oldest first. */
  versions(key: string): readonly StoredVersion[] {
    return this.#versions.get(key) ?? []
  }

  /** What a GET without a version gives. */
  current(key: string): StoredObject | undefined {
    return asObject(this.versions(key).at(-1))
  }

  version(key: string, id: string): StoredObject | undefined {
    return asObject(this.versions(key).find((version) => version.id === id))
  }

  body(key: string): Buffer | undefined {
    return this.current(key)?.body
  }

  /** Keys that have content now, in the order of their bytes. */
  keys(prefix = ''): string[] {
    return this.allKeys().filter((key) => key.startsWith(prefix) && this.current(key) !== undefined)
  }

  /** With those of which only old versions are left. */
  allKeys(): readonly string[] {
    this.#sorted ??= [...this.#versions.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    return this.#sorted
  }

  /** All of it as it is now, for `restore`: a bucket that came back from an older backup. */
  snapshot(): ReadonlyMap<string, readonly StoredVersion[]> {
    return new Map(this.#versions)
  }

  restore(snapshot: ReadonlyMap<string, readonly StoredVersion[]>): void {
    this.#versions = new Map(snapshot)
    this.#sorted = undefined
  }

  #store(key: string, body: Buffer | undefined, metadata: Record<string, string>): StoredVersion {
    const id = this.isVersioned ? `v${String(++this.#written).padStart(8, '0')}` : 'null'
    const sha256 = createHash('sha256')
      .update(body ?? '')
      .digest('hex')
    const version = { id, body, metadata, storedAtMs: this.#now(), sha256 }
    if (!this.#versions.has(key)) this.#sorted = undefined
    this.#versions.set(key, this.isVersioned ? [...this.versions(key), version] : [version])
    return version
  }
}

function asObject(version: StoredVersion | undefined): StoredObject | undefined {
  return version?.body === undefined ? undefined : (version as StoredObject)
}
