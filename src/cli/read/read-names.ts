import { isoTime } from '../../base/clock.ts'
import { matchesGlob } from '../../base/glob.ts'
import { sha256 } from '../../base/hash.ts'
import { pathForPeople, pathToBytes } from '../../base/path-bytes.ts'
import { birthOfIdentity, parseStreamId } from '../../format/keys.ts'
import type { Origin } from '../../format/origin.ts'

/** What orders the streams of one name. */
export interface Born {
  stream: string
  storedAtMs?: number | undefined
}

/** When a stream was born, ISO 8601, UTC: its file's birth, or where that is unknown, when it was first stored. */
export function bornAt({ stream, storedAtMs }: Born): string {
  const birth = birthOfIdentity(parseStreamId(stream)?.identity ?? '')
  return birth ?? (storedAtMs === undefined ? '' : isoTime(storedAtMs))
}

/** Oldest first; of one identity by generation. */
export function byBirth(a: Born, b: Born): number {
  const [left, right] = [bornAt(a), bornAt(b)]
  if (left !== right) return left < right ? -1 : 1
  const generations = [a, b].map(({ stream }) => parseStreamId(stream)?.generation ?? 0)
  return (generations[0] ?? 0) - (generations[1] ?? 0) || (a.stream < b.stream ? -1 : 1)
}

/** What names a stream to people: its path, and what its source called it. */
export type Named = Pick<Origin, 'path' | 'pathSha256' | 'labels'>

/** Whether `name` is the whole path of an origin, also as it is shown to people, or where the origin had to cut it. */
export function isPath(name: string, { labels, path, pathSha256 }: Named): boolean {
  if (labels?.name === name) return true
  if (pathSha256 !== undefined && sha256(pathToBytes(name)) === pathSha256) return true
  return path === name || pathForPeople(path) === name
}

/** The one path that `name` is the whole or the end of; a whole one counts before all others. */
export function matchPath<T extends Named>(
  name: string,
  origins: readonly T[],
): { path: string } | { candidates: readonly string[] } {
  const whole = origins.find(({ path }) => path === name) ?? origins.find((origin) => isPath(name, origin))
  if (whole !== undefined) return { path: whole.path }
  const isEnd = (path: string): boolean => path.endsWith(`/${name}`)
  const candidates = [...new Set(origins.map(({ path }) => path))].filter(
    (path) => isEnd(path) || isEnd(pathForPeople(path)),
  )
  const [only, ...others] = candidates
  return only !== undefined && others.length === 0 ? { path: only } : { candidates: candidates.sort() }
}

/** Whether it may mean several: `*` stands for any characters (slashes, too), `?` for one. */
export function isPattern(name: string): boolean {
  return /[*?]/.test(name)
}

/** Whether a pattern fits the whole of a path, or its end from a slash on; or the name that its source gave it. */
export function fitsPattern(pattern: string, { labels, path }: Named): boolean {
  return [path, pathForPeople(path), labels?.name ?? path].some(
    (text) => matchesGlob(pattern, text) || matchesGlob(`*/${pattern}`, text),
  )
}

/**
 * The paths that `name` means, in order: the one that it is the whole or the end of, or all that a pattern fits. With
 * `several`, also each of several that it is the end of, and none where there is none.
 */
export function matchPaths<T extends Named>(
  name: string,
  origins: readonly T[],
  options: { several: boolean },
): { paths: readonly string[] } | { candidates: readonly string[] } {
  const match = matchPath(name, origins)
  if ('path' in match) return { paths: [match.path] }
  const fitting = isPattern(name) ? origins.filter((origin) => fitsPattern(name, origin)) : []
  const paths = [...new Set(fitting.map(({ path }) => path))].sort()
  if (paths.length > 0) return { paths }
  return options.several ? { paths: match.candidates } : match
}
