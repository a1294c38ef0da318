import { createHash, type Hash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { makeDirectory, writeAtomically, writeFully } from '../base/atomic-file.ts'
import type { Clock } from '../base/clock.ts'
import { type Disk, localDisk } from '../base/disk.ts'
import { errnoOf, isCode, LogcaskError } from '../base/errors.ts'
import { acquireLock } from '../base/lock.ts'
import { hostName } from '../format/keys.ts'
import type { Origin } from '../format/origin.ts'
import { outputPath } from './output-name.ts'
import { planFile } from './plan.ts'
import {
  examineFile,
  onDisk,
  openPublishedFile,
  type PublishedFile,
  readPublished,
  setAside,
} from './published-file.ts'
import { publishedName } from './published-name.ts'
import { decodeStreamRecord, encodeStreamRecord, type StreamRecord } from './stream-record.ts'

/**
 * Complete files in a directory, growing while their streams do, for any tool to read. One process writes there, and
 * holds the lock in `.logcask/`, where it also keeps a record for each stream. Calls for one stream come one at a time.
 */
export interface DirectorySink {
  readonly root: string
  /** What is published of a stream. On first sight its file is held against the record, and set aside where it differs. */
  recall(host: string, stream: string): Promise<StreamRecord | undefined>
  /** Opens a stream's file for appending, once its end was verified. The origin names one without a record. */
  open(host: string, stream: string, origin: Origin | undefined): Promise<SinkFile>
  /** The record with the SHA-256 of all that is published, from the disk; costs what has come since the last time. */
  hash(host: string, stream: string, record: StreamRecord): Promise<StreamRecord>
  /** Lets the next one in. Idempotent. */
  close(): Promise<void>
}

/** A published file with its record. */
export interface SinkFile extends Pick<PublishedFile, 'start' | 'pendingBytes' | 'append' | 'close'> {
  /**
   * Makes what was appended durable, then records it. `final` as the segment at offset 0 says, where it was read; with
   * `isSealedAt` the SHA-256 as well where that says so of the length.
   */
  commit(final?: StreamRecord['final'], isSealedAt?: (length: number) => boolean): Promise<StreamRecord>
  /** The file has others' bytes: closes it, keeps it aside, and forgets it, so that it is written anew. */
  setAside(reason: string): Promise<void>
}

export interface SetAside {
  host: string
  stream: string
  path: string
  movedTo: string
  reason: string
}

/** Hash states kept for streams that grew after a seal; beyond it the oldest is read again from its start. */
const hashesMax = 1000

/** Records kept in memory, half a kB each; others are read again, and their files compared, when they are asked for. */
const recordsMax = 20_000

/** From this length on reading a file again costs more than a sync of its record. */
const syncedRecordBytes = 16 * 1024 * 1024

/**
 * Takes the directory over, making it where only it is missing. Rejects `conflict` while another process works there,
 * `invalid` where there is no such place.
 */
export async function openDirectorySink(
  root: string,
  clock: Pick<Clock, 'now'>,
  onSetAside: (event: SetAside) => void,
  /** `names`: a template for what is not yet published (output-name.ts). */
  { disk = localDisk, names }: { disk?: Disk; names?: string | undefined } = {},
): Promise<DirectorySink> {
  await makeRoot(root, disk)
  const stateDirectory = join(root, '.logcask')
  await onDisk(stateDirectory, () => makeDirectory(stateDirectory, 0o750, disk))
  const lock = await acquireLock(join(stateDirectory, 'lock'), clock, disk)
  /** `null`: looked for, and not there. */
  const records = new Map<string, StreamRecord | null>()
  const hashes = new Map<string, { hash: Hash; length: number }>()
  const keep = (key: string, record: StreamRecord | null): void => {
    records.delete(key)
    records.set(key, record)
    const [oldest] = records.keys()
    if (records.size > recordsMax && oldest !== undefined) records.delete(oldest)
  }
  const keyOf = (host: string, stream: string): string => `${hostName(host)}/${stream}`
  const recordPath = (host: string, stream: string): string =>
    join(stateDirectory, 'streams', `${keyOf(host, stream)}.json`)

  const setAsideFile = async (host: string, stream: string, path: string, reason: string): Promise<void> => {
    const movedTo = await setAside(disk, path)
    keep(keyOf(host, stream), null)
    hashes.delete(keyOf(host, stream))
    onSetAside({ host, stream, path, movedTo, reason })
  }

  const remember = async (host: string, stream: string, record: StreamRecord): Promise<void> => {
    const path = recordPath(host, stream)
    await onDisk(path, async () => {
      await makeDirectory(dirname(path), 0o750, disk)
      await writeRecord(disk, path, encodeStreamRecord(record), record.length >= syncedRecordBytes)
    })
    keep(keyOf(host, stream), record)
  }

  const recall = async (host: string, stream: string): Promise<StreamRecord | undefined> => {
    const key = keyOf(host, stream)
    const known = records.get(key)
    if (known !== undefined) return known ?? undefined
    const record = await readRecord(disk, recordPath(host, stream))
    const path = record && join(root, record.name)
    const plan = path === undefined ? undefined : planFile(record, await examineFile(disk, path, record))
    if (path !== undefined && plan?.kind === 'set-aside') await setAsideFile(host, stream, path, plan.reason)
    const kept = plan?.kind === 'continue' ? record : undefined
    keep(key, kept ?? null)
    return kept
  }

  const hash = async (host: string, stream: string, record: StreamRecord): Promise<StreamRecord> => {
    const key = keyOf(host, stream)
    const state = hashes.get(key) ?? { hash: createHash('sha256'), length: 0 }
    // Gone from the map while it changes: a failure half-way must not leave a wrong one.
    hashes.delete(key)
    await readPublished(disk, join(root, record.name), state.length, record.length, (bytes) => {
      state.hash.update(bytes)
    })
    state.length = record.length
    const sha256 = state.hash.copy().digest('hex')
    hashes.set(key, state)
    for (const oldest of hashes.keys()) {
      if (hashes.size <= hashesMax) break
      hashes.delete(oldest)
    }
    const hashed = { ...record, content: { length: record.length, sha256 } }
    await remember(host, stream, hashed)
    return hashed
  }

  const open = async (host: string, stream: string, origin: Origin | undefined): Promise<SinkFile> => {
    const record = await recall(host, stream)
    const name = record?.name ?? publishedName(host, stream, origin ? outputPath(origin, names) : '')
    const path = join(root, name)
    const found = await examineFile(disk, path, record)
    let plan = planFile(record, found)
    if (plan.kind === 'set-aside') {
      await setAsideFile(host, stream, path, plan.reason)
      plan = { kind: 'create' }
    }
    const kept = plan.kind === 'continue' ? record : undefined
    const file = await openPublishedFile(disk, path, plan, {
      segments: kept?.segments ?? 0,
      windowBytes: found?.windowBytes ?? new Uint8Array(0),
    })
    return {
      start: file.start,
      get pendingBytes() {
        return file.pendingBytes
      },
      append: file.append,
      close: file.close,
      async commit(final = kept?.final, isSealedAt = () => false) {
        const committed: StreamRecord = { name, ...(await file.commit()), final }
        if (isSealedAt(committed.length) || final?.length === committed.length) {
          return await hash(host, stream, committed)
        }
        await remember(host, stream, committed)
        return committed
      },
      async setAside(reason) {
        await file.close()
        await setAsideFile(host, stream, path, reason)
      },
    }
  }

  return { root, recall, open, hash, close: () => lock.release() }
}

/**
 * Replaces a record. Without `isSynced` a power cut may lose it, old and new, never a kill: the file is then compared
 * from its start, which costs less than a sync for each of many small ones.
 */
async function writeRecord(disk: Disk, path: string, text: string, isSynced: boolean): Promise<void> {
  const bytes = Buffer.from(text)
  if (isSynced) return writeAtomically(path, bytes, 0o640, disk)
  const file = await disk.open(`${path}.new`, 'w', 0o640)
  try {
    await writeFully(file, bytes, 0)
  } finally {
    await file.close()
  }
  await disk.rename(`${path}.new`, path)
}

/** Only the last directory is made: where more is missing, a disk is not mounted or a name is wrong. */
async function makeRoot(root: string, disk: Disk): Promise<void> {
  try {
    await disk.mkdir(root, { mode: 0o750 })
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'EEXIST') return
    if (errno === 'ENOENT') {
      throw new LogcaskError('invalid', `${root}: ${dirname(root)} is missing`, {
        hint: `mount the disk, or mkdir -p ${dirname(root)}`,
        cause: error,
      })
    }
    await onDisk(root, async () => {
      throw error
    })
  }
}

/** Undefined where there is none, or one that cannot be understood: then the published file itself is compared. */
async function readRecord(disk: Disk, path: string): Promise<StreamRecord | undefined> {
  return onDisk(path, async () => {
    try {
      return decodeStreamRecord(await disk.readFile(path), path)
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' || isCode(error, 'corrupt')) return undefined
      throw error
    }
  })
}
