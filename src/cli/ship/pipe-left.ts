import type { Clock } from '../../base/clock.ts'
import { pathForPeople } from '../../base/path-bytes.ts'
import { shellWord } from '../terminal/shell-word.ts'
import { leftPipes } from './pipe-room.ts'

const shownMax = 3

/** What is said where something that was piped in was left undelivered; undefined where nothing was. */
export async function leftPipesProblem(
  state: string,
  clock: Pick<Clock, 'now'>,
): Promise<{ message: string; hint: string } | undefined> {
  const names = await leftPipes(state, clock)
  const [first] = names
  if (first === undefined) return undefined
  const shown = names.slice(0, shownMax).map(pathForPeople).join(', ')
  return {
    message: `not all that was piped in as ${shown}${names.length > shownMax ? ', …' : ''} was delivered: its run was interrupted`,
    hint: `logcask ship - --as ${shellWord(first)} --to URL --state ${shellWord(state)} < /dev/null`,
  }
}
