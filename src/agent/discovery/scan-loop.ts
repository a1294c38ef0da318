import { messageOf } from '../../base/errors.ts'
import type { AgentContext } from '../context.ts'
import type { Life } from '../life.ts'
import { explore } from './explore.ts'
import type { ScanPace } from './scan-pace.ts'

const searchHint = 'let this user read and search it (chmod o+rx, an ACL, or CAP_DAC_READ_SEARCH)'

/**
 * Looks at all names, again and again: this is the truth, events only make it earlier. A one-shot run looks until every
 * file has had its turn. `wake` gets lives that can go on; `applied` is called after each look. Ends when aborted.
 */
export async function keepScanning(
  context: AgentContext,
  pace: ScanPace,
  wake: (life: Life) => void,
  applied: () => void,
): Promise<void> {
  const { clock, settings, signal, book } = context
  while (!signal.aborted) {
    const startedMs = clock.monotonic()
    const scanned = pace.begins()
    await scan(context, wake).catch((error) => {
      if (settings.isOneShot) throw error
      context.report({ kind: 'problem', code: 'scan-failed', place: 'scan', message: messageOf(error) })
    })
    scanned()
    for (const life of book.old) wake(life)
    applied()
    if (settings.isOneShot && book.waiting.size === 0) return
    await pace.next(clock.monotonic() - startedMs, signal)
  }
}

async function scan(context: AgentContext, wake: (life: Life) => void): Promise<void> {
  const { book, files, settings } = context
  const found = await files.scan(settings.sources)
  for (const { path, errno } of found.problems)
    context.report({
      kind: 'problem',
      code: 'directory-unreadable',
      place: path,
      message: `cannot be searched: ${errno}`,
      hint: searchHint,
    })
  const isFirst = !book.isExplored
  await explore(context, found)
  if (isFirst) for (const life of book.current.values()) wake(life)
}
