import { Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { isCode, messageOf } from '../base/errors.ts'
import type { Bucket, ObjectEntry } from '../bucket/bucket.ts'
import { decodeArchivedHeader } from '../format/archived.ts'
import { parseHostName } from '../format/keys.ts'
import type { Encoding } from '../format/whole.ts'
import { archivePrefix, parseArchiveName } from './archive/archive-name.ts'
import type { Counterpart, Held } from './verify-against.ts'

/** An object of an archive, as its name says it. */
interface ArchivedEntry {
  entry: ObjectEntry
  length: number
  encoding: Encoding
}

/**
 * An archive, by the template that names its objects: every object of a stream is decoded and held against the bucket, and
 * against what it says of itself. Memory holds the names of one host.
 */
export function archiveCounterpart(bucket: Bucket, template: string, signal: AbortSignal): Counterpart {
  let known: { host: string; streams: Promise<Map<string, ArchivedEntry[]>> } | undefined
  const streamsOf = (host: string): Promise<Map<string, ArchivedEntry[]>> => {
    if (known?.host !== host) known = { host, streams: listArchived(bucket, template, host, signal) }
    return known.streams
  }
  return {
    url: bucket.url,
    isArchive: true,
    hosts: () => listArchivedHosts(bucket, template, signal),
    streams: async (host) => [...(await streamsOf(host)).keys()],
    async open(host, stream) {
      const entries = (await streamsOf(host)).get(stream) ?? []
      return Promise.all(entries.map((one) => openArchived(bucket, one, signal)))
    },
    close: () => bucket.close(),
  }
}

async function listArchived(
  bucket: Bucket,
  template: string,
  host: string,
  signal: AbortSignal,
): Promise<Map<string, ArchivedEntry[]>> {
  const found = new Map<string, ArchivedEntry[]>()
  for await (const entry of bucket.list(archivePrefix(template, host), { signal })) {
    const name = entry.kind === 'object' ? parseArchiveName(entry.key) : undefined
    if (entry.kind !== 'object' || name === undefined) continue
    const { stream, length, encoding } = name
    found.set(stream, [...(found.get(stream) ?? []), { entry, length, encoding }])
  }
  return found
}

async function listArchivedHosts(bucket: Bucket, template: string, signal: AbortSignal): Promise<string[]> {
  const before = template.slice(0, template.indexOf('{host}'))
  const hosts = new Set<string>()
  for await (const entry of bucket.list(before, { delimiter: '/', signal })) {
    const name = (entry.kind === 'prefix' ? entry.prefix.slice(0, -1) : entry.key).slice(before.length)
    // What follows the host in its part is fixed, and no host's name holds a '~'.
    const after = template.slice(before.length + '{host}'.length).split('/')[0] ?? ''
    const own = entry.kind === 'prefix' ? name : name.slice(0, Math.max(0, name.indexOf('~')))
    const host = own.endsWith(after) ? parseHostName(own.slice(0, own.length - after.length)) : undefined
    if (host !== undefined) hosts.add(host)
  }
  return [...hosts].sort()
}

/** Read at once of an object. */
const stretchBytes = 4 * 1024 * 1024

async function openArchived(
  bucket: Bucket,
  { entry, length, encoding }: ArchivedEntry,
  signal: AbortSignal,
): Promise<Held> {
  const { key, version, versions } = entry
  const noted = await notedOf(bucket, key, version, signal)
  let pieces: AsyncIterator<Uint8Array> | undefined
  let at = 0
  let rest: Uint8Array = new Uint8Array(0)
  let broken: string | undefined
  const next = async (): Promise<boolean> => {
    pieces ??= decoded(bucket, entry, encoding, signal)[Symbol.asyncIterator]()
    try {
      const step = await pieces.next()
      if (step.done === true) return false
      rest = step.value
      return true
    } catch (error) {
      if (!isUndecodable(error)) throw error
      broken = messageOf(error)
      return false
    }
  }
  return {
    name: key,
    start: 0,
    length,
    ...(noted ? { noted } : {}),
    storedAtMs: entry.storedAtMs,
    isComplete: true,
    tamperedKeys: versions > 1 ? [key] : [],
    broken: () => broken,
    async read(start, end) {
      const found: Uint8Array[] = []
      while (at < end) {
        if (rest.byteLength === 0 && !(await next())) break
        const take = Math.min(rest.byteLength, (at < start ? start : end) - at)
        if (at >= start) found.push(rest.subarray(0, take))
        rest = rest.subarray(take)
        at += take
      }
      return found.length === 1 && found[0] !== undefined ? found[0] : Buffer.concat(found)
    },
    close: async () => void (await pieces?.return?.()),
  }
}

/** What it says of itself; undefined where that is nothing, or nonsense: then only its bytes count. */
async function notedOf(
  bucket: Bucket,
  key: string,
  version: string | undefined,
  signal: AbortSignal,
): Promise<{ length: number; sha256: string } | undefined> {
  try {
    const info = await bucket.head(key, { version, signal })
    const header = info && decodeArchivedHeader(info.metadata, key)
    return header && { length: header.length, sha256: header.sha256 }
  } catch (error) {
    if (isCode(error, 'corrupt')) return undefined
    throw error
  }
}

function decoded(
  bucket: Bucket,
  entry: ObjectEntry,
  encoding: Encoding,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const stored = async function* (): AsyncGenerator<Uint8Array> {
    for (let start = 0; start < entry.size; start += stretchBytes) {
      const range = { start, end: Math.min(entry.size, start + stretchBytes) }
      const got = await bucket.get(entry.key, { range, version: entry.version, signal })
      if (got === undefined) return
      yield got.body
    }
  }
  if (encoding === 'none') return stored()
  const source = Readable.from(stored())
  const decoder = encoding === 'gzip' ? createGunzip() : createZstdDecompress()
  source.on('error', (error) => decoder.destroy(error))
  return source.pipe(decoder)
}

function isUndecodable(error: unknown): boolean {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return code !== undefined && /^(Z_|ZSTD_|ERR_STREAM_PREMATURE_CLOSE)/.test(code)
}
