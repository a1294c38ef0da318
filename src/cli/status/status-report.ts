import type { Life } from '../../agent/life.ts'
import { pathForPeople, textForPeople } from '../../base/path-bytes.ts'
import type { DestinationStatus, StatusRecord } from '../agent/agent-status.ts'
import { type FirstLoss, onItsWaySeconds } from '../agent/first-loss.ts'
import { exits } from '../exit.ts'
import { shellWord } from '../terminal/shell-word.ts'
import { tableLines } from '../terminal/table.ts'
import type { Paint } from '../terminal/terminal.ts'
import { countText, formatAge, formatBytes, formatDollars, formatSpan } from '../terminal/units.ts'
import type { AskedDestination } from './status-ask.ts'
import { askedWarnings, outlook, outlookLine, waitingLines } from './status-outlook.ts'

/** A running agent writes its record every 2 s. Where nobody is seen to hold its lock, three missed ones are an end; where somebody does, a machine under load gets more. */
const freshMs = 6_000
const freshLockedMs = 30_000

export interface StatusFacts {
  directory: string
  host: string
  status: StatusRecord | undefined
  /** Since the record was written; undefined without one. */
  ageMs: number | undefined
  isLocked: boolean | undefined
  /** Whether the process that wrote the record has surely ended; false where nobody can tell. */
  hasEnded: boolean
  /** From the checkpoint: what waits at each destination. */
  waiting: readonly Waiting[]
  /** Files in the checkpoint. */
  files: number
  /** What starts the agent. */
  startCommand: string
  nowMs: number
  /** What the destinations say themselves; undefined where they were not asked. */
  asked?: readonly AskedDestination[] | undefined
}

export interface Waiting {
  name: string
  files: number
  bytes: number
}

/**
 * - `running`  the agent says so itself;
 * - `silent`   a process holds the lock, and has not said anything for a while (or is a one-shot run, or just starting);
 * - `stopped`  no agent runs.
 */
export type AgentPresence = 'running' | 'silent' | 'stopped'

export function presenceOf(facts: Pick<StatusFacts, 'ageMs' | 'isLocked' | 'hasEnded'>): AgentPresence {
  // A lock that is not seen is no proof: containers do not show each other theirs.
  const isLocked = facts.isLocked === true
  if (facts.hasEnded && !isLocked) return 'stopped'
  if (facts.ageMs !== undefined && facts.ageMs < (isLocked ? freshLockedMs : freshMs)) return 'running'
  return isLocked ? 'silent' : 'stopped'
}

/** What waits at each destination by the checkpoint, with the files' sizes as they are now. */
export function waitingOf(
  lives: readonly Life[],
  destinations: readonly string[],
  sizeNow: (life: Life) => number | undefined,
): Waiting[] {
  const waiting = new Map<string, Waiting>()
  for (const life of lives) {
    for (const { destination, acked } of life.deliveries.values()) {
      const one = waiting.get(destination) ?? { name: destination, files: 0, bytes: 0 }
      waiting.set(destination, one)
      const left = life.ended ? 0 : Math.max(life.size, sizeNow(life) ?? 0) - acked.offset
      if (left <= 0) continue
      one.files++
      one.bytes += left
    }
  }
  return destinations.flatMap((name) => waiting.get(name) ?? [])
}

/** A daemon was here, and should be; after one-shot runs nobody is expected. */
function isDaemonGone({ status }: Pick<StatusFacts, 'status'>): boolean {
  return status !== undefined && status.isOneShot !== true
}

export function exitOfStatus(facts: StatusFacts): number {
  const presence = presenceOf(facts)
  const { status } = facts
  const isWaiting = facts.waiting.some(({ bytes }) => bytes > 0)
  if (presence !== 'running') {
    const isAmiss = presence === 'silent' && status !== undefined
    if (isAmiss || isDaemonGone(facts) || isWaiting) return exits.failed
    // What waits to be delivered whole, only the run itself knew.
    if (status?.destinations.some(({ filesBehind }) => filesBehind > 0)) return exits.failed
  } else if (status?.destinations.some(({ state }) => state === 'down' || state === 'unavailable')) return exits.failed
  return status !== undefined && (status.losses > 0 || status.forks > 0) ? exits.lossy : exits.done
}

/** What goes to stdout, and what is wrong with its remedies. */
export function statusLines(facts: StatusFacts, paint: Paint): { lines: string[]; warnings: string[] } {
  const presence = presenceOf(facts)
  const { status } = facts
  if (presence === 'running' && status !== undefined) return runningLines(facts, status, paint)
  const loss = lossOf(facts)
  const lines = [
    `${presenceText(facts, presence, paint)} · host ${pathForPeople(facts.host)} · ${countText(facts.files, 'file')}, as the checkpoint has them`,
    ...waitingLines(facts.waiting, facts.asked, facts.nowMs, paint),
    ...(loss === undefined ? [] : [outlookLine(loss, facts.nowMs, paint)]),
  ]
  return { lines, warnings: [...absenceWarnings(facts, presence), ...askedWarnings(facts.asked)] }
}

