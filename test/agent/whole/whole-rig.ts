import { mkdir, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import type { AgentEvent, SourceSettings } from '../../../src/agent/context.ts'
import { Destination } from '../../../src/agent/destination.ts'
import type { Files } from '../../../src/agent/files/files.ts'
import { localFiles } from '../../../src/agent/files/local-files.ts'
import type { Writers } from '../../../src/agent/files/writers.ts'
import { SpoolFiles } from '../../../src/agent/spool/spool-files.ts'
import type { WholeEvent } from '../../../src/agent/whole/whole-file.ts'
import { WholeRecords } from '../../../src/agent/whole/whole-records.ts'
import { WholeShipper } from '../../../src/agent/whole/whole-shipper.ts'
import { WholeSpool, type WholeSpoolRecord } from '../../../src/agent/whole/whole-spool.ts'
import { type Clock, systemClock } from '../../../src/base/clock.ts'
import type { Bucket } from '../../../src/bucket/bucket.ts'
import { listObjects } from '../../../src/bucket/bucket.ts'
import { tempDirectory } from '../../support/temp-directory.ts'

export interface Outcome {
  events: (WholeEvent | Extract<AgentEvent, { kind: 'problem' }>)[]
  shipper: WholeShipper
}

export interface RunOptions {
  source?: Partial<SourceSettings>
  /** Default: nobody writes to anything, and all processes are seen. */
  writers?: Writers
  signal?: AbortSignal
  isDaemon?: boolean
  /** What the rescue spool may hold; without it there is none. */
  spoolBytes?: number
  /** Default: the system's. */
  clock?: Clock
  /** As the local ones, but for what is given here. */
  files?: (own: Files) => Files
  /** Called with the shipper, before it runs. */
  began?: (shipper: WholeShipper) => void
}

export const nobodyWrites: Writers = { has: () => false, isComplete: true }

/** Files in a directory of their own, and runs of the shipper over them. */
export async function wholeRig() {
  const directory = await tempDirectory()
  const logs = join(directory, 'logs')
  const state = join(directory, 'state')
  await mkdir(logs)
  await mkdir(state)
  const path = (name: string): string => join(logs, name)
  const age = async (name: string, seconds: number): Promise<void> => {
    const at = new Date(Date.now() - seconds * 1000)
    await utimes(path(name), at, at)
  }
  return {
    logs,
    state,
    path,
    age,
    /** A file that nobody has written to for a while. */
    async write(name: string, content: string | Uint8Array, quietSeconds = 3600): Promise<void> {
      await mkdir(dirname(path(name)), { recursive: true })
      await writeFile(path(name), content)
      await age(name, quietSeconds)
    },
    /** The state directory is lost. */
    async forget(): Promise<void> {
      await rm(state, { recursive: true })
      await mkdir(state)
    },
    rename: (from: string, to: string) => rename(path(from), path(to)),

    async run(buckets: Record<string, Bucket>, options: RunOptions = {}): Promise<Outcome> {
      const events: Outcome['events'] = []
      const source: SourceSettings = {
        name: 'logs',
        include: [`${logs}/**`],
        exclude: [],
        followSymlinks: false,
        sealAfterMs: 0,
        copies: 'new-stream',
        whole: { as: '{filename}', compress: 'none' },
        ...options.source,
      }
      const destinations = Object.entries(buckets).map(
        ([name, bucket]) =>
          new Destination(
            { name, bucket, budget: { capacity: 1, perSecond: 1 }, bytesInFlightMax: 16 << 20, admit: async () => {} },
            options.clock ?? systemClock,
          ),
      )
      const shipper = new WholeShipper({
        settings: {
          host: 'web-1',
          version: 'logcask test',
          spoolDirectory: join(state, 'spool'),
          sources: [source],
          isOneShot: options.isDaemon !== true,
          scanIntervalMs: 50,
        },
        clock: options.clock ?? systemClock,
        files: (options.files ?? ((own) => own))(
          localFiles({ birthTimes: true, spoolDirectory: join(state, 'spool') }),
        ),
        destinations,
        records: new WholeRecords(state),
        spool: options.spoolBytes === undefined ? undefined : wholeSpool(join(state, 'rescued'), options.spoolBytes),
        report: (event) => events.push(event),
        findWriters: async () => options.writers ?? nobodyWrites,
      })
      options.began?.(shipper)
      await shipper.run(options.signal ?? new AbortController().signal)
      return { events, shipper }
    },
  }
}

function wholeSpool(directory: string, bytesMax: number): WholeSpool {
  const spool: WholeSpool = new WholeSpool(new SpoolFiles<WholeSpoolRecord>(directory), () => bytesMax - spool.bytes)
  return spool
}

/** Key → what the object decodes to. */
export async function contents(bucket: Bucket): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const { key } of await listObjects(bucket, '')) {
    if (key.startsWith('probes/')) continue
    const object = await bucket.get(key)
    const { encoding } = object?.metadata ?? {}
    const bytes = Buffer.from(object?.body ?? [])
    const raw = encoding === 'gzip' ? gunzipSync(bytes) : encoding === 'zstd' ? zstdDecompressSync(bytes) : bytes
    found[key] = raw.toString('latin1')
  }
  return found
}

export const kinds = ({ events }: Outcome): string[] =>
  events.map((event) =>
    event.kind === 'delivered'
      ? `${event.how} ${event.key}${event.isSecond ? ' (second)' : ''}${event.hasChanged ? ' (changed)' : ''}`
      : event.kind === 'problem'
        ? `problem: ${event.message}`
        : event.kind,
  )
