import { execFile } from 'node:child_process'
import { constants } from 'node:os'

/**
 * Nets for what hangs, never measures: builds, and what a slow mirror brings, stay far below the one; a command of ours
 * far below the other.
 */
export const toolMs = 900_000
export const commandMs = 120_000

const outputBytesMax = 2 ** 28

export interface RunOptions {
  cwd?: string | undefined
  env?: Readonly<Record<string, string | undefined>> | undefined
  /** Default: `toolMs`. */
  withinMs?: number | undefined
}

export interface Ended {
  /** As a shell says it: 128 and the signal's number for one that a signal ended. */
  code: number
  stdout: string
  stderr: string
}

/**
 * Runs a program to its end, however that comes out; it finds nothing to read. Rejects where it cannot be started, and
 * where it does not end in time: it is then killed, whatever it does about SIGTERM, and the message says what was run.
 */
export function ended(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const { cwd, env = process.env, withinMs = toolMs } = options
  const settings = {
    cwd,
    env: { ...env },
    timeout: withinMs,
    killSignal: 'SIGKILL',
    maxBuffer: outputBytesMax,
  } as const
  return new Promise((resolve, reject) => {
    const child = execFile(program, [...args], settings, (error, stdout, stderr) => {
      if (error === null) return resolve({ code: 0, stdout, stderr })
      if (typeof error.code === 'number') return resolve({ code: error.code, stdout, stderr })
      // With words for a code: it was not there, or said too much.
      if (typeof error.code === 'string') return reject(error)
      if (!error.killed)
        return resolve({ code: 128 + (constants.signals[error.signal ?? 'SIGKILL'] ?? 0), stdout, stderr })
      const what = `${program} ${args.join(' ')}: did not end within ${withinMs / 1000} s, and was killed`
      reject(new Error(`${what}\n${stdout}${stderr}`, { cause: error }))
    })
    child.stdin?.end()
  })
}

/** The same, and a status other than 0 rejects with all that it said. Resolves with what is on stdout. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await ended(program, args, options)
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: status ${code}\n${stdout}\n${stderr}`)
  return stdout
}
