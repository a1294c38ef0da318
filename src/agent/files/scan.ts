import { type Dirent, lstat, readdir, type Stats, stat } from 'node:fs'
import { stat as statAsync } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import fastGlob from 'fast-glob'
import { errnoOf, messageOf } from '../../base/errors.ts'
import { pathForSystem, pathFromBytes } from '../../base/path-bytes.ts'
import type { Scan, SourcePatterns } from './files.ts'

/**
 * A complete look at what the sources' patterns match, by fast-glob on a file system adapter of ours, which (1) reads
 * names as bytes, since names need not be UTF-8; (2) keeps count, directory by directory, of what was read whole: one
 * that could not be read must not look empty (I4).
 */
export async function scanPatterns(sources: readonly SourcePatterns[]): Promise<Scan> {
  const scan: Scan = { found: new Map(), complete: new Set(), problems: [] }
  for (const source of sources) {
    const literals = [
      ...(source.literal ?? []),
      ...source.include.filter((pattern) => !fastGlob.isDynamicPattern(pattern)),
    ]
    const patterns = source.include.filter((pattern) => fastGlob.isDynamicPattern(pattern))
    for (const path of [...(await glob(patterns, source, scan)), ...(await existing(literals, source, scan))]) {
      if (!scan.found.has(path)) scan.found.set(path, source.name)
    }
  }
  return scan
}

/** `exclude` without a slash is matched against the base name. */
function ignorePatterns(exclude: readonly string[]): string[] {
  return exclude.map((pattern) => (pattern.includes('/') ? pattern : `**/${pattern}`))
}

async function glob(patterns: readonly string[], source: SourcePatterns, scan: Scan): Promise<string[]> {
  if (patterns.length === 0) return []
  const found = await fastGlob(patterns.map(hideLineEnds), {
    ignore: ignorePatterns(source.exclude),
    dot: true,
    onlyFiles: true,
    followSymbolicLinks: source.followSymlinks,
    suppressErrors: true,
    fs: adapter(scan),
  })
  return found.map(showLineEnds)
}

/** Patterns without a wildcard are names: fast-glob would take the backslashes in them for escapes. */
async function existing(paths: readonly string[], source: SourcePatterns, scan: Scan): Promise<string[]> {
  const found: string[] = []
  for (const path of paths) {
    try {
      const stats = await statAsync(pathForSystem(path))
      if (stats.isFile()) found.push(path)
      else if (stats.isDirectory())
        found.push(...(await glob([`${fastGlob.escapePath(path.replace(/\/+$/, ''))}/**`], source, scan)))
      scan.complete.add(dirname(path))
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') scan.complete.add(dirname(path))
      else scan.problems.push({ path, errno: errnoOf(error) ?? messageOf(error) })
    }
  }
  return found
}

/**
 * No wildcard of fast-glob matches what JavaScript takes for a line end; in its hands a name carries surrogates instead,
 * below those of bytes (base/path-bytes.ts).
 */
const lineEnds = ['\n', '\r', '\u2028', '\u2029']
const hiddenLineEnds = ['\udc0a', '\udc0d', '\udc28', '\udc29']

function hideLineEnds(text: string): string {
  return text.replace(/[\n\r\u2028\u2029]/g, (end) => hiddenLineEnds[lineEnds.indexOf(end)] ?? end)
}

/** By code points: the half of a character (\u{1f40a}) is none of them. */
function showLineEnds(text: string): string {
  return text.replace(/[\udc0a\udc0d\udc28\udc29]/gu, (end) => lineEnds[hiddenLineEnds.indexOf(end)] ?? end)
}

function adapter(scan: Scan): Partial<fastGlob.FileSystemAdapter> {
  const toSystem = (path: string): string | Buffer => pathForSystem(showLineEnds(path))
  const listing = (
    path: string,
    _options: unknown,
    callback: (error: NodeJS.ErrnoException | null, entries: Dirent[]) => void,
  ): void => {
    readdir(toSystem(path), { withFileTypes: true, encoding: 'buffer' }, (error, entries) => {
      const directory = join('/', showLineEnds(path))
      if (error) {
        if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR')
          scan.problems.push({ path: directory, errno: error.code ?? error.message })
        return callback(error, [])
      }
      scan.complete.add(directory)
      callback(
        null,
        entries.map((entry) => named(entry, hideLineEnds(pathFromBytes(entry.name as unknown as Buffer)))),
      )
    })
  }
  type StatCallback = (error: NodeJS.ErrnoException | null, stats: Stats) => void
  return {
    lstat: ((path: string, callback: StatCallback) => lstat(toSystem(path), callback)) as unknown as typeof lstat,
    stat: ((path: string, callback: StatCallback) => stat(toSystem(path), callback)) as unknown as typeof stat,
    readdir: listing as unknown as typeof readdir,
  }
}

/** The same entry, its name a string. */
function named(entry: Dirent<Buffer> | Dirent, name: string): Dirent {
  return Object.assign(Object.create(Object.getPrototypeOf(entry)), entry, { name }) as Dirent
}
