import type { Clock } from '../../base/clock.ts'
import { isCode, LogcaskError } from '../../base/errors.ts'
import { backoffMs, retryUnknown } from '../../base/retry.ts'
import type { Bucket, ObjectInfo, PutLargeOptions, PutResult } from '../../bucket/bucket.ts'
import type { Packed } from '../../bucket/packed.ts'
import { probe, requirePassed } from '../../bucket/probe.ts'
import { largeWay } from '../../bucket/probe-large.ts'
import { holdsContent } from '../../bucket/sameness.ts'
import { type ArchivedHeader, decodeArchivedHeader, encodeArchivedHeader } from '../../format/archived.ts'
import type { Metadata } from '../../format/segment.ts'
import type { Encoding } from '../../format/whole.ts'
import { archiveName, archivePrefix, parseArchiveName } from './archive-name.ts'

/** What is archived of a stream: the longest of either kind; -1 where there is none. */
export interface Archived {
  sealed: number
  unsealed: number
}

/**
 * Complete streams as one object each in a bucket, for years: created once, by any number of compactors. Only names say
 * what is there; nothing is kept elsewhere.
 */
export interface ArchiveSink {
  readonly url: string
  readonly encoding: Encoding
  /** Before the first byte: rejects with `refused` unless the store was seen to create only. */
  prove(signal: AbortSignal | undefined): Promise<void>
  /** What is there of a host, by stream: a request per thousand objects. `onTampered`: keys that were written twice. */
  list(host: string, options: ListOptions): Promise<Map<string, Archived>>
  nameOf(host: string, stream: string, header: ArchivedHeader): string
  /** `there`: an object with these bytes had the name. Rejects with `conflict` where it has others. */
  deliver(
    key: string,
    packed: Packed,
    header: ArchivedHeader,
    signal: AbortSignal | undefined,
  ): Promise<'sent' | 'there'>
  /**
   * Whether an object of that length, with one of these SHA-256 (none: any), is there, by what it says of itself: worth a
   * question before gigabytes are read.
   */
  isThere(key: string, length: number, sha256: readonly string[], signal: AbortSignal | undefined): Promise<boolean>
}

interface ListOptions {
  signal?: AbortSignal | undefined
  onTampered: (key: string, stream: string, versions: number) => void
}

export interface ArchiveOptions {
  bucket: Bucket
  clock: Clock
  template: string
  encoding: Encoding
}

/** The probe's room in the archive: one for all compactors. */
const prober = 'compactor'
/** Packed bytes up to this go in one request, from memory. */
const onePutBytesMax = 8 * 1024 * 1024
/** A store that answers nothing so often is away: the stream is taken up again later. */
const attemptsMax = 6

