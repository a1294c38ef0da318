import { join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import type { Clock } from '../../src/base/clock.ts'
import { type Bucket, listObjects } from '../../src/bucket/bucket.ts'
import { createMemoryBucket, type MemoryBucket } from '../../src/bucket/memory.ts'
import { retryingReads } from '../../src/bucket/retrying-reads.ts'
import { type ArchiveContext, archiveHost, watchArchive } from '../../src/compactor/archive/archive-host.ts'
import { defaultArchiveTemplate, parseArchiveName } from '../../src/compactor/archive/archive-name.ts'
import { createArchiveSink } from '../../src/compactor/archive/archive-sink.ts'
import { type ArchiveSummary, archiveOnce } from '../../src/compactor/archive/archiver.ts'
import { type CompactorEvent, createOnce } from '../../src/compactor/event.ts'
import type { Encoding } from '../../src/format/whole.ts'
import { type StoredStream, storedStream } from '../support/stored-stream.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { createVirtualClock, type VirtualClock } from '../support/virtual-clock.ts'

export function decoded(encoding: Encoding, bytes: Uint8Array): Buffer {
  if (encoding === 'none') return Buffer.from(bytes)
  return encoding === 'gzip' ? gunzipSync(bytes) : zstdDecompressSync(bytes)
}

interface Run {
  summary: ArchiveSummary
  events: CompactorEvent[]
}

export interface ArchiveRig {
  clock: VirtualClock
  bucket: MemoryBucket
  archived: MemoryBucket
  spool: string
  stream(host: string, stream: string, path: string): StoredStream
  /** A run of `compact --archive --once`, as a process of its own. */
  archive(): Promise<Run>
  /** The same, while somebody else moves the clock. */
  start(places: { from?: Bucket; to?: Bucket; signal?: AbortSignal }): Promise<Run>
  /** Looks at web-1 of `from`, as one process does again and again. */
  watching(from: Bucket, accepts?: ArchiveContext['accepts']): () => Promise<unknown>
  /** Of the archived objects, without the probe's. */
  keys(): Promise<string[]>
  /** Decoded, one character a byte. */
  contents(): Promise<Record<string, string>>
}

interface RigOptions {
  encoding?: Encoding
  quietAfterMs?: number
  clock?: VirtualClock
  bucket?: MemoryBucket
}

export async function archiveRig(options: RigOptions = {}): Promise<ArchiveRig> {
  const { encoding = 'gzip', quietAfterMs, clock = createVirtualClock() } = options
  const bucket = options.bucket ?? createMemoryBucket(clock)
  const archived = createMemoryBucket(clock, { name: 'archive' })
  const spool = join(await tempDirectory('spool'), 'spool')
  const keys = async (): Promise<string[]> => (await listObjects(archived, 'host=')).map(({ key }) => key)
  const sinkTo = (to: Bucket, own: Clock) =>
    createArchiveSink({ bucket: retryingReads(to, own), clock: own, template: defaultArchiveTemplate, encoding })

  const start: ArchiveRig['start'] = async ({ from = bucket, to = archived, signal }) => {
    const events: CompactorEvent[] = []
    const summary = await archiveOnce({
      bucket: retryingReads(from, clock),
      sink: sinkTo(to, clock),
      clock,
      onEvent: (event) => void events.push(event),
      quietAfterMs,
      spoolDirectory: spool,
      signal,
    })
    return { summary, events }
  }

  return {
    clock,
    bucket,
    archived,
    spool,
    stream: (host, stream, path) => storedStream(bucket, host, stream, path),
    keys,

    archive: () => clock.run(start({})),
    start,

    watching(from, accepts) {
      const watch = watchArchive()
      const context = {
        ...{ bucket: from, sink: sinkTo(archived, clock), clock, quietAfterMs, spoolDirectory: spool, problemsMax: 5 },
        ...{ accepts, onEvent: () => {}, once: createOnce(), admit: <T>(_: number, work: () => Promise<T>) => work() },
      }
      return () => clock.run(archiveHost(context, 'web-1', watch))
    },

    async contents() {
      const found: Record<string, string> = {}
      for (const key of await keys()) {
        const body = (await archived.get(key))?.body ?? new Uint8Array(0)
        found[key] = decoded(parseArchiveName(key)?.encoding ?? 'none', body).toString('latin1')
      }
      return found
    },
  }
}
