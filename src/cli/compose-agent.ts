import { join } from 'node:path'
import { Agent, type AgentParts } from '../agent/agent.ts'
import { FileCheckpoint } from '../agent/checkpoint.ts'
import type { AgentEvent, AgentSettings, SourceSettings } from '../agent/context.ts'
import type { DestinationSettings } from '../agent/destination.ts'
import type { Files } from '../agent/files.ts'
import { hasBirthTimes, localFiles } from '../agent/local-files.ts'
import type { AgentState } from '../agent/state.ts'
import { RateLimit } from '../agent/token-bucket.ts'
import type { Hint } from '../agent/watch.ts'
import type { WholeEvent } from '../agent/whole/whole-file.ts'
import type { WholeShipper } from '../agent/whole/whole-shipper.ts'
import { createWorkerHasher } from '../agent/worker-hasher.ts'
import type { Clock } from '../base/clock.ts'
import type { LogcaskError } from '../base/errors.ts'
import { type Meter, meteredBucket } from '../bucket/metered.ts'
import { probe, requirePassed } from '../bucket/probe.ts'
import { retryingReads } from '../bucket/retrying-reads.ts'
import type { Budget } from '../config/agent-config.ts'
import type { InstanceFacts } from '../config/template.ts'
import { composeWholes, filesOfStreams, isWhole } from './compose-wholes.ts'
import { smallSegments } from './cost.ts'
import { version } from './help.ts'
import { encryptionOf, openBucket, type StoreSettings, storeWords } from './open-bucket.ts'
import { openFilesMax } from './open-files.ts'

export interface AgentDestination extends StoreSettings {
  name: string
  url: string
  rate?: number | undefined
  budget: Budget
}

export interface AgentComposition {
  state: AgentState
  machine: string | undefined
  /** What the cloud calls it, where a name needs that. */
  instance?: InstanceFacts | undefined
  sources: readonly SourceSettings[]
  destinations: readonly AgentDestination[]
  isOneShot: boolean
  isToldToAdopt?: boolean | undefined
  /** This machine's files as the agent is to see them; undefined: as they are. */
  files?: ((own: Files) => Files) | undefined
  scanIntervalMs: number
  /** Bytes per second, over all destinations together. */
  rate?: number | undefined
  clock: Clock
  report: (event: AgentEvent) => void
  /** What becomes of the files of `when-complete` sources. */
  reportWhole?: ((event: WholeEvent) => void) | undefined
  watch?: ((sources: readonly SourceSettings[], hint: (hint: Hint) => void) => { close(): Promise<void> }) | undefined
}

export interface ComposedAgent {
  agent: Agent
  /** The part for `when-complete` sources, where there are any; run beside the agent (compose-wholes.ts). */
  wholes: WholeShipper | undefined
  meters: Map<string, Meter>
  /** By destination: what last stood in the way of a read, whether or not it has gone since. */
  troubles: ReadonlyMap<string, LogcaskError>
  close(): Promise<void>
}

/** What all destinations together may hold in memory; less would slow a distant store, more breaks the 150 MB promise. */
const bytesInFlightMax = 24 * 1024 * 1024
const perDestinationMax = 16 * 1024 * 1024

const own = (files: Files): Files => files

/** Settings become components: stores behind meters, each admitted by the probe before its first byte. */
export async function composeAgent(parts: AgentComposition): Promise<ComposedAgent> {
  const { state, clock } = parts
  const spoolDirectory = join(state.directory, 'spool')
  const meters = new Map<string, Meter>()
  const troubles = new Map<string, LogcaskError>()
  const destinations: DestinationSettings[] = []
  const totalRate = parts.rate === undefined ? undefined : new RateLimit(parts.rate, clock)
  const bytesEach = Math.min(perDestinationMax, Math.floor(bytesInFlightMax / parts.destinations.length))
  for (const { name, url, rate, budget, ...store } of parts.destinations) {
    const opened = await openBucket(url, store, 'write', clock, {
      create: !state.hasUsed(url),
      // A run that ends fails by its requests or not at all.
      warn: ({ message, hint }) => !parts.isOneShot && parts.report({ kind: 'problem', place: name, message, hint }),
    })
    const { bucket: metered, meter } = meteredBucket(opened)
    meters.set(name, meter)
    // A listing and the tails of a chain are hundreds of requests that count as one: each is asked again by itself, or a
    // store that loses a third of its answers would never give them all.
    const bucket = retryingReads(metered, clock, (error) => troubles.set(name, error))
    destinations.push({
      name,
      bucket,
      rate,
      totalRate,
      budget: { capacity: budget.burst, perSecond: 1000 / budget.everyMs },
      totalBudget: budget.dollarsPerMonth === undefined ? undefined : smallSegments(budget.dollarsPerMonth),
      bytesInFlightMax: bytesEach,
      async admit(subject, signal) {
        const report = await probe(subject, { host: state.host, clock, signal, encryption: encryptionOf(store) })
        requirePassed(report, bucket.url, storeWords(url, store))
        await state.noteUse(url)
      },
    })
  }
  const hasher = createWorkerHasher()
  const files = (parts.files ?? own)(localFiles({ birthTimes: await tryBirthTimes(state.directory), spoolDirectory }))
  const settings: AgentSettings = {
    host: state.host,
    machine: parts.machine,
    instance: parts.instance,
    version: `logcask ${version}`,
    spoolDirectory,
    sources: parts.sources,
    isToldToAdopt: parts.isToldToAdopt,
    isOneShot: parts.isOneShot,
    scanIntervalMs: parts.scanIntervalMs,
  }
  const streams = parts.sources.filter((source) => !isWhole(source))
  const watch = (sources: readonly SourceSettings[]): AgentParts['watch'] =>
    parts.watch && ((hint) => parts.watch?.(sources, hint) ?? { close: () => Promise.resolve() })
  const agent = new Agent({
    settings: { ...settings, sources: streams },
    clock,
    files: filesOfStreams(files, parts.sources),
    hasher,
    destinations,
    checkpoint: new FileCheckpoint(state.directory),
    report: parts.report,
    openFilesMax: await openFilesMax(),
    watch: watch(streams),
  })
  const reportWhole = parts.reportWhole ?? (() => {})
  const wholes = composeWholes(
    {
      settings,
      stateDirectory: state.directory,
      clock,
      files,
      report: (event) => (event.kind === 'problem' ? parts.report(event) : reportWhole(event)),
      watch: watch(parts.sources.filter(isWhole)),
    },
    agent,
  )
  return {
    agent,
    wholes,
    meters,
    troubles,
    async close() {
      hasher.close()
      for (const { bucket } of destinations) await bucket.close()
    },
  }
}

/** On a disk that is full it is tried elsewhere: it is the kernel's answer that counts. Every kernel that Node 24 runs on gives them. */
function tryBirthTimes(directory: string): Promise<boolean> {
  return hasBirthTimes(directory)
    .catch(() => hasBirthTimes())
    .catch(() => true)
}
