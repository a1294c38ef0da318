import { SegmentMap } from '../format/chain.ts'
import { hostPrefix, type Key, parseHostName, parseKey, parseStreamId } from '../format/keys.ts'
import { type Bucket, listNames, type ObjectEntry } from './bucket.ts'
import { type ListedSegment, listedSegment } from './stream-listing.ts'

/** A seal as its key says it. */
export interface ListedSeal {
  key: string
  /** Of the stream, in bytes. */
  length: number
  sha256: string
  /** Bytes of the record. */
  size: number
  storedAtMs: number
}

/** A gap as its key says it. */
export interface ListedGap {
  key: string
  offset: number
  end: number | 'open'
  /** Bytes of the record. */
  size: number
}

/** Everything that names a stream, as complete listings show it. */
export interface ListedStream {
  stream: string
  segments: SegmentMap<ListedSegment>
  /** By length, ascending. */
  seals: readonly ListedSeal[]
  /** By offset, ascending. */
  gaps: readonly ListedGap[]
  /** Identities of the other files that hold this stream. */
  aliases: readonly string[]
  /** Objects in its room, where not all of them are in `segments`: it is to be followed in stages (stream-stages.ts). */
  cutAt?: number | undefined
}

export interface InventoryOptions {
  signal?: AbortSignal | undefined
  /** False where nobody asks for them: it spares a listing. */
  aliases?: boolean | undefined
  /** Of one stream in memory at most; the others are only counted. Default: all of them. */
  segmentsMax?: number | undefined
  /** Called for every key in the host's rooms that no agent would write. */
  onStray?: ((key: string) => void) | undefined
  /** Called for every record of which there are several versions: somebody wrote it again, or deleted it. */
  onTampered?: ((key: string) => void) | undefined
}

/** What is told about the streams of a host besides their segments. */
export interface HostRecords {
  seals: ReadonlyMap<string, readonly ListedSeal[]>
  gaps: ReadonlyMap<string, readonly ListedGap[]>
  aliases: ReadonlyMap<string, readonly string[]>
}

/** Only this stream, and those whose names sort after it: younger ones, where they have birth times. */
export interface FromStream {
  from?: string | undefined
}

/** The hosts that have stored anything, in order; names that are no host's are given to `onStray`. */
export async function listHosts(bucket: Bucket, options: InventoryOptions = {}): Promise<string[]> {
  // A host with nothing but empty files has seals and no segments.
  const rooms = ['segments/', 'seals/']
  const names = await Promise.all(rooms.map((room) => listNames(bucket, room, { signal: options.signal })))
  return unique(names.flat(), rooms[0] ?? '', options, parseHostName)
}

/** The streams of a host by name alone: a request per thousand streams, however many segments they have. */
export async function listStreamNames(
  bucket: Bucket,
  host: string,
  options: InventoryOptions & FromStream = {},
): Promise<string[]> {
  const { from, signal } = options
  const rooms = [hostPrefix('segments', host), hostPrefix('seals', host)]
  const after = (room: string): string | undefined => (from === undefined ? undefined : room + from)
  const names = await Promise.all(rooms.map((room) => listNames(bucket, room, { startAfter: after(room), signal })))
  return unique(names.flat(), rooms[0] ?? '', options, (name) => parseStreamId(name) && name)
}

/** Lists the rooms of a host's records: a request per thousand each. */
export async function listRecords(bucket: Bucket, host: string, options: InventoryOptions = {}): Promise<HostRecords> {
  const [seals, gaps, aliases] = await Promise.all([
    listSeals(bucket, host, options),
    listGaps(bucket, host, options),
    options.aliases === false ? new Map() : listAliases(bucket, host, options),
  ])
  return { seals, gaps, aliases }
}

/** The gaps of a host (`prefix` as for seals), by stream. */
export async function listGaps(
  bucket: Bucket,
  host: string,
  options: InventoryOptions & { prefix?: string } = {},
): Promise<Map<string, ListedGap[]>> {
  return collect(bucket, options.prefix ?? hostPrefix('gaps', host), options, (key, entry) =>
    key.kind === 'gap'
      ? [key.stream, { key: entry.key, offset: key.offset, end: key.end, size: entry.size }]
      : undefined,
  )
}

async function listAliases(bucket: Bucket, host: string, options: InventoryOptions): Promise<Map<string, string[]>> {
  return collect(bucket, hostPrefix('aliases', host), options, (key) =>
    key.kind === 'alias' ? [key.stream, key.identity] : undefined,
  )
}

