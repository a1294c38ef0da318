import { join } from 'node:path'
import { makeDirectory, writeAtomically } from '../../base/atomic-file.ts'
import type { Clock } from '../../base/clock.ts'
import { type Disk, localDisk } from '../../base/disk.ts'
import { errnoOf, LogcaskError, messageOf } from '../../base/errors.ts'
import { acquireLock, type Lock } from '../../base/lock.ts'

/** The state directory of one agent: locked, and bound to the host that it delivers for. */
export interface AgentState {
  readonly directory: string
  readonly host: string
  /** Random, per state directory. */
  readonly agentId: string
  /** Whether this agent has delivered there before: then an empty place is a missing mount, not a new store. */
  hasUsed(url: string): boolean
  /** Durable when it resolves: nothing goes there before. Rejects with `unavailable` where it cannot be written. */
  noteUse(url: string): Promise<void>
  close(): Promise<void>
}

interface StateRecord {
  v: number
  host: string
  agentId: string
  destinations: string[]
}

const version = 1

/**
 * Opens (or makes) the state directory. Rejects with `conflict` where another agent works in it, with `invalid` where it
 * is of another version or belongs to another host.
 */
export async function openState(
  directory: string,
  host: string,
  clock: Clock,
  disk: Disk = localDisk,
): Promise<AgentState> {
  await makeDirectory(directory, 0o700, disk).catch((error) => {
    throw new LogcaskError('invalid', `state directory ${directory}: cannot be made: ${messageOf(error)}`, {
      cause: error,
      hint: 'name another with --state (state: in the configuration)',
    })
  })
  const lock = await acquireLock(join(directory, 'lock'), clock, disk)
  try {
    return await bind(directory, host, clock, lock, disk)
  } catch (error) {
    await lock.release()
    throw error
  }
}

async function bind(directory: string, host: string, clock: Clock, lock: Lock, disk: Disk): Promise<AgentState> {
  const path = join(directory, 'agent.json')
  const before = await readRecord(path, disk)
  if (before && before.host !== host) {
    throw new LogcaskError('invalid', `state directory ${directory}: belongs to host ${before.host}, not to ${host}`, {
      hint: `go on as before with --host ${before.host} (host: in the configuration), or start anew in another --state`,
    })
  }
  const record: StateRecord = before ?? { v: version, host, agentId: clock.id(8), destinations: [] }
  const write = (): Promise<void> =>
    writeAtomically(path, Buffer.from(`${JSON.stringify(record)}\n`), 0o600, disk).catch((error) => {
      throw new LogcaskError('unavailable', `cannot write ${path}: ${messageOf(error)}`, {
        cause: error,
        hint: 'free space for the state directory, or let this user write there',
      })
    })
  // One after the other: of two destinations that are admitted at once, the earlier record must not land last, or one
  // of them is forgotten, and its missing mount taken for a new store.
  let saved: Promise<void> = Promise.resolve()
  const save = (): Promise<void> => {
    saved = saved.then(write, write)
    return saved
  }
  if (before === undefined) await save()
  return {
    directory,
    host,
    agentId: record.agentId,
    hasUsed: (url) => record.destinations.includes(url),
    async noteUse(url) {
      if (record.destinations.includes(url)) return
      record.destinations.push(url)
      await save().catch((error) => {
        record.destinations = record.destinations.filter((known) => known !== url)
        throw error
      })
    },
    close: () => lock.release(),
  }
}

/** What a state directory says of itself, without a lock; undefined where there is none. */
export async function readState(
  directory: string,
): Promise<{ host: string; destinations: readonly string[] } | undefined> {
  return readRecord(join(directory, 'agent.json'), localDisk)
}

async function readRecord(path: string, disk: Disk): Promise<StateRecord | undefined> {
  const text = await disk.readFile(path).catch((error) => {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw new LogcaskError('unavailable', `cannot read ${path}: ${messageOf(error)}`, { cause: error })
  })
  if (text === undefined) return undefined
  const record = parse(text.toString())
  if (record?.v === version && typeof record.host === 'string' && Array.isArray(record.destinations)) return record
  throw new LogcaskError(
    'invalid',
    `${path}: ${record?.v === undefined ? 'is damaged' : `is of version ${record.v}, this logcask knows version ${version}`}`,
    {
      hint: 'use the logcask that wrote it, or move the state directory away, all but spool/: it is a cache, the buckets hold the truth',
    },
  )
}

function parse(text: string): StateRecord | undefined {
  try {
    return JSON.parse(text) as StateRecord
  } catch {
    return undefined
  }
}
