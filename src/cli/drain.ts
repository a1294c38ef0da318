import { join } from 'node:path'
import type { Agent } from '../agent/agent.ts'
import type { AgentEvent, SourceSettings } from '../agent/context.ts'
import { localFiles } from '../agent/files/local-files.ts'
import { isSettled } from '../agent/rest.ts'
import { type AgentState, openState } from '../agent/state/state.ts'
import { isCode, LogcaskError } from '../base/errors.ts'
import type { Bucket } from '../bucket/bucket.ts'
import type { AgentConfig } from '../config/agent-config.ts'
import { loadConfig } from '../config/load.ts'
import { terminalLog } from './agent/agent-log.ts'
import { type Command, type CommandInput, durationOf, expectArguments, jsonOption, textOf } from './command.ts'
import { type ComposedAgent, composeAgent } from './compose/compose-agent.ts'
import { hopeless, onHopeless } from './compose/hopeless.ts'
import { nameMachine } from './compose/host.ts'
import { conclude, type Delivered, noteDelivered, noteSeal, type Receipt } from './drain/drain-report.ts'
import { grown, type Lack, verifyDelivered } from './drain/drain-verify.ts'
import { verifyWholes } from './drain/drain-wholes.ts'
import { exits } from './exit.ts'
import { leftPipesProblem } from './ship/pipe-left.ts'
import { addWhole, filesText, livesOf, progressOf, RunReport, sayOutcome } from './ship/run-report.ts'
import { showProgress } from './terminal/progress.ts'

export const command: Command = {
  name: 'drain',
  help: `
logcask drain [-c FILE]

Before a machine goes away: delivers everything, also what was deleted and only kept here, seals every file (live ones
at the size that they have), and asks every destination anew whether it is all there. Ends with 0 only then. Stop what
writes the logs, and the agent, first.

  -c, --config FILE   default: /etc/logcask/agent.yaml, then agent.toml
      --state DIR     instead of state: in the configuration
      --timeout 10m   give up then, with exit status 75 (default: never)
      --receipt       print a line per file: length, SHA-256, destinations, name
      --json          one JSON object per line instead

Examples
  systemctl stop logcask-agent && logcask drain --timeout 50m --receipt > receipt.txt
  logcask drain && aws autoscaling complete-lifecycle-action …      (docs/farewell.md)

Exit status: 0 all is there, sealed and verified · 1 failed, or refused until somebody acts · 2 usage or configuration ·
3 all that is left is there, but with gaps or forks · 75 not all, run it again`,
  options: {
    config: { type: 'string', short: 'c' },
    state: { type: 'string' },
    timeout: { type: 'string' },
    receipt: { type: 'boolean' },
    ...jsonOption,
  },
  run: drain,
}

/** Writers that are still at work are given so many chances to stop. */
const passesMax = 5
const lookEveryMs = 100

/** One run of the command. */
interface Run {
  input: CommandInput
  config: AgentConfig
  machine: Awaited<ReturnType<typeof nameMachine>>
  state: AgentState
  /** Aborted when the time is up, or the user has enough. */
  stop: AbortController
  report: RunReport
  /** By stream, or by path for what goes whole. */
  receipts: Map<string, Receipt>
}

async function drain(input: CommandInput): Promise<number> {
  const { values, clock, env } = input
  expectArguments(input.positionals, 'logcask drain [-c FILE]', 0, 0)
  const { config } = await loadConfig(textOf(values, 'config'), env)
  const machine = await nameMachine(config, env, clock)
  const state = await openState(textOf(values, 'state') ?? config.stateDirectory, machine.host, clock).catch(runsStill)
  const stop = new AbortController()
  const end = (): void => stop.abort(input.signal.reason)
  input.signal.addEventListener('abort', end, { once: true })
  const timeoutMs = durationOf(values, 'timeout')
  const cancel = timeoutMs === undefined ? () => {} : clock.timer(timeoutMs, () => stop.abort(new Error('timeout')))
  try {
    const run: Run = { input, config, machine, state, stop, report: new RunReport(), receipts: new Map() }
    const code = await drainAll(run)
    input.signal.throwIfAborted()
    return (await isPipeLeft(input, state)) && code !== exits.failed ? exits.undelivered : code
  } finally {
    cancel()
    input.signal.removeEventListener('abort', end)
    await state.close()
  }
}

/** What an interrupted pipe has kept is on this machine alone. */
async function isPipeLeft({ terminal, clock }: CommandInput, state: AgentState): Promise<boolean> {
  const left = await leftPipesProblem(state.directory, clock)
  if (left !== undefined) terminal.warn(`${left.message}\nfix: ${left.hint}`)
  return left !== undefined
}

function runsStill(error: unknown): never {
  if (!isCode(error, 'conflict')) throw error
  throw new LogcaskError('conflict', error.message, {
    hint: 'stop the agent first: systemctl stop logcask-agent (or SIGTERM), then run logcask drain again',
    cause: error,
  })
}

