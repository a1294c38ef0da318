import { hostname } from 'node:os'
import { writeAtomically } from './atomic-file.ts'
import { type Clock, isoTime } from './clock.ts'
import { type Disk, localDisk } from './disk.ts'
import { LogcaskError } from './errors.ts'

export interface Lock {
  /** Lets the next one in. Idempotent. */
  release(): Promise<void>
}

/**
 * Makes this process the only one that works in a directory: of any number that ask for the lock at `path`, one has it.
 * Never waits. Rejects with `conflict`, naming the owner, while another one (or this process) holds it, and with
 * `unavailable` where the file system cannot say.
 *
 * The lock is the kernel's (file-lock.ts): it ends with its process however that dies, so there is no stale lock, and
 * nothing to take over, to guess from a process number (which containers share and reboots reuse) or to delete by hand.
 * `<path>.owner` only tells people who it is. Removing the file of a live owner lets a second one in.
 */
export async function acquireLock(path: string, clock: Pick<Clock, 'now'>, disk: Disk = localDisk): Promise<Lock> {
  const ownerPath = `${path}.owner`
  const held = await disk.lock(path)
  if (held === 'busy') throw conflict(path, await readOwner(ownerPath, disk))
  const owner: Owner = { pid: process.pid, host: hostname(), since: isoTime(clock.now()) }
  // A full disk must not keep the owner of the lock from working: without this file only the message is poorer.
  await writeAtomically(ownerPath, Buffer.from(`${JSON.stringify(owner)}\n`), 0o644, disk).catch(() => {})
  let isHeld = true
  return {
    async release() {
      if (!isHeld) return
      isHeld = false
      await disk.unlink(ownerPath).catch(() => {})
      held.release()
    },
  }
}

interface Owner {
  pid: number
  host: string
  /** ISO 8601, UTC. */
  since: string
}

function conflict(path: string, owner: Owner | undefined): LogcaskError {
  return new LogcaskError('conflict', `${path}: another logcask works here${owner ? `: ${describe(owner)}` : ''}`, {
    hint: owner ? `stop it first (on ${owner.host}: kill ${owner.pid}), or use another directory` : 'stop it first',
  })
}

function describe(owner: Owner): string {
  return `process ${owner.pid} on ${owner.host} since ${owner.since}`
}

/** Undefined also for an owner file that cannot be read: it is no evidence, only a help. */
async function readOwner(ownerPath: string, disk: Disk): Promise<Owner | undefined> {
  try {
    const owner: unknown = JSON.parse((await disk.readFile(ownerPath)).toString())
    return isOwner(owner) ? owner : undefined
  } catch {
    return undefined
  }
}

function isOwner(value: unknown): value is Owner {
  const { pid, host, since } = (typeof value === 'object' && value !== null ? value : {}) as Partial<Owner>
  return Number.isSafeInteger(pid) && typeof host === 'string' && typeof since === 'string'
}
