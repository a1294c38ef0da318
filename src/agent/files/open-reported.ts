import { isCode, messageOf } from '../../base/errors.ts'
import type { AgentContext } from '../context.ts'
import { isJournal, mayBecomeJournal, refusedJournal } from '../discovery/journal.ts'
import type { OpenFile } from './files.ts'

/** Undefined where the name is gone, or the file cannot be opened, or is none to be shipped: that is reported. */
export async function openReported(
  context: AgentContext,
  path: string,
  followSymlinks: boolean,
): Promise<OpenFile | undefined> {
  try {
    const file = await context.files.open(path, followSymlinks)
    return file && (await accepted(context, path, file))
  } catch (error) {
    const hint = isCode(error, 'refused', 'unavailable') ? error.hint : undefined
    const isRefused = messageOf(error) === refusedJournal(path).message
    const code = isRefused ? 'journal-not-shipped' : 'file-unreadable'
    context.report({ kind: 'problem', code, place: path, message: messageOf(error), hint })
    return undefined
  }
}

/** Undefined for a file that has to show first what it is; rejects for one that is none to be shipped. */
async function accepted(context: AgentContext, path: string, file: OpenFile): Promise<OpenFile | undefined> {
  let isTaken = false
  try {
    if (await isJournal(file)) throw refusedJournal(path)
    isTaken = context.settings.isOneShot || !mayBecomeJournal(path, file)
    return isTaken ? file : undefined
  } finally {
    if (!isTaken) await file.close()
  }
}
