import { dirname } from 'node:path'
import { makeDirectory, syncDirectory } from '../../base/atomic-file.ts'
import type { Clock } from '../../base/clock.ts'
import { type Disk, type DiskFile, localDisk } from '../../base/disk.ts'
import { errnoOf, LogcaskError, messageOf } from '../../base/errors.ts'
import { pathForPeople } from '../../base/path-bytes.ts'

/** What a power cut may take of the spool, in time: nothing that a destination has. */
const syncEveryMs = 1_000
const retryFullMs = 1_000

/** The file that keeps what is piped in until every destination has it. */
export interface PipeSpool {
  readonly file: string
  readonly bytes: number
  /** Appends, and waits while the disk is full: then nothing more is read, and nothing is lost. Rejects when aborted. */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void>
  /** Everything is on disk when it resolves. */
  close(): Promise<void>
}

/** A new, empty one. `onFull` hears each time that the disk takes no more. */
export async function openPipeSpool(
  file: string,
  clock: Clock,
  onFull: (problem: string) => void,
  disk: Disk = localDisk,
): Promise<PipeSpool> {
  try {
    await makeDirectory(dirname(file), 0o700, disk)
    const handle = await disk.open(file, 'wx', 0o600)
    await syncDirectory(dirname(file), disk)
    return new FileSpool(file, handle, clock, onFull)
  } catch (error) {
    throw new LogcaskError('refused', `${pathForPeople(file)}: cannot be made: ${messageOf(error)}`, {
      hint: 'free space for the state directory, or name another: --state DIR; nothing was read yet',
      cause: error,
    })
  }
}

class FileSpool implements PipeSpool {
  readonly file: string
  bytes = 0
  readonly #handle: DiskFile
  readonly #clock: Clock
  readonly #onFull: (problem: string) => void
  #syncedAtMs: number
  #cancelSync = (): void => {}
  #failure: unknown

  constructor(file: string, handle: DiskFile, clock: Clock, onFull: (problem: string) => void) {
    this.file = file
    this.#handle = handle
    this.#clock = clock
    this.#onFull = onFull
    this.#syncedAtMs = clock.monotonic()
  }

  async write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    for (let done = 0; done < bytes.byteLength; ) {
      try {
        const { bytesWritten } = await this.#handle.write(bytes, done, bytes.byteLength - done, this.bytes)
        done += bytesWritten
        this.bytes += bytesWritten
      } catch (error) {
        if (!isFull(error)) throw broken(this.file, error)
        this.#onFull(messageOf(error))
        await this.#clock.sleep(retryFullMs, signal)
      }
    }
    this.#syncSoon()
  }

  /** At most once per interval, however small what comes in is. */
  #syncSoon(): void {
    const waitMs = this.#syncedAtMs + syncEveryMs - this.#clock.monotonic()
    this.#cancelSync()
    this.#cancelSync = this.#clock.timer(Math.max(0, waitMs), () => {
      this.#syncedAtMs = this.#clock.monotonic()
      // What could not be synced may be gone, though the next sync says nothing (fsync's errors come once).
      this.#handle.datasync().catch((error) => {
        this.#failure ??= broken(this.file, error)
      })
    })
  }

  async close(): Promise<void> {
    this.#cancelSync()
    try {
      if (this.#failure !== undefined) throw this.#failure
      await this.#handle.sync().catch((error) => {
        throw broken(this.file, error)
      })
    } finally {
      await this.#handle.close()
    }
  }
}

function isFull(error: unknown): boolean {
  return errnoOf(error) === 'ENOSPC' || errnoOf(error) === 'EDQUOT'
}

function broken(file: string, error: unknown): LogcaskError {
  return new LogcaskError('refused', `${pathForPeople(file)}: cannot be written: ${messageOf(error)}`, {
    hint: 'look at that disk (dmesg), or name another with --state DIR',
    cause: error,
  })
}
