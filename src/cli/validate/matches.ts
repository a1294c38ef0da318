import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { scanPatterns } from '../../agent/files/scan.ts'
import { forEachConcurrently } from '../../base/concurrency.ts'
import { errnoOf, messageOf } from '../../base/errors.ts'
import { pathForSystem } from '../../base/path-bytes.ts'
import type { SourceConfig } from '../../config/agent-config.ts'

/** A file that a source matches at present. */
export interface Match {
  source: string
  path: string
  bytes: number
  changedAtMs: number
  /** Undefined where the file system does not record it. */
  bornAtMs: number | undefined
}

export interface Matches {
  files: Match[]
  /** Sources that get none of the files that they match, with those before them that take these. */
  takenBy: ReadonlyMap<string, readonly string[]>
  /** What could not be read, for people. */
  unreadable: { path: string; errno: string }[]
}

/** System calls at once: quick on ten thousand files, and one hung mount does not take the whole pool. */
const callsAtOnce = 8

/** What the sources match now, as the agent will see it, and what of it this user cannot read. */
export async function findMatches(sources: readonly SourceConfig[]): Promise<Matches> {
  const scan = await scanPatterns(sources)
  const takenBy = await findTakers(sources, scan.found)
  const matches: Matches = { files: [], unreadable: [...scan.problems], takenBy }
  await forEachConcurrently(scan.found, callsAtOnce, async ([path, source]) => {
    const name = pathForSystem(path)
    try {
      const { size, mtimeMs, birthtimeMs } = await stat(name)
      matches.files.push({
        source,
        path,
        bytes: size,
        changedAtMs: mtimeMs,
        bornAtMs: birthtimeMs > 0 ? birthtimeMs : undefined,
      })
      await access(name, constants.R_OK)
    } catch (error) {
      // Rotated away between the scan and now.
      if (errnoOf(error) !== 'ENOENT') matches.unreadable.push({ path, errno: errnoOf(error) ?? messageOf(error) })
    }
  })
  return matches
}

/** One more look for each source that got nothing: at what it would have matched alone. */
async function findTakers(
  sources: readonly SourceConfig[],
  found: ReadonlyMap<string, string>,
): Promise<Map<string, string[]>> {
  const withFiles = new Set(found.values())
  const takenBy = new Map<string, string[]>()
  for (const source of sources.slice(1).filter(({ name }) => !withFiles.has(name))) {
    const alone = await scanPatterns([source])
    const takers = new Set([...alone.found.keys()].flatMap((path) => found.get(path) ?? []))
    if (takers.size > 0) takenBy.set(source.name, [...takers])
  }
  return takenBy
}
