import { join } from 'node:path'
import type { AgentEvent } from '../../agent/context.ts'
import { abortable } from '../../agent/destination.ts'
import type { ProblemCode } from '../../agent/problem-code.ts'
import type { AgentState } from '../../agent/state/state.ts'
import { type Clock, isoTime } from '../../base/clock.ts'
import { isCode, messageOf } from '../../base/errors.ts'
import { type ListenAddress, listenAddressText } from '../../base/listen-address.ts'
import { supervisorOf } from '../../base/supervisor.ts'
import type { AgentConfig } from '../../config/agent-config.ts'
import type { ComposedAgent } from '../compose/compose-agent.ts'
import { openFilesMax } from '../compose/open-files.ts'
import { version } from '../help.ts'
import type { RunReport } from '../ship/run-report.ts'
import { AgentDigests } from './agent-digests.ts'
import type { AgentLog } from './agent-log.ts'
import type { MetricFacts } from './agent-metrics.ts'
import { agentRoutes, keepListening } from './agent-server.ts'
import { readStatus, type StatusRecord, watchStatus } from './agent-status.ts'
import { InheritedAges } from './inherited-ages.ts'
import { LocalRoom } from './local-room.ts'
import { keepNotified } from './service-notice.ts'

export interface ServiceParts {
  config: AgentConfig
  state: AgentState
  composed: Pick<ComposedAgent, 'agent' | 'meters' | 'wholes'>
  report: RunReport
  log: AgentLog
  clock: Clock
  env: NodeJS.ProcessEnv
  /** One-shot: nobody asks it, and no service manager waits for it. */
  isOneShot: boolean
}

/** What surrounds an agent at work: its status, its metrics, and the service manager that started it. */
export interface AgentServices {
  status(): StatusRecord
  /** A stop was asked for; it may take so long. */
  stopping(withinMs: number): void
  /** The configuration on disk is being read again; then whether it is in force. */
  reloading(): void
  /** With the configuration in force; undefined: it was refused. */
  reloaded(config: AgentConfig | undefined): void
  /** Resolves when nothing of it is left. */
  close(): Promise<void>
}

const roomEveryMs = 10_000

export function startServices(parts: ServiceParts): AgentServices {
  const { config, state, composed, report, log, clock, env, isOneShot } = parts
  const { agent, meters } = composed
  const over = new AbortController()
  const startedAtMs = clock.now()
  const room = new LocalRoom(join(state.directory, 'spool'), clock)
  const urls = new Map(config.destinations.map(({ name, url }) => [name, url]))
  const inherited = new InheritedAges()
  // The record of before stands until everything was looked at once (writeStatus); a damaged one says nothing.
  readStatus(state.directory)
    .then((before) => before && inherited.take(before, { wallMs: clock.now(), monotonicMs: clock.monotonic() }))
    .catch(() => {})
  const status = watchStatus(agent, {
    host: state.host,
    startedAtMs,
    urls,
    meters,
    report,
    clock,
    isOneShot,
    room,
    spoolBytesMax: config.spoolBytes,
    inherited,
    wholes: () => composed.wholes,
  })
  const reload: MetricFacts['reload'] = { isSuccessful: true, atMs: startedAtMs }
  const tellOf = (event: AgentEvent): void => {
    report.add(event)
    log.event(event)
  }
  const problem = (code: ProblemCode, place: string) => (message: string, hint: string | undefined) => {
    tellOf({ kind: 'problem', code, place, message, hint })
  }
  const supervisor = isOneShot ? undefined : supervisorOf(env, process.pid)
  const tell = (...assignments: string[]): void => {
    supervisor?.tell(...assignments).catch((error) => cannotTell(error))
  }
  const cannotTell = (error: unknown): void =>
    problem('systemd-not-told', 'systemd')(messageOf(error), isCode(error, 'unavailable') ? error.hint : undefined)
  const loops = isOneShot ? [] : [keepLooking(room, agent, clock, over.signal)]
  if (config.listen !== undefined && !isOneShot) {
    const facts = metricFacts(parts, status, startedAtMs, reload)
    const routes = agentRoutes({
      metrics: facts,
      sick: () => (agent.progress.isStalled ? 'the scans no longer come round' : undefined),
      notReady: () => status().notReady ?? [],
    })
    const on = (address: ListenAddress): void => {
      report.problems.delete('listen')
      log.info('listening', { address: listenAddressText(address) })
    }
    loops.push(
      keepListening(config.listen, routes, clock, over.signal, { problem: problem('listen-failed', 'listen'), on }),
    )
  }
  const digests = isOneShot ? undefined : new AgentDigests({ agent, state, clock, report: tellOf })
  if (digests) report.listeners.push((event) => digests.note(event))
  if (supervisor !== undefined)
    loops.push(keepNotified(supervisor, status, () => agent.progress.isStalled, clock, over.signal, cannotTell))
  return {
    status,
    stopping: (withinMs) =>
      tell('STOPPING=1', 'STATUS=draining', `EXTEND_TIMEOUT_USEC=${(withinMs + stopMarginMs) * 1000}`),
    reloading: () => tell('RELOADING=1'),
    reloaded(taken) {
      reload.isSuccessful = taken !== undefined
      if (taken) {
        reload.atMs = clock.now()
        urls.clear()
        for (const { name, url } of taken.destinations) urls.set(name, url)
        digests?.follow()
        report.problems.delete('configuration')
      }
      tell('READY=1', `STATUS=configuration ${taken ? 'taken' : 'refused'} at ${isoTime(clock.now())}`)
    },
    async close() {
      over.abort()
      await Promise.all([...loops, digests?.close()])
    },
  }
}

/** What comes after the drain: answers that are under way, the last checkpoint. */
const stopMarginMs = 15_000

async function keepLooking(
  room: LocalRoom,
  agent: ComposedAgent['agent'],
  clock: Pick<Clock, 'sleep'>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    // A mount that hangs holds up the next look, and not the end.
    await abortable(room.look([...agent.book.current.values()].map(({ path }) => path)), signal).catch(() => {})
    await clock.sleep(roomEveryMs, signal).catch(() => {})
  }
}

function metricFacts(
  { state, composed, report, clock }: ServiceParts,
  status: () => StatusRecord,
  startedAtMs: number,
  reload: MetricFacts['reload'],
): () => MetricFacts {
  const { agent, meters } = composed
  let filesMax = 0
  openFilesMax().then((most) => {
    filesMax = most
  })
  const age = (atMs: number | undefined): number | undefined =>
    atMs === undefined ? undefined : (clock.monotonic() - atMs) / 1000
  return () => {
    const { scannedAtMs, savedAtMs } = agent.progress
    const { user, system } = process.cpuUsage()
    return {
      status: status(),
      counts: report.counts,
      usages: new Map([...meters].map(([name, meter]) => [name, meter.snapshot()])),
      agentId: state.agentId,
      version,
      openFilesMax: filesMax,
      scanAgeSeconds: age(scannedAtMs),
      checkpointAgeSeconds: age(savedAtMs),
      reload,
      process: {
        residentBytes: process.memoryUsage.rss(),
        cpuSeconds: (user + system) / 1e6,
        startedAtMs,
      },
    }
  }
}
