import { fstatSync, writeSync } from 'node:fs'
import { LogcaskError } from '../../base/errors.ts'

/**
 * The two ways out: data on stdout, everything else on stderr. What comes from hosts or buckets goes through
 * `pathForPeople` (base/path-bytes.ts) before it gets here: text is written as it is.
 */
export interface Terminal {
  /** Data. Resolves when more may follow (backpressure); rejects when nobody reads any more or the disk behind it is full. */
  write(data: string | Uint8Array): Promise<void>
  /** One line of data. */
  line(text: string): Promise<void>
  /** One line of data that a machine reads. */
  json(value: unknown): Promise<void>
  /** One line to the operator; nothing with --quiet. */
  say(text: string): void
  /** One line to the operator that --quiet does not hide: something is wrong, or was decided for them. */
  warn(text: string): void
  /** Shows a line that the next call replaces, and `undefined` removes. Only where `isLive`. */
  live(text: string | undefined): void
  /** Whether stderr is a terminal on which a line can be redrawn (and --quiet does not forbid it). */
  readonly isLive: boolean
  readonly isQuiet: boolean
  /** Whether people read stdout. */
  readonly isTTY: boolean
  /** Columns of the terminal; 80 where there is none. */
  readonly width: number
  /** Colours for stdout. */
  readonly paint: Paint
  /** Colours for stderr. */
  readonly paintMessage: Paint
  /** Resolves when all that was written has left the process; rejects where stdout did not take it all. */
  flush(): Promise<void>
}

export type Paint = Readonly<Record<keyof typeof codes, (text: string) => string>>

export interface TerminalOptions {
  quiet: boolean
  noColor: boolean
  env: NodeJS.ProcessEnv
  /** Called once when stdout fails, with what `write` rejects with from then on. */
  onClosed?: (reason: LogcaskError) => void
}

/** What a terminal needs of a stream; process.stdout and process.stderr are such. */
export type Output = NodeJS.WritableStream & { isTTY?: boolean; columns?: number; writableLength?: number; fd?: number }

const codes = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39], cyan: [36, 39] } as const

export function createPaint(hasColor: boolean): Paint {
  const paint = (open: number, close: number) => (text: string) =>
    hasColor && text !== '' ? `\u001b[${open}m${text}\u001b[${close}m` : text
  return {
    bold: paint(...codes.bold),
    dim: paint(...codes.dim),
    red: paint(...codes.red),
    green: paint(...codes.green),
    yellow: paint(...codes.yellow),
    cyan: paint(...codes.cyan),
  }
}

/** NO_COLOR (no-color.org) and --no-color forbid, FORCE_COLOR forces, else only a terminal that is not dumb has colours. */
export function wantsColor(isTTY: boolean, noColor: boolean, env: NodeJS.ProcessEnv): boolean {
  if (noColor || (env.NO_COLOR ?? '') !== '') return false
  const forced = env.FORCE_COLOR ?? ''
  if (forced !== '') return forced !== '0'
  return isTTY && env.TERM !== 'dumb'
}

export function createTerminal(stdout: Output, stderr: Output, options: TerminalOptions): Terminal {
  const { quiet, noColor, env } = options
  let closed: LogcaskError | undefined
  let isShowing = false

  const fail = (error: NodeJS.ErrnoException): void => {
    if (closed !== undefined) return
    closed = stdoutFailed(error)
    options.onClosed?.(closed)
  }
  stdout.on('error', fail)
  // Who closes stderr does not want our messages; that is no reason to stop the work.
  stderr.on('error', () => {})

  const isLive = stderr.isTTY === true && env.TERM !== 'dumb' && !quiet
  const message = (text: string): void => {
    stderr.write(`${isShowing ? clearLine : ''}${text}\n`)
    isShowing = false
  }
  const file = stdout.fd !== undefined && fstatSync(stdout.fd).isFile() ? stdout.fd : undefined
  const write = async (data: string | Uint8Array): Promise<void> => {
    if (closed === undefined) {
      if (file !== undefined) writeToFile(file, data, fail)
      else if (!stdout.write(data)) await drained(stdout)
    }
    if (closed !== undefined) throw closed
  }
  return {
    write,
    line: (text) => write(`${text}\n`),
    json: (value) => write(`${JSON.stringify(value)}\n`),
    say: (text) => {
      if (!quiet) message(text)
    },
    warn: message,
    live: (text) => {
      if (!isLive || (text === undefined && !isShowing)) return
      stderr.write(`${clearLine}${text ?? ''}`)
      isShowing = text !== undefined
    },
    isLive,
    isQuiet: quiet,
    isTTY: stdout.isTTY === true,
    get width() {
      return stderr.columns ?? stdout.columns ?? 80
    },
    paint: createPaint(wantsColor(stdout.isTTY === true, noColor, env)),
    paintMessage: createPaint(wantsColor(stderr.isTTY === true, noColor, env)),
    flush: async () => {
      if (isShowing) stderr.write(clearLine)
      isShowing = false
      await Promise.all([stdout, stderr].map(emptied))
      if (closed !== undefined) throw closed
    },
  }
}

const clearLine = '\r\u001b[2K'

/** Nobody reads stdout any more (`| head`): the frame ends quietly on this one. */
export function isReaderGone(error: unknown): boolean {
  return error instanceof LogcaskError && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'EPIPE'
}

function stdoutFailed(error: NodeJS.ErrnoException): LogcaskError {
  if (error.code === 'EPIPE')
    return new LogcaskError('unavailable', 'stdout: nobody reads it any more', { cause: error })
  return new LogcaskError('refused', `stdout: ${error.message}`, {
    hint: 'what was written there is not complete: free space, or write elsewhere',
    cause: error,
  })
}

/** Node's own stream for a file drops the rest of a short write (a disk that is nearly full), and reports success. */
function writeToFile(fd: number, data: string | Uint8Array, fail: (error: NodeJS.ErrnoException) => void): void {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data
  try {
    for (let done = 0; done < bytes.byteLength; ) done += writeSync(fd, bytes, done)
  } catch (error) {
    fail(error as NodeJS.ErrnoException)
  }
}

function drained(stream: Output): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ['drain', 'error', 'close']) stream.removeListener(event, done)
      resolve()
    }
    for (const event of ['drain', 'error', 'close']) stream.on(event, done)
  })
}

function emptied(stream: Output): Promise<void> {
  // The callback comes after everything before it, or with the error that ended the stream.
  return new Promise((resolve) => {
    stream.write('', () => resolve())
  })
}