/** When the first byte could be lost, if all goes on as in the last hour. */
export function lossOf(facts: StatusFacts): FirstLoss | undefined {
  // Who holds the lock without a word of it (a one-shot run, an agent that is starting) still keeps what is deleted.
  const presence = presenceOf(facts)
  const waiting = presence === 'silent' ? [] : facts.waiting
  return outlook(facts.status, waiting, presence === 'running', facts.nowMs)
}

function presenceText(facts: StatusFacts, presence: AgentPresence, paint: Paint): string {
  const said = facts.ageMs === undefined ? '' : `, last heard ${formatAge(facts.ageMs)}`
  if (presence === 'silent')
    return paint.yellow(facts.status ? `an agent holds the lock and is silent${said}` : 'a run is under way')
  return isDaemonGone(facts) ? paint.red(`no agent runs${said}`) : `no agent runs${said}`
}

function absenceWarnings(facts: StatusFacts, presence: AgentPresence): string[] {
  if (presence === 'silent')
    return facts.status
      ? [
          `${facts.directory}: the agent does not write its status: it is still starting, the disk is full, or it hangs`,
          `fix: df ${facts.directory}; then restart it: systemctl restart logcask-agent`,
        ]
      : []
  if (!isDaemonGone(facts) && !facts.waiting.some(({ bytes }) => bytes > 0)) return []
  return [`fix: start it: ${facts.startCommand}; it goes on where it was`]
}

function runningLines(facts: StatusFacts, status: StatusRecord, paint: Paint): { lines: string[]; warnings: string[] } {
  const header = ['DESTINATION', 'STATE', 'OLDEST UNDELIVERED', 'BEHIND', 'LOST', 'SINCE START']
  const rows = status.destinations.map((one) => [
    pathForPeople(one.name),
    stateText(one, paint),
    one.behindBytes > 0 ? formatSpan(one.oldestSeconds * 1000) : '–',
    formatBytes(one.behindBytes),
    one.losses > 0 ? paint.red(`${countText(one.losses, 'gap')}`) : '0',
    `${countText(one.requests, 'request')} ≈ ${formatDollars(one.dollars)}`,
  ])
  const age = facts.ageMs ?? 0
  const forks = status.forks > 0 ? ` · ${countText(status.forks, 'fork')}` : ''
  return {
    lines: [
      ...tableLines([header.map((cell) => paint.bold(cell)), ...rows], [2, 3, 4]),
      outlookLine(lossOf(facts), facts.nowMs, paint),
      `host ${pathForPeople(status.host)} · ${countText(status.files, 'file')}, ${formatBytes(status.bytes)}${forks} · agent ${status.pid} since ${status.startedAt}, heard ${formatAge(age)}`,
    ],
    warnings: [
      ...status.destinations.flatMap((one) => destinationWarnings(one)),
      ...problemWarnings(status),
      ...rotatedWarnings(status),
      ...askedWarnings(facts.asked),
      ...(status.losses > 0
        ? ['fix: logcask ls URL HOST shows the gaps; logcask why PATH says what became of a file']
        : []),
    ],
  }
}

function stateText({ state }: DestinationStatus, paint: Paint): string {
  if (state === 'ok') return paint.green('ok')
  return state === 'down' ? paint.red('DOWN') : paint.yellow(state)
}

function destinationWarnings(one: DestinationStatus): string[] {
  if (one.problem === undefined) return []
  const since = one.since === undefined ? '' : ` (since ${one.since})`
  const next = one.state === 'down' ? [`then: logcask doctor ${shellWord(one.url)}`] : []
  return [
    `${pathForPeople(one.name)}: ${textForPeople(one.problem)}${since}`,
    `fix: ${[...(one.hint === undefined ? [] : [textForPeople(one.hint)]), ...next].join('; ') || `logcask doctor ${shellWord(one.url)}`}`,
  ]
}

/** Nobody knows when a rotation deletes; what it would delete first is known. Not told of what is on its way. */
function rotatedWarnings({ rotated, destinations }: StatusRecord): string[] {
  if (rotated === undefined || destinations.every(({ oldestSeconds }) => oldestSeconds < onItsWaySeconds)) return []
  const { files, bytes, oldestPath } = rotated
  return [
    `${countText(files, 'rotated file')} not everywhere, ${formatBytes(bytes)} to go; the oldest, which a rotation deletes first: ${pathForPeople(oldestPath)}`,
    'fix: what the destinations above say; until then let rotations keep more files (logrotate: rotate, maxage)',
  ]
}

/** Problems of files and of the agent itself; those of destinations are told with their state. */
function problemWarnings(status: StatusRecord): string[] {
  const names = new Set(status.destinations.map(({ name }) => name))
  return status.problems
    .filter(({ place }) => !names.has(place))
    .flatMap(({ place, message, hint }) => [
      `${pathForPeople(place)}: ${textForPeople(message)}`,
      ...(hint === undefined ? [] : [`fix: ${textForPeople(hint)}`]),
    ])
}
