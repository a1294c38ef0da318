import type { WholeEvent, WholeFile } from '../../agent/whole/whole-file.ts'
import type { WholeShipper } from '../../agent/whole/whole-shipper.ts'
import { textForPeople } from '../../base/path-bytes.ts'
import type { AgentLog } from '../agent/agent-log.ts'
import { formatBytes } from '../terminal/units.ts'

/** How far a run is with the files that it delivers whole. */
export function wholeProgress(wholes: WholeShipper | undefined): {
  bytes: number
  bytesTotal: number
  files: number
  filesTotal: number
} {
  const progress = { bytes: 0, bytesTotal: 0, files: 0, filesTotal: 0 }
  for (const file of wholes?.met ?? []) {
    if (file.completion.kind !== 'complete') continue
    progress.bytesTotal += file.size
    progress.filesTotal++
    if (wholes?.isEverywhere(file) !== true) continue
    progress.bytes += file.size
    progress.files++
  }
  return progress
}

export interface WholeReceiptLine {
  length: number
  sha256: string
  path: string
  destinations: string[]
  /** Destination → the name there. */
  keys: Record<string, string>
}

/** A line per delivered file and content. */
export function wholeReceiptLines(wholes: WholeShipper): WholeReceiptLine[] {
  return wholes.met.flatMap((file) => {
    const lines = new Map<string, WholeReceiptLine>()
    for (const [name, { key, length, sha256, isSeen }] of file.deliveries) {
      if (!isSeen || sha256 !== file.content?.sha256) continue
      const line = lines.get(sha256) ?? { length, sha256, path: file.path, destinations: [], keys: {} }
      line.destinations.push(name)
      line.keys[name] = key
      lines.set(sha256, line)
    }
    return [...lines.values()]
  })
}

/** What is not complete yet: by its own name's hour, and otherwise. */
export function heldFiles(wholes: WholeShipper): { notDue: WholeFile[]; held: WholeFile[] } {
  const open = wholes.met.filter((file) => file.completion.kind === 'held')
  const isNotDue = ({ completion }: WholeFile): boolean =>
    completion.kind === 'held' && completion.why.startsWith('the period')
  return { notDue: open.filter(isNotDue), held: open.filter((file) => !isNotDue(file)) }
}

/** What an operator is told of at once; undefined for what goes as it should. */
export function wholeWarning(event: WholeEvent): string | undefined {
  if (event.kind === 'lost') return `went before it was delivered to ${event.destinations.join(', ')}`
  if (event.kind === 'removed') return undefined
  if (event.hasChanged)
    return `→ ${event.destination}: had been delivered, and has other content now: it went as ${textForPeople(event.key)}`
  if (event.isSecond && event.how === 'sent')
    return `→ ${event.destination}: other content has its name; nothing was overwritten, it went as ${textForPeople(event.key)}`
  return undefined
}

/** The same in the daemon's log. */
export function logWhole(log: AgentLog, event: WholeEvent): void {
  const { path, size } = event.file
  const warning = wholeWarning(event)
  if (warning !== undefined) log.event({ kind: 'problem', code: 'whole-file-odd', place: path, message: warning })
  if (event.kind === 'lost') return
  if (event.kind === 'removed') {
    log.info(event.to === undefined ? 'deleted' : 'moved', { path, to: event.to })
    return
  }
  const { destination, key, how, file } = event
  log.info('delivered', { path, destination, key, how, bytes: formatBytes(size), sha256: file.content?.sha256 })
}
