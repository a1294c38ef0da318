import { watch as watchPaths } from 'chokidar'
import fastGlob from 'fast-glob'
import { errnoOf, messageOf } from '../../base/errors.ts'
import type { SourcePatterns } from './files.ts'

/** `appeared`: a name came or went, so that a scan would see something new; else the file behind it may have changed. */
export interface Hint {
  path: string
  appeared: boolean
}

/**
 * Hints from the kernel about the sources' directories, by chokidar: never the truth, since events are lost silently
 * (queue overflow, watch limits, network file systems). `onProblem` hears what could not be watched.
 */
export function watchSources(
  sources: readonly SourcePatterns[],
  onHint: (hint: Hint) => void,
  onProblem: (message: string, hint: string | undefined) => void,
): { close(): Promise<void> } {
  const watchers = [...watchedDirectories(sources)].map(({ directories, depth, followSymlinks }) => {
    const watcher = watchPaths(directories, {
      ignoreInitial: true,
      followSymlinks,
      // A rotation is an unlink and an add: folded into one "change", it would be hidden.
      atomic: false,
      ignorePermissionErrors: true,
      ...(depth === undefined ? {} : { depth }),
    })
    watcher.on('all', (event, path) => onHint({ path, appeared: event !== 'change' }))
    watcher.on('error', (error) => onProblem(`cannot watch: ${messageOf(error)}`, remedies[errnoOf(error) ?? '']))
    return watcher
  })
  return {
    async close() {
      await Promise.all(watchers.map((watcher) => watcher.close()))
    },
  }
}

const remedies: Readonly<Record<string, string>> = {
  ENOSPC: 'raise fs.inotify.max_user_watches; until then files are found by scans',
  EMFILE: 'raise fs.inotify.max_user_instances; until then files are found by scans',
}

interface Watched {
  directories: string[]
  /** Levels below the directories; undefined: all. */
  depth: number | undefined
  followSymlinks: boolean
}

/** The directories in which the patterns' fixed parts end, by how far below them a match can lie. */
export function watchedDirectories(sources: readonly SourcePatterns[]): Iterable<Watched> {
  const groups = new Map<string, Watched>()
  for (const source of sources) {
    for (const pattern of source.include) {
      const { directory, depth } = reachOf(pattern)
      const key = `${depth}-${source.followSymlinks}`
      const group = groups.get(key) ?? { directories: [], depth, followSymlinks: source.followSymlinks }
      if (!group.directories.includes(directory)) group.directories.push(directory)
      groups.set(key, group)
    }
  }
  return groups.values()
}

function reachOf(pattern: string): { directory: string; depth: number | undefined } {
  const parts = pattern.split('/')
  const fixed = parts.findIndex((part) => part !== '' && fastGlob.isDynamicPattern(part))
  const end = fixed < 0 ? parts.length - 1 : fixed
  const directory = parts.slice(0, end).join('/').replace(/\\(.)/g, '$1') || '/'
  const isDeep = parts.slice(end).some((part) => part.includes('**')) || /[{(]/.test(pattern)
  return { directory, depth: isDeep ? undefined : parts.length - 1 - end }
}
