import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Ended, ended, type RunOptions, run as runWell } from '../run.ts'

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

export type { Ended } from '../run.ts'

/** Below the deadline of a test, so that it is this that says what hung. */
const withinMs = 180_000

/** Runs it to its end, however that comes out. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return ended(program, args, { withinMs, ...options })
}

/** The same, and whatever ends otherwise than with 0 throws with all that it said. */
export function succeed(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return runWell(program, args, { withinMs, ...options })
}
