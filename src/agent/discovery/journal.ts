import { LogcaskError } from '../../base/errors.ts'
import { pathForPeople } from '../../base/path-bytes.ts'
import type { AgentContext } from '../context.ts'
import { type OpenFile, readRange } from '../files/files.ts'
import type { Life } from '../life.ts'
import { closeFile } from './sweep.ts'

/** systemd's HEADER_SIGNATURE (journal-def.h), whatever the file is called. */
const magic = Buffer.from('LPKSHHRH')

/** What journald makes before it has written the header. */
export function mayBecomeJournal(path: string, file: OpenFile): boolean {
  return path.endsWith('.journal') && file.stat().size === 0
}

/** A journal is rewritten in place: of one that is in use, no byte that was read says what it will be. */
export async function isJournal(file: OpenFile): Promise<boolean> {
  return magic.equals(await readRange(file, 0, magic.length))
}

export function refusedJournal(path: string): LogcaskError {
  return new LogcaskError(
    'refused',
    `${pathForPeople(path)}: is a systemd journal, which is rewritten in place: not shipped`,
    {
      hint: 'ship an export: journalctl -o export --since yesterday > FILE; or have one that grows: journalctl -f -o json >> FILE (and leave the journal out: exclude "*.journal")',
    },
  )
}

/** A file that was empty at first sight has become one: it is left alone, before the first byte was sent. */
export async function refuseJournal(context: AgentContext, life: Life, file: OpenFile): Promise<boolean> {
  if (!(await isJournal(file))) return false
  const { message, hint } = refusedJournal(life.path)
  context.report({ kind: 'problem', code: 'journal-not-shipped', place: life.path, life, message, hint })
  void closeFile(life)
  context.forget(life)
  return true
}
