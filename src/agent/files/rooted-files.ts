import fastGlob from 'fast-glob'
import type { Files, Scan } from './files.ts'

/**
 * The files of a machine whose disk is mounted at `root`, under the paths that they have there. The sources' patterns are
 * that machine's, too; symbolic links are never followed, since they would lead into this machine.
 */
export function rootedFiles(files: Files, root: string): Files {
  const inside = (path: string): string => `${root}${path}`
  const outside = (path: string): string => path.slice(root.length) || '/'
  return {
    open: (path) => files.open(inside(path), false),
    peek: (path) => files.peek(inside(path), false),
    decode: (file, bytesMax) => files.decode(file, bytesMax),
    async find(identity, directories) {
      const found = await files.find(identity, directories.map(inside))
      return found === undefined ? undefined : outside(found)
    },
    async scan(sources) {
      const rooted = sources.map((source) => ({
        ...source,
        followSymlinks: false,
        include: source.include.map((pattern) => `${fastGlob.escapePath(root)}${pattern}`),
        literal: source.literal?.map(inside),
        exclude: source.exclude.map((pattern) =>
          pattern.startsWith('/') ? `${fastGlob.escapePath(root)}${pattern}` : pattern,
        ),
      }))
      const { found, complete, problems } = await files.scan(rooted)
      return {
        found: new Map([...found].map(([path, name]) => [outside(path), name])),
        complete: new Set([...complete].map(outside)),
        problems: problems.map((problem) => ({ ...problem, path: outside(problem.path) })),
      } satisfies Scan
    },
  }
}
