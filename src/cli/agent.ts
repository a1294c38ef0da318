import type { SourceSettings } from '../agent/context.ts'
import { watchSources } from '../agent/files/watch.ts'
import { unspooled } from '../agent/spool/spool.ts'
import { type AgentState, openState } from '../agent/state/state.ts'
import { unspooledWholes } from '../agent/whole/whole-file.ts'
import type { AgentConfig } from '../config/agent-config.ts'
import { agentDryRun } from './agent/agent-dry-run.ts'
import { type AgentLog, jsonLog, terminalLog, withoutRepetitions } from './agent/agent-log.ts'
import { keepReloading } from './agent/agent-reload.ts'
import { startServices } from './agent/agent-services.ts'
import { writeStatus } from './agent/agent-status.ts'
import { loadAgentConfig } from './agent/agent-words.ts'
import { sayFirstStart } from './agent/first-start.ts'
import { LogFile } from './agent/log-file.ts'
import { type Command, type CommandInput, isSet, jsonOption, textOf, usageError } from './command.ts'
import { type ComposedAgent, composeAgent } from './compose/compose-agent.ts'
import { hopeless, onHopeless } from './compose/hopeless.ts'
import { nameMachine } from './compose/host.ts'
import { drainAgent } from './drain/drain-agent.ts'
import { exits } from './exit.ts'
import { leftPipesProblem } from './ship/pipe-left.ts'
import { addWhole, RunReport, sayOutcome } from './ship/run-report.ts'
import { logWhole } from './ship/whole-outcome.ts'
import { countText, formatBytes } from './terminal/units.ts'

export const command: Command = {
  name: 'agent',
  help: `
logcask agent [-c FILE] [--once]
logcask agent PATH|GLOB… --to URL [--to URL…]

Watches the configured sources and ships what is appended to every destination, each at its own pace. Runs until it
gets SIGTERM or SIGINT: then it delivers what it can within drainTimeout and stops, earlier when nothing is left, or
only for destinations that refuse or have been unavailable for longer than that. Killed at any time, it goes on where
it was.

SIGHUP takes a changed configuration (sources, destinations, rate, drainTimeout); one that cannot be used is said, and
the one before stays.

With listen: 127.0.0.1:9464 (or unix:/run/logcask/metrics.sock) in the configuration it serves /metrics, /healthz and
/readyz there. Under systemd (Type=notify, NotifyAccess=all, WatchdogSec=60s) it says when it is ready, and that it
lives.

  -c, --config FILE   default: /etc/logcask/agent.yaml, then agent.toml
      --state DIR     instead of state: in the configuration
  PATH|GLOB…          instead of a configuration: these files, and all below these directories; every other setting has
      --to URL        its default (file:///dir or s3://bucket/prefix; may be repeated)
      --once          deliver what is there now, as ship does, and end
      --dry-run       with --once: list what is there, and what after: would delete or move; send nothing
      --json          log as JSON lines (the default where stderr is no terminal)

Examples
  logcask validate -c ./agent.yaml && logcask agent -c ./agent.yaml
  logcask agent /var/log/app.log /var/log/messages --to s3://acme-logs
  logcask status; logcask why /var/log/syslog.1

Exit status: 0 stopped as asked · 1 failed · 2 configuration · 3 deleted files were lost that the spool could not keep ·
with --once: as ship has them`,
  options: {
    config: { type: 'string', short: 'c' },
    to: { type: 'string', multiple: true },
    state: { type: 'string' },
    once: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
    ...jsonOption,
  },
  run: runAgent,
}

const statusEveryMs = 2_000

