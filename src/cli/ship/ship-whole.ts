import type { SourceSettings } from '../../agent/context.ts'
import { everyWriter } from '../../agent/files/every-writer.ts'
import type { Files } from '../../agent/files/files.ts'
import { localFiles } from '../../agent/files/local-files.ts'
import { WholeBook } from '../../agent/whole/whole-book.ts'
import { pathForPeople, textForPeople } from '../../base/path-bytes.ts'
import { storedName } from '../../format/whole-name.ts'
import { type CommandInput, isSet } from '../command.ts'
import type { ComposedAgent } from '../compose/compose-agent.ts'
import { exits } from '../exit.ts'
import { countText, formatBytes } from '../terminal/units.ts'
import { costText, filesText, type RunReport } from './run-report.ts'
import { heldFiles, wholeReceiptLines } from './whole-outcome.ts'

/** Named one by one up to here. */
const namedMax = 5

/** Says what `ship --as` came to. `code` is what the rest of the run says: a file that is held makes a 0 a 75. */
export async function summarizeWholes(
  input: CommandInput,
  composed: ComposedAgent,
  report: RunReport,
  code: number,
): Promise<number> {
  const { terminal, values } = input
  const { wholes, meters, agent } = composed
  if (wholes === undefined) return code
  const lines = wholeReceiptLines(wholes)
  if (isSet(values, 'json')) for (const line of lines) await terminal.json(line)
  else if (isSet(values, 'receipt'))
    for (const { length, sha256, destinations, path } of lines)
      await terminal.line(`${length}  ${sha256}  ${destinations.join(',')}  ${pathForPeople(path)}`)
  const { held, notDue } = heldFiles(wholes)
  for (const file of held.slice(0, namedMax))
    terminal.warn(
      `${pathForPeople(file.path)}: not sent: ${file.completion.kind === 'held' ? file.completion.why : ''}`,
    )
  if (held.length > namedMax) terminal.warn(`and ${filesText(held.length - namedMax)} more`)
  const bytes = lines.reduce((sum, { length }) => sum + length, 0)
  const notes = [
    `${filesText(lines.length)} · ${formatBytes(bytes)} · ${countText(agent.couriers.size, 'destination')}`,
    `${countText(report.wholesSent, 'object')} sent`,
    ...(report.wholesThere > 0 ? [`${report.wholesThere} already there`] : []),
    ...(notDue.length > 0 ? [`${filesText(notDue.length)} not due yet`] : []),
    ...(held.length > 0 ? [`${filesText(held.length)} not complete`] : []),
  ]
  const isNothing = wholes.met.length === 0 && code === exits.done
  terminal.say(
    isNothing
      ? `no file matches ${input.positionals.map(pathForPeople).join(' ')}: nothing to do`
      : `${notes.join(' · ')} · ${costText(meters.values())}`,
  )
  return code === exits.done && held.length > 0 ? exits.undelivered : code
}

/** What would be sent, and under which names; no destination is asked, and nothing is written. */
export async function dryRunWhole(
  { values, terminal, clock }: CommandInput,
  source: SourceSettings & { whole: NonNullable<SourceSettings['whole']> },
  host: string,
  seen: (files: Files) => Files,
): Promise<number> {
  const files = seen(localFiles({ birthTimes: true, spoolDirectory: '' }))
  const problems: string[] = []
  const problem = (path: string, message: string): void => {
    problems.push(`${pathForPeople(path)}: ${message}`)
  }
  const book = new WholeBook({ clock, files, sources: [source], findWriters: everyWriter, problem })
  const scan = await files.scan([source])
  await book.apply(scan)
  await book.judge(scan, () => true)
  let due = 0
  for (const { path, size, modifiedMs, completion } of book.files.values()) {
    const facts = { path, modifiedMs, host, source: source.name, labels: source.labels ?? {} }
    const held = completion.kind === 'held' ? completion.why : undefined
    const key = storedName(source.whole, facts)
    due += held === undefined ? 1 : 0
    if (isSet(values, 'json')) await terminal.json({ path, length: size, key, held })
    else await terminal.line(`${size}  ${pathForPeople(path)}  ${held === undefined ? key : `not sent: ${held}`}`)
  }
  for (const line of problems) terminal.warn(textForPeople(line))
  terminal.say(`${filesText(due)} of ${book.files.size} · nothing was sent`)
  return problems.length > 0 ? exits.failed : exits.done
}
