import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { acquireLock } from '../base/lock.ts'
import { pathForPeople } from '../base/path-bytes.ts'
import { pipesDirectory } from './pipe-spool.ts'
import { shellWord } from './shell-word.ts'

/** What is said where something that was piped in was left undelivered, and nobody works on it now. */
export async function leftPipes(
  state: string,
  clock: Pick<Clock, 'now'>,
): Promise<{ message: string; hint: string } | undefined> {
  const names = await leftNames(state, clock)
  const [first] = names
  if (first === undefined) return undefined
  const shown = names.slice(0, 3).map(pathForPeople).join(', ')
  return {
    message: `not all that was piped in as ${shown}${names.length > 3 ? ', …' : ''} was delivered: its run was interrupted`,
    hint: `logcask ship - --as ${shellWord(first)} --to URL --state ${shellWord(state)} < /dev/null`,
  }
}

async function leftNames(state: string, clock: Pick<Clock, 'now'>): Promise<string[]> {
  const left: string[] = []
  for (const name of await readdir(join(state, pipesDirectory)).catch(() => [])) {
    const directory = join(state, pipesDirectory, name)
    const kept = await readdir(join(directory, pipesDirectory), { recursive: true, withFileTypes: true }).catch(
      () => [],
    )
    if (!kept.some((entry) => entry.isFile())) continue
    // Whoever has the lock is at work on it.
    const lock = await acquireLock(join(directory, 'lock'), clock).catch(() => undefined)
    await lock?.release()
    if (lock !== undefined) left.push(decodeURIComponent(name))
  }
  return left
}
