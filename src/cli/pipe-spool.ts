import { readdir, rm, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { checkpointFile } from '../agent/checkpoint.ts'
import { makeDirectory, syncDirectory } from '../base/atomic-file.ts'
import type { Clock } from '../base/clock.ts'
import { type Disk, type DiskFile, localDisk } from '../base/disk.ts'
import { errnoOf, LogcaskError, messageOf } from '../base/errors.ts'
import { pathForPeople } from '../base/path-bytes.ts'
import { usageError } from './command.ts'

/**
 * `<state>/pipes/<name>/` is the state directory of what is piped in as that name: pipes of other names, and an agent, may
 * run beside it. In there `pipes/<name>` is the spool; streams have that as their path, `/pipes/<name>`, wherever the state
 * directory is.
 */
export const pipesDirectory = 'pipes'

/** What disks hold at most in a name, with room for the number of a leftover. */
const nameBytesMax = 240
/** What a power cut may take of the spool, in time: nothing that a destination has. */
const syncEveryMs = 1_000
const retryFullMs = 1_000

/** `nightly/report.log` → itself. Throws `invalid` for what is no relative name of a file. */
export function checkPipeName(name: string | undefined): string {
  const usage = 'command | logcask ship - --as NAME --to URL'
  if (name === undefined) throw usageError('what is piped in has no name', `give it one: ${usage}`)
  const parts = name.split('/')
  const isFile = name.isWellFormed() && parts.every((part) => part !== '' && part !== '.' && part !== '..')
  if (!isFile || name.includes('\0') || Buffer.byteLength(encodeURIComponent(name)) > nameBytesMax)
    throw usageError(`--as ${pathForPeople(name)}: is no name for what is piped in`, `as a file's: ${usage}`)
  if (name.includes('{'))
    throw usageError(`--as ${pathForPeople(name)}: what is piped in takes no template`, 'write the name out')
  return name
}

/** The state directory of a pipe, below that of everything else. */
export function pipeDirectory(state: string, name: string): string {
  return join(state, pipesDirectory, encodeURIComponent(name))
}

/** As the agent sees a file below a pipe's state directory. */
export function pipePath(directory: string, file: string): string {
  return file.slice(directory.length)
}

/** The file that keeps what was piped in until every destination has it. */
export interface PipeSpool {
  /** On this disk. */
  readonly file: string
  /** What runs of the same name left undelivered, oldest first. */
  readonly leftovers: readonly string[]
  readonly bytes: number
  /** Appends, and waits while the disk is full: then nothing more is read, and nothing is lost. Rejects when aborted. */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void>
  /** Everything is on disk when it resolves. */
  close(): Promise<void>
}

/**
 * A new, empty spool for `name` in its state directory, which is locked. What another run left under that name is renamed
 * first, as a log is rotated: it is the same file, and its stream goes on.
 */
export async function openPipeSpool(
  directory: string,
  name: string,
  clock: Clock,
  onFull: (problem: string) => void,
  disk: Disk = localDisk,
): Promise<PipeSpool> {
  const file = join(directory, pipesDirectory, name)
  const handle = await makeSpool(file, disk)
  const leftovers = await leftoversOf(file)
  return new FileSpool(file, leftovers, handle, clock, onFull)
}

async function makeSpool(file: string, disk: Disk): Promise<DiskFile> {
  try {
    await makeDirectory(dirname(file), 0o700, disk)
    const names = await readdir(dirname(file))
    if (names.includes(basename(file))) await disk.rename(file, `${file}.${nextNumber(names, basename(file))}`)
    const handle = await disk.open(file, 'wx', 0o600)
    await syncDirectory(dirname(file), disk)
    return handle
  } catch (error) {
    throw new LogcaskError('refused', `${pathForPeople(file)}: cannot be made: ${messageOf(error)}`, {
      hint: 'free space for the state directory, or name another: --state DIR; nothing was read yet',
      cause: error,
    })
  }
}

function nextNumber(names: readonly string[], base: string): number {
  return Math.max(0, ...names.map((name) => numberOf(name, base) ?? 0)) + 1
}

function numberOf(name: string, base: string): number | undefined {
  const rest = name.startsWith(`${base}.`) ? name.slice(base.length + 1) : ''
  return /^[1-9]\d{0,5}$/.test(rest) ? Number(rest) : undefined
}

async function leftoversOf(file: string): Promise<string[]> {
  const numbers = (await readdir(dirname(file))).flatMap((name) => numberOf(name, basename(file)) ?? [])
  return numbers.sort((a, b) => a - b).map((number) => `${file}.${number}`)
}

class FileSpool implements PipeSpool {
  readonly file: string
  readonly leftovers: readonly string[]
  bytes = 0
  readonly #handle: DiskFile
  readonly #clock: Clock
  readonly #onFull: (problem: string) => void
  #syncedAtMs: number
  #cancelSync = (): void => {}
  #failure: unknown

  constructor(
    file: string,
    leftovers: readonly string[],
    handle: DiskFile,
    clock: Clock,
    onFull: (problem: string) => void,
  ) {
    this.file = file
    this.leftovers = leftovers
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

/** Everything is delivered: what was kept goes, and what is known of it. Which stores it has used stays. */
export async function clearPipe(directory: string, spool: Pick<PipeSpool, 'file' | 'leftovers'>): Promise<void> {
  for (const file of [...spool.leftovers, spool.file]) await unlink(file)
  await rm(join(directory, checkpointFile), { force: true })
}
