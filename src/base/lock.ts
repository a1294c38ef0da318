import { readFile, unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { DatabaseSync } from 'node:sqlite'
import { writeAtomically } from './atomic-file.ts'
import { type Clock, isoTime } from './clock.ts'
import { LogcaskError, messageOf } from './errors.ts'

export interface Lock {
  /** Lets the next one in. Idempotent. */
  release(): Promise<void>
}

/**
 * Makes this process the only one that works in a directory: of any number that ask for the lock at `path`, one has it.
 * Never waits. Rejects with `conflict`, naming the owner, while another one (or this process) holds it, and with
 * `unavailable` where the file system cannot say.
 *
 * The lock is the kernel's (fcntl), taken by SQLite on an empty file, because Node has no call for it: it ends with its
 * process however that dies, so there is no stale lock, and nothing to take over, guess from a process number (which
 * containers share and reboots reuse) or delete by hand. `<path>.owner` only tells people who it is. Removing the file
 * of a live owner lets a second one in.
 */
export async function acquireLock(path: string, clock: Pick<Clock, 'now'>): Promise<Lock> {
  const ownerPath = `${path}.owner`
  const held = await takeLock(path, ownerPath)
  const owner: Owner = { pid: process.pid, host: hostname(), since: isoTime(clock.now()) }
  // A full disk must not keep the owner of the lock from working: without this file only the message is poorer.
  await writeAtomically(ownerPath, Buffer.from(`${JSON.stringify(owner)}\n`), 0o644).catch(() => {})
  let isHeld = true
  return {
    async release() {
      if (!isHeld) return
      isHeld = false
      await unlink(ownerPath).catch(() => {})
      held.close()
    },
  }
}

interface Owner {
  pid: number
  host: string
  /** ISO 8601, UTC. */
  since: string
}

async function takeLock(path: string, ownerPath: string): Promise<DatabaseSync> {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: 0 })
    database.exec('BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database?.close()
    if (!isBusy(error)) {
      throw new LogcaskError('unavailable', `${path}: cannot be locked: ${messageOf(error)}`, {
        hint: isFull(error)
          ? 'free space on that disk'
          : 'its directory must exist, be writable, and be on a file system with locks (not every network mount has them)',
        cause: error,
      })
    }
    const owner = await readOwner(ownerPath)
    throw new LogcaskError('conflict', `${path}: another logcask works here${owner ? `: ${describe(owner)}` : ''}`, {
      hint: owner ? `stop it first (on ${owner.host}: kill ${owner.pid}), or use another directory` : 'stop it first',
    })
  }
}

function describe(owner: Owner): string {
  return `process ${owner.pid} on ${owner.host} since ${owner.since}`
}

/** Undefined also for an owner file that cannot be read: it is no evidence, only a help. */
async function readOwner(ownerPath: string): Promise<Owner | undefined> {
  try {
    const owner: unknown = JSON.parse(await readFile(ownerPath, 'utf8'))
    return isOwner(owner) ? owner : undefined
  } catch {
    return undefined
  }
}

function isOwner(value: unknown): value is Owner {
  const { pid, host, since } = (typeof value === 'object' && value !== null ? value : {}) as Partial<Owner>
  return Number.isSafeInteger(pid) && typeof host === 'string' && typeof since === 'string'
}

/** SQLITE_BUSY: somebody else has it. */
function isBusy(error: unknown): boolean {
  return sqliteCodeOf(error) === 5
}

/** SQLITE_FULL. */
function isFull(error: unknown): boolean {
  return sqliteCodeOf(error) === 13
}

/** Without what makes an extended code of it. */
function sqliteCodeOf(error: unknown): number | undefined {
  const code = error instanceof Error ? (error as { errcode?: unknown }).errcode : undefined
  return typeof code === 'number' ? code & 0xff : undefined
}