async function drainAll(run: Run): Promise<number> {
  await settleMissing(run)
  for (let pass = 1; ; pass++) {
    const delivered = await deliverOnce(run)
    const hasGrown = delivered.lacks.some(({ problem }) => problem.startsWith(grown))
    if (!hasGrown || pass === passesMax || run.stop.signal.aborted) return conclude(run.input, run.receipts, delivered)
  }
}

function compose({ config, machine, state, input, report }: Run, isOneShot: boolean, add: (event: AgentEvent) => void) {
  const log = terminalLog(input.terminal, input.clock)
  // The machine goes: nothing is to be waited for, and nothing to be tidied up.
  const sources = config.sources.map(
    (source): SourceSettings => ({
      ...source,
      sealAfterMs: 0,
      after: 'keep',
      whole: source.whole && { ...source.whole, isLast: true },
    }),
  )
  return composeAgent({
    state,
    machine: machine.machineId,
    instance: machine,
    sources,
    destinations: config.destinations.map((one) => ({ ...one })),
    isOneShot,
    scanIntervalMs: config.scanIntervalMs,
    spoolBytes: config.spoolBytes,
    rate: config.rate,
    clock: input.clock,
    reportWhole: (event) => addWhole(report, event),
    report(event) {
      report.add(event)
      add(event)
      if (['gap', 'forked', 'ended', 'edited'].includes(event.kind)) log.event(event)
    },
  })
}

/** What is no longer where it was: deleted files that are kept here are delivered and sealed, what is lost is recorded. */
async function settleMissing(run: Run): Promise<void> {
  const { clock } = run.input
  const composed = await compose(run, false, (event) => noteSeal(run.receipts, event))
  const { agent } = composed
  const over = new AbortController()
  const stop = (): void => over.abort(run.stop.signal.reason)
  run.stop.signal.addEventListener('abort', stop, { once: true })
  if (run.stop.signal.aborted) stop()
  const cancelWatch = onHopeless(agent, clock, () => over.abort(hopeless))
  const watch = async (): Promise<void> => {
    agent.hurry()
    while (!over.signal.aborted && !isAccountedFor(agent)) await clock.sleep(lookEveryMs)
    over.abort(new Error('done'))
  }
  try {
    await Promise.all([agent.run(over.signal).finally(() => over.abort(new Error('ended'))), watch()])
  } finally {
    cancelWatch()
    run.stop.signal.removeEventListener('abort', stop)
    await composed.close()
  }
}

function isAccountedFor({ isExplored, book }: Agent): boolean {
  if (!isExplored || book.waiting.size > 0) return false
  for (const life of book.old) if (!isSettled(life)) return false
  for (const life of book.current.values()) if (life.isUnlinked && !isSettled(life)) return false
  return true
}

/** Everything that is there now, sealed; then every destination is asked anew. */
async function deliverOnce(run: Run): Promise<Delivered> {
  const { input, report } = run
  const { clock, terminal } = input
  const composed = await compose(run, true, () => {})
  const { agent } = composed
  const over = new AbortController()
  const stop = (): void => over.abort(run.stop.signal.reason)
  run.stop.signal.addEventListener('abort', stop, { once: true })
  if (run.stop.signal.aborted) stop()
  const cancelWatch = onHopeless(agent, clock, () => over.abort(hopeless), composed.wholes)
  const hide = showProgress(terminal, clock, () => progressOf(agent, composed.wholes))
  try {
    await composed.run(over.signal)
    const { code } = sayOutcome(composed, report, terminal, over.signal.reason)
    noteDelivered(run.receipts, composed)
    const { size } = agent.book.leftOut
    if (size > 0) terminal.warn(`${filesText(size)} that since: leaves out in the configuration: not delivered`)
    if (code !== exits.done && code !== exits.lossy) return { code, lacks: [] }
    return { code, lacks: await verify(run, composed) }
  } finally {
    hide()
    cancelWatch()
    run.stop.signal.removeEventListener('abort', stop)
    await composed.close()
  }
}

async function verify({ state, stop, input }: Run, { agent, wholes }: ComposedAgent): Promise<Lack[]> {
  const { signal } = stop
  const files = localFiles({ birthTimes: true, spoolDirectory: join(state.directory, 'spool') })
  const bucketOf = (name: string): Bucket | undefined => agent.couriers.get(name)?.destination.bucket
  try {
    return [
      ...(await verifyDelivered(agent, livesOf(agent), state.host, files, signal)),
      ...(await verifyWholes(wholes, bucketOf, signal)),
    ]
  } catch (error) {
    input.signal.throwIfAborted()
    if (!signal.aborted) throw error
    return [{ path: state.directory, destination: 'all', problem: 'was not asked anew in time' }]
  }
}
