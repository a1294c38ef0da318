import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

export function hasProgram(name: string): boolean {
  return programPath(name) !== undefined
}

/** Where it is: also in the directories of root, which a user's PATH may lack. */
export function programPath(name: string): string | undefined {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return directories.map((directory) => join(directory, name)).find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export interface Ended {
  code: number
  stdout: string
  stderr: string
}

export interface RunOptions {
  env?: Readonly<Record<string, string | undefined>> | undefined
  cwd?: string | undefined
  withinMs?: number | undefined
}

/** Runs it to its end, however that comes out. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const { env = process.env, cwd, withinMs = 240_000 } = options
  return new Promise((resolve) => {
    const settings = { env: { ...env }, cwd, timeout: withinMs, killSignal: 'SIGKILL', maxBuffer: 2 ** 26 } as const
    const child = execFile(program, [...args], settings, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolve({ code, stdout, stderr: code === -1 ? `${stderr}${error}` : stderr })
    })
    child.stdin?.end()
  })
}

/** The same, and whatever ends otherwise than with 0 throws with all that it said. */
export async function succeed(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(program, args, options)
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: status ${code}\n${stdout}\n${stderr}`)
  return stdout
}