async function runAgent(input: CommandInput): Promise<number> {
  const { values, terminal, clock, env } = input
  const { config } = await loadAgentConfig(input)
  const directory = textOf(values, 'state') ?? config.stateDirectory
  if (isSet(values, 'dry-run') && !isSet(values, 'once'))
    throw usageError('--dry-run is of no use to a daemon', 'logcask agent --once --dry-run')
  if (isSet(values, 'dry-run')) return agentDryRun(input, config, directory)
  const { host, machineId, ...instance } = await nameMachine(config, env, clock)
  const { file, level } = config.log
  const isJson = file !== undefined || isSet(values, 'json') || !terminal.isLive
  const logFile = file === undefined ? undefined : new LogFile(file, clock)
  const log = withoutRepetitions(isJson ? jsonLog(level, logFile) : terminalLog(terminal, clock), clock)
  const state = await openState(directory, host, clock)
  try {
    if (!config.destinations.some(({ url }) => state.hasUsed(url)))
      await sayFirstStart(config, machineId !== undefined, clock.now(), log)
    const left = await leftPipesProblem(state.directory, clock)
    if (left !== undefined) log.event({ kind: 'problem', code: 'pipe-left', place: 'pipes', ...left })
    const report = new RunReport()
    const sources = sourcesOf(config)
    const isOneShot = isSet(values, 'once')
    const composed = await composeAgent({
      state,
      machine: machineId,
      instance,
      sources,
      destinations: config.destinations.map((one) => ({ ...one, requestTimeoutMs: one.requestTimeoutMs })),
      isOneShot,
      scanIntervalMs: config.scanIntervalMs,
      spoolBytes: config.spoolBytes,
      rate: config.rate,
      clock,
      report(event) {
        report.add(event)
        log.event(event)
      },
      reportWhole(event) {
        addWhole(report, event)
        logWhole(log, event)
      },
      watch: isOneShot
        ? undefined
        : (watched, hint) =>
            watchSources(watched, hint, (message, fix) =>
              log.event({ kind: 'problem', code: 'watch-limited', place: 'watch', message, hint: fix }),
            ),
    })
    try {
      return await attend(input, config, composed, report, log, state)
    } finally {
      await composed.close()
    }
  } finally {
    await state.close()
  }
}

function sourcesOf(config: AgentConfig): SourceSettings[] {
  return config.sources.map((source) => ({ ...source }))
}

/** Runs the agent, keeps its status current, and lets it drain when it is asked to stop. */
async function attend(
  input: CommandInput,
  config: AgentConfig,
  composed: ComposedAgent,
  report: RunReport,
  log: AgentLog,
  state: AgentState,
): Promise<number> {
  const { clock, env, signal, terminal } = input
  const { agent } = composed
  const stop = new AbortController()
  const isOnce = isSet(input.values, 'once')
  const services = startServices({ config, state, composed, report, log, clock, env, isOneShot: isOnce })
  const status = (): Promise<void> => writeStatus(state.directory, services.status())
  const over = new AbortController()
  const keepStatus = async (): Promise<void> => {
    let said = false
    while (!over.signal.aborted) {
      await clock.sleep(agent.isExplored ? statusEveryMs : 100, over.signal).catch(() => {})
      if (agent.isExplored) await status()
      if (agent.isExplored && !said) log.info('agent', started(agent, state.host))
      said ||= agent.isExplored
    }
  }
  const reloads = isOnce ? undefined : keepReloading({ input, config, composed, services, report, log })
  const drainAndStop = async (): Promise<void> => {
    await reloads?.close()
    const { drainTimeoutMs } = reloads?.config() ?? config
    log.info('draining', { withinMs: drainTimeoutMs })
    services.stopping(drainTimeoutMs)
    await drainAgent(agent, composed.wholes, clock, drainTimeoutMs)
    stop.abort(signal.reason)
  }
  const onStop = (): void => void drainAndStop()
  signal.addEventListener('abort', onStop, { once: true })
  if (signal.aborted) onStop()
  const keeping = keepStatus()
  const cancelWatch = isOnce ? onHopeless(agent, clock, () => stop.abort(hopeless), composed.wholes) : () => {}
  try {
    await composed.run(stop.signal)
  } finally {
    over.abort()
    cancelWatch()
    signal.removeEventListener('abort', onStop)
    await reloads?.close()
    await keeping
    await status()
    await services.close()
  }
  if (isOnce) return sayOutcome(composed, report, terminal, stop.signal.reason).code
  // With this process their last descriptors go: the alarm was given, the gaps follow with the next start.
  const lost = [
    ...unspooled(composed.agent.book.all()),
    ...(composed.wholes === undefined ? [] : unspooledWholes(composed.wholes)),
  ]
  return lost.length > 0 ? exits.lossy : exits.done
}

function started(agent: ComposedAgent['agent'], host: string): Record<string, unknown> {
  const lives = [...agent.book.current.values()]
  const bytes = lives.reduce((sum, life) => sum + life.size, 0)
  return {
    host,
    files: countText(lives.length, 'file'),
    bytes: formatBytes(bytes),
    destinations: [...agent.couriers.keys()].join(', '),
  }
}
