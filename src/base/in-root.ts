import { lstat, readlink } from 'node:fs/promises'
import { errnoOf } from './errors.ts'
import { pathForSystem, pathFromBytes } from './path-bytes.ts'

/** As the kernel has it (path_resolution(7)). */
const linksMax = 40

/**
 * What `path` names for a machine whose disk is mounted at `root`: symbolic links are followed as that machine would, so
 * that none leads out of the root. The answer begins with / and is relative to the root; undefined where there is no such
 * name. Rejects with the system's error where it cannot be looked at.
 */
export async function resolveInRoot(root: string, path: string): Promise<string | undefined> {
  const rest = path.split('/')
  let at = ''
  let links = 0
  while (rest.length > 0) {
    const part = rest.shift()
    if (part === undefined || part === '' || part === '.') continue
    if (part === '..') {
      at = at.slice(0, Math.max(0, at.lastIndexOf('/')))
      continue
    }
    const next = `${at}/${part}`
    const target = await linkAt(`${root}${next}`)
    if (target === undefined) return undefined
    if (target === '') at = next
    else {
      if (++links > linksMax) return undefined
      if (target.startsWith('/')) at = ''
      rest.unshift(...target.split('/'))
    }
  }
  return at === '' ? '/' : at
}

/** The target of a symbolic link; '' for anything else that is there, undefined for nothing. */
async function linkAt(path: string): Promise<string | undefined> {
  try {
    if (!(await lstat(pathForSystem(path))).isSymbolicLink()) return ''
    return pathFromBytes(await readlink(pathForSystem(path), 'buffer'))
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined
    throw error
  }
}