/** The seals of a host (`prefix` of its own room, or of one stream in it), by stream. */
export async function listSeals(
  bucket: Bucket,
  host: string,
  options: InventoryOptions & FromStream & { prefix?: string } = {},
): Promise<Map<string, ListedSeal[]>> {
  const prefix = options.prefix ?? hostPrefix('seals', host)
  const startAfter = options.from === undefined ? undefined : prefix + options.from
  return collect(bucket, prefix, { ...options, startAfter }, (key, entry) =>
    key.kind === 'seal'
      ? [
          key.stream,
          {
            key: entry.key,
            length: key.length,
            sha256: key.sha256,
            size: entry.size,
            storedAtMs: entry.storedAtMs,
          },
        ]
      : undefined,
  )
}

/**
 * Every stream of a host, one at a time, from one listing of its segments: memory holds one stream, however many there
 * are. The records are listed before, so that a seal is never seen before the segments that it seals. A stream that was
 * given is complete; the listing as a whole is so when the iteration ends.
 */
export async function* listStreams(
  bucket: Bucket,
  host: string,
  options: InventoryOptions = {},
): AsyncGenerator<ListedStream> {
  const records = await listRecords(bucket, host, options)
  const seen = new Set<string>()
  for await (const { stream, segments, count } of listSegmentsByStream(bucket, host, options)) {
    seen.add(stream)
    const listed = listedStream(stream, segments, records)
    yield count === segments.length ? listed : { ...listed, cutAt: count }
  }
  const others = new Set([...records.seals.keys(), ...records.gaps.keys()].filter((name) => !seen.has(name)))
  for (const name of [...others].sort()) yield listedStream(name, [], records)
}

/**
 * The segments of a host, one stream at a time, in the order of the keys, from one listing. One that was given is complete,
 * but for what is beyond `segmentsMax`: `count` says how many there are.
 */
export async function* listSegmentsByStream(
  bucket: Bucket,
  host: string,
  options: Pick<InventoryOptions, 'signal' | 'onStray' | 'segmentsMax'> = {},
): AsyncGenerator<{ stream: string; segments: ListedSegment[]; count: number }, undefined> {
  const { signal, onStray, segmentsMax = Number.POSITIVE_INFINITY } = options
  let stream: string | undefined
  let segments: ListedSegment[] = []
  let count = 0
  for await (const entry of bucket.list(hostPrefix('segments', host), { signal })) {
    if (entry.kind !== 'object') continue
    const key = parseKey(entry.key)
    if (key?.kind !== 'segment') {
      onStray?.(entry.key)
      continue
    }
    if (key.stream !== stream) {
      if (stream !== undefined) yield { stream, segments, count }
      stream = key.stream
      segments = []
      count = 0
    }
    if (++count <= segmentsMax) segments.push(listedSegment(entry, key))
  }
  if (stream !== undefined) yield { stream, segments, count }
  return undefined
}

export function listedStream(stream: string, segments: ListedSegment[], records: Partial<HostRecords>): ListedStream {
  return {
    stream,
    segments: new SegmentMap(segments),
    seals: records.seals?.get(stream) ?? [],
    gaps: records.gaps?.get(stream) ?? [],
    aliases: records.aliases?.get(stream) ?? [],
  }
}

async function collect<T>(
  bucket: Bucket,
  prefix: string,
  options: InventoryOptions & { startAfter?: string | undefined },
  pick: (key: Key, entry: ObjectEntry) => [stream: string, value: T] | undefined,
): Promise<Map<string, T[]>> {
  const found = new Map<string, T[]>()
  const { startAfter, signal } = options
  for await (const entry of bucket.list(prefix, { startAfter, signal })) {
    if (entry.kind !== 'object') continue
    const key = parseKey(entry.key)
    const picked = key && pick(key, entry)
    if (picked === undefined) {
      options.onStray?.(entry.key)
      continue
    }
    if (entry.versions > 1) options.onTampered?.(entry.key)
    const [stream, value] = picked
    const values = found.get(stream)
    if (values === undefined) found.set(stream, [value])
    else values.push(value)
  }
  return found
}

function unique(
  names: readonly string[],
  prefix: string,
  options: InventoryOptions,
  parse: (name: string) => string | undefined,
): string[] {
  const good = new Set<string>()
  for (const name of new Set(names)) {
    const parsed = parse(name)
    if (parsed === undefined) options.onStray?.(`${prefix}${name}/`)
    else good.add(parsed)
  }
  return [...good].sort()
}
