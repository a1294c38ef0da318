import fastGlob from 'fast-glob'
import type { SourceConfig } from './agent-config.ts'

/** What is wrong with a source's `after` and `moveTo` together: the setting, the problem, the remedy. */
export function afterProblem({
  after,
  moveTo,
}: Pick<SourceConfig, 'after' | 'moveTo'>): [setting: 'after' | 'moveTo', message: string, fix: string] | undefined {
  if (after === 'move' && moveTo === undefined)
    return ['after', 'move: nobody says where to', 'set moveTo: /var/log/archive beside it']
  if (after !== 'move' && moveTo !== undefined)
    return ['moveTo', `is of no use with after: ${after}`, 'set after: move, or leave it out']
  if (moveTo !== undefined && /(^|\/)\.\.?(\/|$)|^\/+$/.test(moveTo))
    return ['moveTo', `${moveTo} is no directory of its own`, 'write it without . and .., as in /var/log/archive']
  return undefined
}

/** What was moved is delivered: no source takes it for new files, wherever the directory lies. */
export function leaveOutMoved(sources: readonly SourceConfig[]): SourceConfig[] {
  const moved = [...new Set(sources.flatMap(({ moveTo }) => moveTo ?? []))].map(
    (directory) => `${fastGlob.escapePath(directory.replace(/\/+$/, ''))}/**`,
  )
  return moved.length === 0
    ? [...sources]
    : sources.map((source) => ({ ...source, exclude: [...source.exclude, ...moved] }))
}
