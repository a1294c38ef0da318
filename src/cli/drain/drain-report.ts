import type { AgentEvent } from '../../agent/context.ts'
import { pathForPeople, textForPeople } from '../../base/path-bytes.ts'
import { type CommandInput, isSet } from '../command.ts'
import type { ComposedAgent } from '../compose/compose-agent.ts'
import { exits } from '../exit.ts'
import { filesText, type ReceiptLine, receiptLines } from '../ship/run-report.ts'
import { type WholeReceiptLine, wholeReceiptLines } from '../ship/whole-outcome.ts'
import { formatBytes } from '../terminal/units.ts'
import type { Lack } from './drain-verify.ts'

export type Receipt = ReceiptLine | WholeReceiptLine

export interface Delivered {
  code: number
  lacks: Lack[]
}

/** What is delivered and forgotten before the end: files that only the spool had. */
export function noteSeal(receipts: Map<string, Receipt>, event: AgentEvent): void {
  if (event.kind !== 'sealed') return
  const { life, length, sha256 } = event
  const { stream, destination } = event.delivery
  if (stream === undefined) return
  const before = receipts.get(stream)
  const isSame = before?.length === length && before.sha256 === sha256
  const destinations = [...new Set([...(isSame ? before.destinations : []), destination])]
  receipts.set(stream, { length, sha256, path: life.path, stream, destinations })
}

export function noteDelivered(receipts: Map<string, Receipt>, { agent, wholes }: ComposedAgent): void {
  for (const line of receiptLines(agent)) receipts.set(line.stream, line)
  if (wholes) for (const line of wholeReceiptLines(wholes)) receipts.set(line.path, line)
}

/** Says what lacks, or that nothing does; the receipt; the exit status. */
export async function conclude(
  { values, terminal }: CommandInput,
  receipts: ReadonlyMap<string, Receipt>,
  { code, lacks }: Delivered,
): Promise<number> {
  for (const { path, destination, problem } of lacks)
    terminal.warn(`${pathForPeople(path)} → ${destination}: ${textForPeople(problem)}`)
  if (isSet(values, 'receipt') || isSet(values, 'json'))
    for (const line of receipts.values()) {
      const { length, sha256, destinations, path } = line
      if (isSet(values, 'json')) await terminal.json(line)
      else await terminal.line(`${length}  ${sha256}  ${destinations.join(',')}  ${pathForPeople(path)}`)
    }
  const [first] = lacks.filter(({ isLoss }) => isLoss !== true)
  if (first !== undefined) {
    terminal.warn(`fix: run the same again; what is still not there then: logcask why ${pathForPeople(first.path)}`)
    return exits.undelivered
  }
  if (code !== exits.done && code !== exits.lossy) return code
  const bytes = [...receipts.values()].reduce((sum, { length }) => sum + length, 0)
  terminal.say(`${filesText(receipts.size)} · ${formatBytes(bytes)} · delivered, and asked for anew everywhere`)
  return lacks.length > 0 ? exits.lossy : code
}
