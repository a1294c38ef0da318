import { createHash } from 'node:crypto'
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFully } from '../../base/atomic-file.ts'
import { type Clock, isoTime } from '../../base/clock.ts'
import { LogcaskError } from '../../base/errors.ts'

/** What the writer of the demo knows of a file that it wrote, told by nobody else. */
export interface WrittenFile {
  /** The identity of the file: the name of its stream. */
  stream: string
  bytes: number
  sha256: string
}

export interface DemoWriter {
  readonly logs: readonly string[]
  /** Lines that each log gets, numbered from 0. */
  readonly linesEach: number
  /** So far, in all files. */
  readonly bytes: number
  readonly files: number
  /** Writes until every log has its lines, or `signal` aborts: then it rejects with its reason. */
  run(signal: AbortSignal): Promise<void>
  written(): WrittenFile[]
}

export const lineBytes = 128

/** Busy enough to look like work, little enough that four copies of it stay below 200 MB. */
const linesPerSecond = 9_000
const tickMs = 50

/** Appends numbered lines to three logs in `directory`, and rotates them by rename: `app.log` → `app.log.1` → `app.log.2`. */
export function createDemoWriter(options: {
  directory: string
  seconds: number
  rotateEveryMs: number
  clock: Clock
  /** The identity of the file behind a path. */
  identify: (path: string) => string | undefined
}): DemoWriter {
  const { directory, seconds, rotateEveryMs, clock, identify } = options
  const linesEach = Math.round(linesPerSecond * seconds)
  const logs = ['access.log', 'app.log', 'audit.log']
  const files: NumberedFile[] = []

  const begin = async (log: string): Promise<NumberedFile> => {
    const path = join(directory, log)
    const handle = await open(path, 'ax', 0o644)
    const stream = identify(path)
    if (stream === undefined) throw new LogcaskError('internal', `${path}: was made a moment ago, and is gone`)
    const file = new NumberedFile(handle, stream)
    files.push(file)
    return file
  }

  /** As logrotate does: the names move up by one, and the writer learns of it a little later. */
  const rotate = async (log: string, rotations: number): Promise<void> => {
    const path = join(directory, log)
    for (let number = rotations; number > 0; number--) await rename(`${path}.${number}`, `${path}.${number + 1}`)
    await rename(path, `${path}.1`)
  }

  return {
    logs,
    linesEach,
    get bytes() {
      return files.reduce((sum, file) => sum + file.bytes, 0)
    },
    get files() {
      return files.length
    },
    async run(signal) {
      await mkdir(directory, { recursive: true })
      const open = new Map<string, NumberedFile>()
      try {
        for (const log of logs) open.set(log, await begin(log))
        const startMs = clock.monotonic()
        let rotations = 0
        for (let line = 0; line < linesEach; ) {
          await clock.sleep(tickMs, signal)
          const elapsedMs = clock.monotonic() - startMs
          const due = Math.min(linesEach, Math.floor((elapsedMs * linesPerSecond) / 1000))
          const isTime = elapsedMs >= (rotations + 1) * rotateEveryMs && due < linesEach
          for (const [log, file] of open) {
            if (isTime) await rotate(log, rotations)
            await file.append(block(log, line, due, clock.now()))
            if (!isTime) continue
            await file.close()
            open.set(log, await begin(log))
          }
          if (isTime) rotations++
          line = due
        }
      } finally {
        for (const file of open.values()) await file.close()
      }
    },
    written: () => files.map((file) => file.written()),
  }
}

/** Lines `from` to `to` (half-open) of a log, each of `lineBytes`. */
export function block(log: string, from: number, to: number, nowMs: number): Buffer {
  const time = isoTime(nowMs)
  const lines: string[] = []
  for (let number = from; number < to; number++) {
    const text = `${log} ${String(number).padStart(9, '0')} ${time} 10.0.${number % 250}.7 GET /item/${(number * 7919) % 100_003} 200 `
    lines.push(`${text.padEnd(lineBytes - 1, '.')}\n`)
  }
  return Buffer.from(lines.join(''), 'latin1')
}

class NumberedFile {
  readonly #handle: FileHandle
  readonly #stream: string
  readonly #hash = createHash('sha256')
  bytes = 0

  constructor(handle: FileHandle, stream: string) {
    this.#handle = handle
    this.#stream = stream
  }

  async append(bytes: Buffer): Promise<void> {
    await writeFully(this.#handle, bytes, this.bytes)
    this.#hash.update(bytes)
    this.bytes += bytes.byteLength
  }

  close(): Promise<void> {
    return this.#handle.close()
  }

  written(): WrittenFile {
    return { stream: this.#stream, bytes: this.bytes, sha256: this.#hash.copy().digest('hex') }
  }
}
