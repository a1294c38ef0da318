import type { AgentEvent, SourceSettings } from '../agent/context.ts'
import { openState } from '../agent/state/state.ts'
import { isCode, LogcaskError } from '../base/errors.ts'
import { pathForPeople } from '../base/path-bytes.ts'
import { type Command, type CommandInput, durationOf, isSet, jsonOption, textsOf, usageError } from './command.ts'
import { type ComposedAgent, composeAgent } from './compose/compose-agent.ts'
import { hopeless, onHopeless } from './compose/hopeless.ts'
import { storeHelp, storeOptions } from './compose/open-bucket.ts'
import { leftPipesProblem } from './ship/pipe-left.ts'
import {
  addWhole,
  costText,
  filesText,
  livesOf,
  progressOf,
  RunReport,
  receiptLines,
  sayOutcome,
} from './ship/run-report.ts'
import { destinationsOf } from './ship/ship-destinations.ts'
import { dryRun } from './ship/ship-dry-run.ts'
import { type ShipOrigin, shipOrigin } from './ship/ship-origin.ts'
import { splitTemplate, wholeOptions, wholeSettings } from './ship/ship-template.ts'
import { dryRunWhole, summarizeWholes } from './ship/ship-whole.ts'
import { wholeWarning } from './ship/whole-outcome.ts'
import { showProgress } from './terminal/progress.ts'
import { countText, formatBytes } from './terminal/units.ts'

export const command: Command = {
  name: 'ship',
  help: `Usage: logcask ship PATH|GLOB… --to URL [--to URL…]
       COMMAND | logcask ship - --as NAME --to URL [--to URL…]

Delivers each file, whole as it is at the start, to every destination; sends what is not there yet, and nothing twice.
Ends with 0 only when everything is everywhere and sealed. A directory means all files below it. Patterns need quotes.

  --to URL          file:///dir or s3://bucket/prefix; may be repeated
  --exclude GLOB    leave these out; may be repeated (without a slash: matched against the file's name)
  --host NAME       store under this host (default: this machine's name, fixed in the state directory)
  --state DIR       what was sent so far; a cache: without it the buckets are asked
  --root DIR        the files of another machine, whose disk (a snapshot) is mounted there; PATHs, host and machine id
                    are that machine's, and its streams go on; nothing is written below DIR
  --adopt           with --root: DIR is a copy (rsync): streams are known by their content, not by inode
  --as TEMPLATE     instead of streams: each file, once it is complete, is one object of that name; of {filename} {path}
                    {prefix} {year} {month} {day} {hour} {host} {name} {labels.NAME}; also in --to: s3://b/{filename}
                    --compress gzip|zstd · --idle 5s (not changed for so long) · --period 1h (of the time in a name)
                    --label NAME=VALUE
  - --as NAME       what COMMAND writes, as a file of that name: sent while it comes, sealed at its end. It is kept
                    below the state directory until every destination has it; logcask cat URL HOST NAME reads it
  --rate 20MB/s     at most, per destination
  --timeout 10m     give up then, with exit status 75 (default: never)
  --dry-run         list the files, send nothing
  --receipt         print a line per file: length, SHA-256, destinations, name
  --json            one JSON object per line instead

${storeHelp}

Examples
  logcask ship /var/log/nginx --to s3://acme-logs --to file:///mnt/nas
  logcask ship '/var/log/*.log' --to s3://logs/prod --endpoint http://minio:9000 --receipt
  logcask ship /var/log/haproxy --to 's3://logs/{prefix}/{year}/{month}/{day}/{filename}' --compress gzip
  mysqldump --all-databases | logcask ship - --as mysql/all.sql --to s3://acme-logs
  mount -o ro,noload /dev/xvdf1 /mnt/snap && logcask ship --root /mnt/snap /var/log --to s3://acme-logs

Exit status: 0 done · 1 failed · 2 usage · 3 delivered, with gaps or forks · 75 not all delivered in time, run it again`,
  options: {
    ...storeOptions,
    ...jsonOption,
    to: { type: 'string', multiple: true },
    exclude: { type: 'string', multiple: true },
    host: { type: 'string' },
    state: { type: 'string' },
    root: { type: 'string' },
    adopt: { type: 'boolean' },
    ...wholeOptions,
    rate: { type: 'string' },
    timeout: { type: 'string' },
    'dry-run': { type: 'boolean' },
    receipt: { type: 'boolean' },
  },
  run: ship,
}

async function ship(input: CommandInput): Promise<number> {
  const { values, positionals } = input
  const urls = textsOf(values, 'to')
  if (positionals.length === 0) throw usageError('no file is named', 'logcask ship PATH… --to URL')
  if (urls.length === 0)
    throw usageError('no destination is named', 'logcask ship PATH… --to file:///dir (or s3://bucket/prefix)')
  if (urls.includes(''))
    throw usageError('--to is empty: it names no destination', '--to file:///dir (or s3://bucket/prefix)')
  if (positionals.includes('-')) return (await import('./ship/ship-pipe.ts')).shipPipe(input, urls)
  const origin = await shipOrigin(input)
  try {
    return await shipFrom(input, origin, urls)
  } finally {
    await origin.cleanUp()
  }
}

