import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import fastGlob from 'fast-glob'
import { errnoOf, LogcaskError, messageOf } from '../../base/errors.ts'
import { pathForPeople, pathForSystem } from '../../base/path-bytes.ts'

/**
 * What a source matches for one argument of `stream`: a file or directory that is there is meant as it is written, with
 * all that is below it; else a pattern, or a file that is still to come.
 */
export async function patternOf(given: string): Promise<string> {
  if (given === '') throw new LogcaskError('invalid', 'an empty path names no file', { hint: 'name it' })
  const kind = await kindOf(given)
  if (kind === 'absent' && fastGlob.isDynamicPattern(given))
    return given.startsWith('/') ? given : `${fastGlob.escapePath(resolve('.'))}/${given}`
  const path = resolve(given)
  // Without a wildcard it is taken as a name, where a backslash is one.
  const escaped = fastGlob.isDynamicPattern(path) ? fastGlob.escapePath(path) : path
  return kind === 'directory' ? `${fastGlob.escapePath(path)}/**` : escaped
}

async function kindOf(path: string): Promise<'file' | 'directory' | 'absent'> {
  try {
    const stats = await stat(pathForSystem(resolve(path)))
    return stats.isDirectory() ? 'directory' : 'file'
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return 'absent'
    throw new LogcaskError('invalid', `${pathForPeople(path)}: ${messageOf(error)}`, {
      hint: 'let this user read it, or run as one that may',
      cause: error,
    })
  }
}