export function createArchiveSink({ bucket, clock, template, encoding }: ArchiveOptions): ArchiveSink {
  let proof: Promise<void> | undefined
  let way: Promise<PutLargeOptions['way']> | undefined

  const prove = (signal: AbortSignal | undefined): Promise<void> => {
    proof ??= (async () => {
      requirePassed(await probe(bucket, { host: prober, clock, signal }), bucket.url)
    })()
    proof.catch(() => {
      proof = undefined
    })
    return proof
  }

  const wayOf = (signal: AbortSignal | undefined): Promise<PutLargeOptions['way']> => {
    way ??= largeWay({ bucket, host: prober, clock, signal })
    way.catch(() => {
      way = undefined
    })
    return way
  }

  const putOnce = async (
    key: string,
    body: Packed['body'],
    metadata: Metadata,
    signal: AbortSignal | undefined,
  ): Promise<PutResult> => {
    if (body.kind === 'small')
      return bucket.put(key, body.bytes, { mode: 'create', metadata, sha256: body.sha256, signal })
    const { large } = body
    if (large.size > onePutBytesMax)
      return bucket.putLarge(key, large, { mode: 'create', metadata, way: await wayOf(signal), signal })
    const bytes = await large.read(0, large.size)
    return bucket.put(key, bytes, { mode: 'create', metadata, sha256: large.sha256, signal })
  }

  /** A lost answer is asked for again: if the object was made, the repetition meets it, and it is compared. */
  const put = async (
    key: string,
    packed: Packed,
    metadata: Metadata,
    signal: AbortSignal | undefined,
  ): Promise<PutResult> => {
    const { body, hasFailed } = watched(packed.body)
    for (let attempt = 0; ; attempt++) {
      try {
        return await putOnce(key, body, metadata, signal)
      } catch (error) {
        const isUnknown = isCode(error, 'unavailable') && !hasFailed()
        if (signal?.aborted || !isUnknown || attempt + 1 >= attemptsMax) throw error
        await clock.sleep(backoffMs(retryUnknown, attempt, clock), signal)
      }
    }
  }

  return {
    url: bucket.url,
    encoding,
    prove,

    async list(host, { signal, onTampered }) {
      const there = new Map<string, Archived>()
      for await (const entry of bucket.list(archivePrefix(template, host), { signal })) {
        const name = entry.kind === 'object' ? parseArchiveName(entry.key) : undefined
        if (entry.kind !== 'object' || name === undefined) continue
        // Foreign, whatever its name says: to be met, and compared, when the stream is delivered.
        if (name.encoding === 'none' ? entry.size !== name.length : entry.size === 0) continue
        if (entry.versions > 1) onTampered(entry.key, name.stream, entry.versions)
        note(there, name.stream, name)
      }
      return there
    },

    nameOf: (host, stream, header) => archiveName(template, { host, stream, ...header }),

    async deliver(key, packed, header, signal) {
      const metadata = encodeArchivedHeader(header)
      for (;;) {
        if ((await put(key, packed, metadata, signal)) === 'created') return 'sent'
        const isSame = await holdsSame(bucket, key, packed, signal)
        if (isSame === true) return 'there'
        if (isSame === false)
          throw new LogcaskError('conflict', `${key}: is in the archive with other content`, {
            hint: 'nothing was overwritten: compare both, and find out who else writes there',
          })
        // Gone again (an expiry, a tampering hand): then the name is free.
      }
    },

    async isThere(key, length, sha256, signal) {
      const info = await bucket.head(key, { signal })
      return info !== undefined && shows(info, key, length, sha256)
    },
  }
}

/** What cannot be read was no answer of the archive: it has been asked for often enough, and is not sent once more for that. */
function watched(body: Packed['body']): { body: Packed['body']; hasFailed: () => boolean } {
  if (body.kind === 'small') return { body, hasFailed: () => false }
  const { large } = body
  let hasFailed = false
  const read: typeof large.read = (start, end, into) =>
    large.read(start, end, into).catch((error: unknown) => {
      hasFailed = true
      throw error
    })
  return {
    body: { kind: 'large', large: { size: large.size, sha256: large.sha256, read } },
    hasFailed: () => hasFailed,
  }
}

export function note(there: Map<string, Archived>, stream: string, is: { length: number; isSealed: boolean }): void {
  const known = there.get(stream) ?? { sealed: -1, unsealed: -1 }
  const kind = is.isSealed ? 'sealed' : 'unsealed'
  there.set(stream, { ...known, [kind]: Math.max(known[kind], is.length) })
}

/** By what it says of itself where its size agrees; else by its bytes. Undefined: it is not there any more. */
async function holdsSame(
  bucket: Bucket,
  key: string,
  packed: Packed,
  signal: AbortSignal | undefined,
): Promise<boolean | undefined> {
  const info = await bucket.head(key, { signal })
  if (info === undefined) return undefined
  const size = packed.body.kind === 'small' ? packed.body.bytes.byteLength : packed.body.large.size
  if (info.size === size && shows(info, key, packed.length, [packed.sha256])) return true
  const never = new AbortController().signal
  return holdsContent(bucket, key, packed, (ask) => ask(signal ?? never))
}

function shows({ metadata }: ObjectInfo, key: string, length: number, sha256: readonly string[]): boolean {
  try {
    const header = decodeArchivedHeader(metadata, key)
    return header?.length === length && (sha256.length === 0 || sha256.includes(header.sha256))
  } catch (error) {
    if (isCode(error, 'corrupt')) return false
    throw error
  }
}
