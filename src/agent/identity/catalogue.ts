import { type Bucket, listNames } from '../../bucket/bucket.ts'
import { decodeGap, type Gap } from '../../format/gap.ts'
import { hostPrefix, parseKey, parseStreamId, streamId } from '../../format/keys.ts'
import type { Origin } from '../../format/origin.ts'

export interface SealRef {
  length: number
  sha256: string
}

export interface GapRef {
  key: string
  offset: number
  end: number | 'open'
}

/**
 * What a destination has of our host, by name only: one listing each of streams, seals, gaps and aliases, then kept
 * current by what this agent itself does. It is what the checkpoint may have forgotten; another agent's later doings
 * are met by the answer 412.
 */
export class Catalogue {
  readonly #generations = new Map<string, Set<number>>()
  readonly #seals = new Map<string, SealRef[]>()
  readonly #gaps = new Map<string, GapRef[]>()
  readonly #aliases = new Map<string, string[]>()
  readonly #unsealed = new Set<string>()
  readonly #bySeal = new Map<string, string[]>()
  readonly #gapRecords = new Map<string, Gap>()
  /** Of streams whose origin was asked for. */
  readonly origins = new Map<string, Origin>()

  /** Complete or rejected (I4). */
  static async load(bucket: Bucket, host: string, signal: AbortSignal): Promise<Catalogue> {
    const catalogue = new Catalogue()
    for (const stream of await listNames(bucket, hostPrefix('segments', host), { signal })) catalogue.addStream(stream)
    for (const room of ['seals', 'gaps', 'aliases'] as const) {
      for await (const entry of bucket.list(hostPrefix(room, host), { signal }))
        if (entry.kind === 'object') catalogue.addKey(entry.key)
    }
    return catalogue
  }

  addStream(stream: string): void {
    const parsed = parseStreamId(stream)
    if (parsed === undefined) return
    const generations = this.#generations.get(parsed.identity) ?? new Set<number>()
    this.#generations.set(parsed.identity, generations.add(parsed.generation))
    if (!this.#seals.has(stream)) this.#unsealed.add(stream)
  }

  /** Names that are not ours are strays, and decide nothing. */
  addKey(text: string): void {
    const key = parseKey(text)
    if (key?.kind === 'seal') {
      push(this.#seals, key.stream, { length: key.length, sha256: key.sha256 })
      push(this.#bySeal, `${key.length}-${key.sha256}`, key.stream)
      this.#unsealed.delete(key.stream)
    } else if (key?.kind === 'gap') push(this.#gaps, key.stream, { key: text, offset: key.offset, end: key.end })
    else if (key?.kind === 'alias') push(this.#aliases, key.identity, key.stream)
    if (key?.kind === 'seal' || key?.kind === 'gap' || key?.kind === 'segment') this.addStream(key.stream)
  }

  /** What the destination no longer has: it is made again. */
  forgetRecords(stream: string): void {
    this.#seals.delete(stream)
    this.#unsealed.add(stream)
  }

  /** Ascending. */
  generations(identity: string): number[] {
    return [...(this.#generations.get(identity) ?? [])].sort((a, b) => a - b)
  }

  seals(stream: string): readonly SealRef[] {
    return this.#seals.get(stream) ?? []
  }

  gaps(stream: string): readonly GapRef[] {
    return this.#gaps.get(stream) ?? []
  }

  aliases(identity: string): readonly string[] {
    return this.#aliases.get(identity) ?? []
  }

  *streams(): Iterable<string> {
    for (const [identity, generations] of this.#generations)
      for (const generation of generations) yield streamId(identity, generation)
  }

  unsealedStreams(): Iterable<string> {
    return this.#unsealed
  }

  /** Streams with a seal of this length and hash. */
  streamsSealedAs(seal: SealRef): readonly string[] {
    return this.#bySeal.get(`${seal.length}-${seal.sha256}`) ?? []
  }

  /** Every seal of less than `length` bytes, and more than none: its stream may have grown since. */
  *sealsBelow(length: number): Iterable<SealRef & { stream: string }> {
    for (const [stream, seals] of this.#seals)
      for (const seal of seals) if (seal.length > 0 && seal.length < length) yield { stream, ...seal }
  }

  /** The records of a stream's gaps, each read once. A record that cannot be understood is as good as none: it forbids nothing. */
  async gapRecords(bucket: Bucket, stream: string, signal: AbortSignal): Promise<(Gap & GapRef)[]> {
    const records: (Gap & GapRef)[] = []
    for (const ref of this.gaps(stream)) {
      const record = this.#gapRecords.get(ref.key) ?? (await readGap(bucket, ref.key, signal))
      if (record === undefined) continue
      this.#gapRecords.set(ref.key, record)
      records.push({ ...record, ...ref })
    }
    return records
  }

  noteGap(key: string, record: Gap): void {
    this.#gapRecords.set(key, record)
    this.addKey(key)
  }
}

/** Undefined where it cannot be understood, or is not there. */
export async function readGap(bucket: Bucket, key: string, signal: AbortSignal): Promise<Gap | undefined> {
  const got = await bucket.get(key, { signal })
  try {
    return got && decodeGap(got.body, key)
  } catch {
    return undefined
  }
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const values = map.get(key)
  if (values) values.push(value)
  else map.set(key, [value])
}
