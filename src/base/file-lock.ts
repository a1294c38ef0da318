import { DatabaseSync } from 'node:sqlite'
import { LogcaskError, messageOf } from './errors.ts'

/**
 * The kernel's lock (fcntl), taken by SQLite on an empty file, because Node has no call for it: it ends with its process
 * however that dies. Rejects with `unavailable` where the file system cannot say.
 */
export async function lockFile(path: string): Promise<{ release(): void } | 'busy'> {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: 0 })
    database.exec('BEGIN EXCLUSIVE')
    const held = database
    return { release: () => held.close() }
  } catch (error) {
    database?.close()
    if (isBusy(error)) return 'busy'
    throw new LogcaskError('unavailable', `${path}: cannot be locked: ${messageOf(error)}`, {
      hint: isFull(error)
        ? 'free space on that disk'
        : 'its directory must exist, be writable, and be on a file system with locks (not every network mount has them)',
      cause: error,
    })
  }
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
