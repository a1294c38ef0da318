import { pathForPeople } from '../../base/path-bytes.ts'
import { usageError } from '../command.ts'

/** How many candidates fit a message. */
const candidatesMax = 20

/** Wrong usage, with what may have been meant. `otherwise`: what a command takes besides a name. */
export function noSuchName(name: string, candidates: readonly string[], lookup: string, otherwise = ''): Error {
  if (candidates.length === 0)
    return usageError(`no stream is called ${pathForPeople(name)}`, `${lookup} lists them all`)
  const shown = candidates.slice(0, candidatesMax).map(pathForPeople)
  const more = candidates.length > shown.length ? [`and ${candidates.length - shown.length} more`] : []
  return usageError(
    [`${pathForPeople(name)} is the end of several names:`, ...shown, ...more].join('\n'),
    `name one of them in full${otherwise}`,
  )
}
