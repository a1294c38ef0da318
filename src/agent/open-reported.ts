import { isCode, messageOf } from '../base/errors.ts'
import type { AgentContext } from './context.ts'
import type { OpenFile } from './files.ts'

/** Undefined where the name is gone, or the file cannot be opened: that is reported. */
export async function openReported(
  context: AgentContext,
  path: string,
  followSymlinks: boolean,
): Promise<OpenFile | undefined> {
  try {
    return await context.files.open(path, followSymlinks)
  } catch (error) {
    const hint = isCode(error, 'refused', 'unavailable') ? error.hint : undefined
    context.report({ kind: 'problem', place: path, message: messageOf(error), hint })
    return undefined
  }
}
