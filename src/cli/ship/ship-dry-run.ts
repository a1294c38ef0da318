import { isJournal, refusedJournal } from '../../agent/discovery/journal.ts'
import type { Files, SourcePatterns } from '../../agent/files/files.ts'
import { localFiles } from '../../agent/files/local-files.ts'
import { isCode, LogcaskError, messageWithHint } from '../../base/errors.ts'
import { pathForPeople, textForPeople } from '../../base/path-bytes.ts'
import { type CommandInput, isSet } from '../command.ts'
import { exits } from '../exit.ts'
import { formatBytes } from '../terminal/units.ts'
import { filesText } from './run-report.ts'

/** The files that a run would deliver; no destination is asked, and nothing is written. */
export async function dryRun(
  { values, terminal }: CommandInput,
  sources: readonly SourcePatterns[],
  seen: (files: Files) => Files = (files) => files,
): Promise<number> {
  const files = seen(localFiles({ birthTimes: true, spoolDirectory: '' }))
  const scan = await files.scan(sources)
  const problems = scan.problems.map(({ path, errno }) => `${path}: cannot be searched: ${errno}`)
  let count = 0
  let bytes = 0
  for (const path of scan.found.keys()) {
    const file = await files.open(path, false).catch((error) => {
      if (!isCode(error, 'refused', 'unavailable')) throw error
      problems.push(error.message)
      return undefined
    })
    if (file === undefined) continue
    const { size } = file.stat()
    const isRefused = await isJournal(file)
    await file.close()
    if (isRefused) {
      problems.push(messageWithHint(refusedJournal(path)))
      continue
    }
    count++
    bytes += size
    if (isSet(values, 'json')) await terminal.json({ path, length: size })
    else await terminal.line(`${size}  ${pathForPeople(path)}`)
  }
  for (const problem of problems) terminal.warn(textForPeople(problem))
  terminal.say(`${filesText(count)} · ${formatBytes(bytes)} · nothing was sent`)
  if (problems.length > 0)
    throw new LogcaskError('refused', 'not all would be shipped', { hint: 'leave out or mend what is named above' })
  return exits.done
}