async function shipFrom(input: CommandInput, origin: ShipOrigin, given: readonly string[]): Promise<number> {
  const { values, clock } = input
  const targets = given.map(splitTemplate)
  const urls = targets.map(({ url }) => url)
  const source: SourceSettings = {
    name: 'ship',
    ...origin.paths,
    ...wholeSettings(
      values,
      targets.map(({ as }) => as),
    ),
    exclude: textsOf(values, 'exclude'),
    followSymlinks: false,
    sealAfterMs: 0,
    copies: 'new-stream',
  }
  const destinations = destinationsOf(input, urls)
  if (isSet(values, 'dry-run'))
    return source.whole === undefined
      ? dryRun(input, [source], origin.files)
      : dryRunWhole(input, { ...source, whole: source.whole }, origin.host, origin.files)
  const state = await openState(origin.state, origin.host, clock).catch(withOtherState)
  try {
    const left = await leftPipesProblem(state.directory, clock)
    if (left !== undefined) input.terminal.warn(`${left.message}\nfix: ${left.hint}`)
    const report = new RunReport()
    const composed = await composeAgent({
      state,
      machine: origin.machineId,
      files: origin.files,
      isToldToAdopt: origin.isToldToAdopt,
      sources: [source],
      destinations,
      isOneShot: true,
      scanIntervalMs: 0,
      clock,
      report: (event) => tell(input, report, event),
      reportWhole(event) {
        addWhole(report, event)
        const warning = wholeWarning(event)
        if (warning !== undefined) input.terminal.warn(`${pathForPeople(event.file.path)}: ${warning}`)
      },
    })
    try {
      return await deliver(input, composed, report)
    } finally {
      await composed.close()
    }
  } finally {
    await state.close()
  }
}

/** Beside an agent that goes on working, a run takes a state of its own. */
export function withOtherState(error: unknown): never {
  if (!isCode(error, 'conflict')) throw error
  const hint = ['run this with --state DIR, a directory of its own', error.hint].filter(Boolean).join('; or ')
  throw new LogcaskError('conflict', error.message, { hint, cause: error })
}

export function tell({ terminal }: CommandInput, report: RunReport, event: AgentEvent): void {
  report.add(event)
  if (event.kind === 'forked')
    terminal.warn(
      `${pathForPeople(event.life.path)} → ${event.delivery.destination}: ${event.why}; it goes on in stream ${event.delivery.stream}`,
    )
  else if (event.kind === 'gap')
    terminal.warn(
      `${pathForPeople(event.life.path)} → ${event.delivery.destination}: gap at ${event.offset} (${event.reason})`,
    )
  else if (event.kind === 'edited')
    terminal.warn(
      `${pathForPeople(event.life.path)}: was edited in place after it was shipped; what was shipped is kept`,
    )
}

/** Runs until all is delivered, the time is up, or nobody is left who could take more. */
export async function deliver(input: CommandInput, composed: ComposedAgent, report: RunReport): Promise<number> {
  const { agent, wholes } = composed
  const { values, terminal, clock } = input
  const stop = new AbortController()
  const end = (): void => stop.abort(input.signal.reason)
  input.signal.addEventListener('abort', end, { once: true })
  const timeoutMs = durationOf(values, 'timeout')
  const cancelTimeout =
    timeoutMs === undefined ? () => {} : clock.timer(timeoutMs, () => stop.abort(new Error('timeout')))
  const cancelWatch = onHopeless(agent, clock, () => stop.abort(hopeless), wholes)
  const hide = showProgress(terminal, clock, () => progressOf(agent, wholes))
  try {
    await composed.run(stop.signal)
  } finally {
    hide()
    cancelTimeout()
    cancelWatch()
    input.signal.removeEventListener('abort', end)
  }
  input.signal.throwIfAborted()
  return summarize(input, composed, report, stop.signal.reason)
}

async function summarize(
  input: CommandInput,
  composed: ComposedAgent,
  report: RunReport,
  reason: unknown,
): Promise<number> {
  const { values, terminal } = input
  const { agent, meters } = composed
  const { code, unfinished } = sayOutcome(composed, report, terminal, reason)
  if (composed.wholes !== undefined) return summarizeWholes(input, composed, report, code)
  if (isSet(values, 'receipt') || isSet(values, 'json')) {
    for (const line of receiptLines(agent)) {
      if (isSet(values, 'json')) await terminal.json(line)
      else
        await terminal.line(
          `${line.length}  ${line.sha256}  ${line.destinations.join(',')}  ${pathForPeople(line.path)}`,
        )
    }
  }
  terminal.say(summaryText(input.positionals, agent, meters, report, unfinished))
  return code
}

function summaryText(
  given: readonly string[],
  agent: ComposedAgent['agent'],
  meters: ComposedAgent['meters'],
  report: RunReport,
  unfinished: number,
): string {
  const lives = livesOf(agent)
  const total = agent.couriers.size
  const bytes = lives.reduce((sum, life) => sum + (life.limit ?? life.size), 0)
  if (lives.length === 0 && (unfinished > 0 || report.problems.size > 0)) return 'nothing was sent'
  if (lives.length === 0) return `no file matches ${given.map(pathForPeople).join(' ')}: nothing to do`
  if (report.segmentsSent === 0 && unfinished === 0)
    return `${filesText(lives.length)} already there, verified · 0 segments sent · ${costText(meters.values())}`
  return `${filesText(lives.length)} · ${formatBytes(bytes)} · ${total - unfinished}/${countText(total, 'destination')} · ${countText(report.segmentsSent, 'segment')} sent · ${costText(meters.values())}`
}
