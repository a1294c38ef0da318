import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errnoOf } from '../../base/errors.ts'
import { pathForPeople, pathForSystem } from '../../base/path-bytes.ts'
import type { SourceConfig } from '../../config/agent-config.ts'
import type { Matches } from '../validate/matches.ts'

/** Named one by one up to here: a tree of a thousand directories without the right is one mistake. */
const namedMax = 5

/** What the user who asks, and the unit that runs the agent, lack for `after: delete` and `after: move`. */
export async function afterWarnings(sources: readonly SourceConfig[], { files }: Matches): Promise<string[]> {
  const warnings: string[] = []
  for (const { name, after, moveTo } of sources.filter((source) => source.after !== 'keep')) {
    const own = new Set(files.filter(({ source }) => source === name).map(({ path }) => dirname(path)))
    const directories = moveTo === undefined ? [...own] : [...own, await existing(moveTo)]
    const denied: string[] = []
    for (const directory of directories) if (!(await mayWrite(directory))) denied.push(directory)
    for (const directory of denied.slice(0, namedMax))
      warnings.push(
        `source ${name}: after: ${after} needs write on ${pathForPeople(directory)}, which this user has not: give it to the agent's user (group, ACL)`,
      )
    if (denied.length > namedMax)
      warnings.push(`source ${name}: ${denied.length - namedMax} more directories like these`)
    const shown = [...new Set(moveTo === undefined ? own : [...own, moveTo])].slice(0, namedMax).map(pathForPeople)
    if (shown.length > 0)
      warnings.push(
        `source ${name}: after: ${after} ${after === 'move' ? 'moves' : 'deletes'} rotated files: a systemd unit with ProtectSystem=strict needs ReadWritePaths=${shown.join(' ')}`,
      )
  }
  return warnings
}

async function mayWrite(directory: string): Promise<boolean> {
  try {
    await access(pathForSystem(directory), constants.W_OK | constants.X_OK)
    return true
  } catch (error) {
    // Gone since the scan: then nothing is to be done there.
    return errnoOf(error) === 'ENOENT'
  }
}

/** The directory, or the nearest one above it that is there: in it the rest is made. */
async function existing(directory: string): Promise<string> {
  for (let at = directory.replace(/\/+$/, ''); at.length > 1; at = dirname(at))
    if (
      await access(at).then(
        () => true,
        (error) => errnoOf(error) !== 'ENOENT',
      )
    )
      return at
  return '/'
}
