import { constants } from 'node:fs'
import { open, readdir, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDirectory, syncDirectory, writeAtomically, writeFully } from '../../base/atomic-file.ts'
import { errnoOf, LogcaskError, messageOf } from '../../base/errors.ts'
import { sha256 } from '../../base/hash.ts'
import { windowBytes } from '../../format/limits.ts'
import { type FileStat, type OpenFile, readRange } from '../files/files.ts'
import type { Life } from '../life.ts'

/** What the spool says of a file that it keeps the rest of. With it, the file is delivered also where the state is gone. */
export interface SpoolRecord {
  v: 1
  /** As in the checkpoint (`lifeKey`). */
  key: string
  life: Pick<Life, 'identity' | 'firstGeneration' | 'origin' | 'source' | 'path' | 'isOwn' | 'copy'>
  /** Names of the destinations that were to get it: no other one is. */
  to: string[]
  /** Kept are [0, min(from, 4 KiB)) and [from, end). */
  from: number
  end: number
}

/** Of a file, in memory at once. */
const stretchBytes = 1024 * 1024
const recordName = /^rescued-.+\.json$/
const bytesName = /^(rescued-.+)\.bytes$/

/** Bytes of disk that an entry takes. */
export function bytesOf({ from, end }: Pick<SpoolRecord, 'from' | 'end'>): number {
  return end - from + Math.min(from, windowBytes)
}

/** Name of an entry's files: a key may hold what a file's name may not. */
function nameOf(key: string): string {
  return `rescued-${key.replace(/[^A-Za-z0-9+-]/g, '_')}-${sha256(Buffer.from(key)).slice(0, 8)}`
}

/** Copies [start, end) of the file, durable when it resolves; the record is the last to be written. */
export async function writeEntry(directory: string, record: SpoolRecord, start: number, file: OpenFile): Promise<void> {
  await makeDirectory(directory, 0o700)
  const name = nameOf(record.key)
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW
  // At its own offsets, with a hole where nothing is kept: what is read of it is read as of the file.
  const target = await open(join(directory, `${name}.bytes`), flags, 0o600)
  try {
    const ranges = [
      [0, start === record.from ? Math.min(record.from, windowBytes) : 0],
      [start, record.end],
    ] as const
    for (const [from, to] of ranges)
      for (let at = from; at < to; ) {
        const bytes = await readRange(file, at, Math.min(to, at + stretchBytes))
        if (bytes.byteLength === 0) throw new LogcaskError('unavailable', `${record.life.path}: became shorter`)
        await writeFully(target, bytes, at)
        at += bytes.byteLength
      }
    await target.sync()
  } finally {
    await target.close()
  }
  await writeAtomically(join(directory, `${name}.json`), Buffer.from(`${JSON.stringify(record)}\n`))
}

/** Entries that are whole. What cannot be understood stays where it is, and is told to `onProblem`. */
export async function readEntries(
  directory: string,
  onProblem: (path: string, why: string) => void,
): Promise<SpoolRecord[]> {
  const names = await readdir(directory).catch((error): string[] => {
    if (errnoOf(error) === 'ENOENT') return []
    throw new LogcaskError('unavailable', `cannot read ${directory}: ${messageOf(error)}`, { cause: error })
  })
  const records: SpoolRecord[] = []
  // A process that was killed before it wrote the record: nobody knows whose bytes these are, nor how many are there.
  for (const name of names)
    if (bytesName.test(name) && !names.includes(name.replace(bytesName, '$1.json')))
      await unlink(join(directory, name)).catch((error) => onProblem(join(directory, name), messageOf(error)))
  for (const name of names) {
    if (!recordName.test(name)) continue
    const path = join(directory, name)
    try {
      const record = JSON.parse(await readFile(path, 'utf8')) as SpoolRecord
      if (record.v === 1) records.push(record)
      else onProblem(path, `is of version ${record.v}`)
    } catch (error) {
      onProblem(path, messageOf(error))
    }
  }
  return records
}

export async function removeEntry(directory: string, key: string): Promise<void> {
  const name = nameOf(key)
  // The record first: without it, the bytes are nobody's.
  for (const path of [join(directory, `${name}.json`), join(directory, `${name}.bytes`)])
    await unlink(path).catch((error) => {
      if (errnoOf(error) !== 'ENOENT') throw error
    })
  await syncDirectory(directory)
}

/** The kept file, as if it were still held open: it has no name, and does not change. */
export async function openEntry(directory: string, record: SpoolRecord): Promise<OpenFile> {
  const path = join(directory, `${nameOf(record.key)}.bytes`)
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error) => {
    throw new LogcaskError('unavailable', `cannot read ${path}: ${messageOf(error)}`, { cause: error })
  })
  const { from, end } = record
  const stat: FileStat = { size: end, links: 0, stamp: `spooled:${end}`, modifiedMs: 0 }
  const head = Math.min(from, windowBytes)
  return {
    identity: record.life.identity,
    keptFrom: from,
    stat: () => stat,
    async read(into, position) {
      // Short where nothing is kept: bytes of the hole are nobody's.
      const to = Math.min(position + into.byteLength, position < head && head < from ? head : end)
      if (position >= head && position < from) return 0
      let done = 0
      while (position + done < to) {
        const { bytesRead } = await handle.read(into, done, to - position - done, position + done)
        if (bytesRead === 0) break
        done += bytesRead
      }
      return done
    },
    close: () => handle.close(),
  }
}
