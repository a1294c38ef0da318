import { isoTime } from '../../base/clock.ts'
import { pathForPeople, textForPeople } from '../../base/path-bytes.ts'
import type { DestinationStatus } from '../agent/agent-status.ts'
import { type FirstLoss, firstLoss } from '../agent/first-loss.ts'
import { tableLines } from '../terminal/table.ts'
import type { Paint } from '../terminal/terminal.ts'
import { formatAge, formatBytes, formatCount, formatSpan } from '../terminal/units.ts'
import type { AskedDestination } from './status-ask.ts'
import type { Waiting } from './status-report.ts'

/** When the first loss could happen, from what the agent says of itself. */
export function outlook(
  status: Pick<OutlookRecord, 'destinations' | 'bytesPerSecond' | 'spool' | 'disks'> | undefined,
  waiting: readonly Waiting[],
  isRunning: boolean,
  nowMs: number,
): FirstLoss | undefined {
  const destinations = isRunning ? (status?.destinations ?? []) : []
  const behind = isRunning ? destinations.map(({ behindBytes }) => behindBytes) : waiting.map(({ bytes }) => bytes)
  return firstLoss({
    nowMs,
    isRunning,
    behindBytes: Math.max(0, ...behind),
    oldestSeconds: Math.max(0, ...destinations.map(({ oldestSeconds }) => oldestSeconds)),
    bytesPerSecond: status?.bytesPerSecond,
    spool: status?.spool,
    // What nobody has looked at since is no rate of today.
    disks: isRunning ? (status?.disks ?? []) : [],
  })
}

interface OutlookRecord {
  destinations: readonly Pick<DestinationStatus, 'behindBytes' | 'oldestSeconds'>[]
  bytesPerSecond?: number | undefined
  spool?: { bytes: number; bytesMax?: number | undefined } | undefined
  disks?: readonly { path: string; freeBytes: number; bytesPerSecond?: number | undefined }[] | undefined
}

/** `first possible loss: in 3 h 20 m, 2026-11-22T04:10Z (spool full): …` */
export function outlookLine(loss: FirstLoss | undefined, nowMs: number, paint: Paint): string {
  if (loss === undefined) return 'first possible loss: none in sight at the rates of the last hour'
  const inMs = loss.atMs - nowMs
  const when = inMs <= 0 ? 'now' : `in ${formatSpan(inMs)}, ${isoTime(loss.atMs).slice(0, 16)}Z`
  const text = `first possible loss: ${when} (${loss.reason}): ${pathForPeople(loss.because)}`
  return inMs < dayMs ? paint.red(text) : paint.yellow(text)
}

const dayMs = 86_400_000

/** What waits at each destination by the checkpoint, and what the destinations themselves say where they were asked. */
export function waitingLines(
  waiting: readonly Waiting[],
  asked: readonly AskedDestination[] | undefined,
  nowMs: number,
  paint: Paint,
): string[] {
  const names = new Set([...waiting.map(({ name }) => name), ...(asked ?? []).map(({ name }) => name)])
  if (names.size === 0) return []
  const header = ['DESTINATION', 'FILES BEHIND', 'BEHIND', ...(asked === undefined ? [] : ['ANSWERS', 'LAST DIGEST'])]
  const rows = [...names].map((name) => {
    const { files, bytes } = waiting.find((one) => one.name === name) ?? { files: 0, bytes: 0 }
    const answer = asked?.find((one) => one.name === name)
    const left = bytes - (answer?.aheadBytes ?? 0)
    return [
      pathForPeople(name),
      formatCount(left > 0 ? files : 0),
      left > 0 ? paint.yellow(formatBytes(left)) : formatBytes(0),
      ...(asked === undefined ? [] : [answerText(answer, paint), digestText(answer, nowMs)]),
    ]
  })
  return tableLines([header.map((cell) => paint.bold(cell)), ...rows], [1, 2])
}

function answerText(answer: AskedDestination | undefined, paint: Paint): string {
  if (answer === undefined) return '–'
  if (answer.problem === undefined) return paint.green('ok')
  return answer.problem.isRefused ? paint.red('DOWN') : paint.yellow('no answer')
}

function digestText(answer: AskedDestination | undefined, nowMs: number): string {
  if (answer === undefined || answer.problem !== undefined) return '–'
  return answer.lastDigestAtMs === undefined ? 'none in 2 d' : formatAge(Math.max(0, nowMs - answer.lastDigestAtMs))
}

export function askedWarnings(asked: readonly AskedDestination[] | undefined): string[] {
  return (asked ?? []).flatMap(({ name, problem }) =>
    problem === undefined
      ? []
      : [
          `${pathForPeople(name)}: ${textForPeople(problem.message)}`,
          ...(problem.hint === undefined ? [] : [`fix: ${textForPeople(problem.hint)}`]),
        ],
  )
}
