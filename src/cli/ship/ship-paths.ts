import type { Stats } from 'node:fs'
import { lstat, realpath, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import fastGlob from 'fast-glob'
import { errnoOf, messageOf } from '../../base/errors.ts'
import { pathForPeople, pathForSystem, pathFromBytes } from '../../base/path-bytes.ts'
import { usageError } from '../command.ts'

/**
 * What `ship` was given: names of files and directories, meant as they are written (whatever wildcards they hold), and
 * patterns. Rejects for a name that nothing has: a typing error must not pass for "nothing to do".
 */
export async function resolvePaths(given: readonly string[]): Promise<{ literal: string[]; include: string[] }> {
  const paths = { literal: [] as string[], include: [] as string[] }
  for (const path of given) {
    if (path === '')
      throw usageError('an argument is empty: it names no file', 'look at the variable that it came from')
    const absolute = resolve(path)
    if (await exists(absolute)) {
      paths.literal.push(await target(absolute))
    } else if (fastGlob.isDynamicPattern(path)) {
      paths.include.push(path.startsWith('/') ? path : `${fastGlob.escapePath(resolve('.'))}/${path}`)
    } else {
      throw usageError(
        `${pathForPeople(path)}: no such file or directory`,
        'check the name; patterns need quotes: logcask ship "/var/log/*.log" --to …',
      )
    }
  }
  return paths
}

/** A link that was named is meant; only links that are found are not followed. */
async function target(path: string): Promise<string> {
  const { real, stats } = await resolved(path)
  if (stats.isFile() || stats.isDirectory()) return pathFromBytes(real)
  throw usageError(
    `${pathForPeople(path)}: is neither a file nor a directory: nothing was sent`,
    'leave it out: a pipe, a socket or a device has no offsets to go on from; a pattern in quotes passes over them',
  )
}

async function resolved(path: string): Promise<{ real: Buffer; stats: Stats }> {
  try {
    const real = await realpath(pathForSystem(path), 'buffer')
    return { real, stats: await stat(real) }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR')
      throw usageError(`${pathForPeople(path)}: is a link to what does not exist`, 'mend the link, or leave it out')
    if (errnoOf(error) === 'ELOOP')
      throw usageError(`${pathForPeople(path)}: is a link to itself`, 'mend the link, or leave it out')
    throw usageError(`${pathForPeople(path)}: ${messageOf(error)}`, 'let this user read it, or run as one that may')
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(pathForSystem(path))
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR' || errnoOf(error) === 'ENAMETOOLONG') return false
    throw usageError(`${pathForPeople(path)}: ${messageOf(error)}`, 'let this user read it, or run as one that may')
  }
}
