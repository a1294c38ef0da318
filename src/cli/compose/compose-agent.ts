import { join } from 'node:path'
import { Agent, type AgentParts } from '../../agent/agent.ts'
import type { AgentEvent, AgentSettings, SourceSettings } from '../../agent/context.ts'
import type { Files } from '../../agent/files/files.ts'
import { hasBirthTimes, localFiles } from '../../agent/files/local-files.ts'
import type { Hint } from '../../agent/files/watch.ts'
import { createWorkerHasher } from '../../agent/shipping/worker-hasher.ts'
import { FileCheckpoint } from '../../agent/state/checkpoint.ts'
import type { AgentState } from '../../agent/state/state.ts'
import type { WholeEvent } from '../../agent/whole/whole-file.ts'
import type { WholeShipper } from '../../agent/whole/whole-shipper.ts'
import type { Clock } from '../../base/clock.ts'
import type { LogcaskError } from '../../base/errors.ts'
import type { Meter } from '../../bucket/metered.ts'
import type { InstanceFacts } from '../../config/template.ts'
import { version } from '../help.ts'
import { type AgentDestination, DestinationSet, segmentBytesFor } from './compose-destinations.ts'
import { composeSpools } from './compose-spools.ts'
import { composeWholes, filesOfStreams, isWhole, runBoth, streamsOf, Wholes } from './compose-wholes.ts'
import { openFilesMax } from './open-files.ts'

export type { AgentDestination } from './compose-destinations.ts'

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
  /** What the rescue spool may hold; undefined: there is none, and an earlier run's is left alone. */
  spoolBytes?: number | undefined
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
  /** The part for `when-complete` sources, where there are any (compose-wholes.ts). */
  readonly wholes: WholeShipper | undefined
  meters: Map<string, Meter>
  /** By destination: what last stood in the way of a read, whether or not it has gone since. */
  troubles: ReadonlyMap<string, LogcaskError>
  /** Both parts; as Agent.run. */
  run(signal: AbortSignal): Promise<void>
  /** Goes on with other sources and destinations. Rejects, with all as it was, where a destination cannot be made. */
  reload(next: Pick<AgentComposition, 'sources' | 'destinations' | 'rate'>): Promise<void>
  close(): Promise<void>
}

const own = (files: Files): Files => files

/** Settings become components: stores behind meters, each admitted by the probe before its first byte. */
export async function composeAgent(parts: AgentComposition): Promise<ComposedAgent> {
  const { state, clock } = parts
  const spoolDirectory = join(state.directory, 'spool')
  // A run that ends fails by its requests or not at all.
  const warn = (place: string, message: string, hint: string | undefined): void => {
    if (!parts.isOneShot) parts.report({ kind: 'problem', code: 'store-warning', place, message, hint })
  }
  const stores = new DestinationSet(state, clock, warn)
  const { destinations } = await stores.make(parts.destinations, parts.rate)
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
  let { sources } = parts
  const watch = (watched: readonly SourceSettings[]): AgentParts['watch'] =>
    parts.watch && ((hint) => parts.watch?.(watched, hint) ?? { close: () => Promise.resolve() })
  const spools = parts.spoolBytes === undefined ? undefined : composeSpools(spoolDirectory, parts.spoolBytes)
  const agent = new Agent({
    settings: { ...settings, sources: streamsOf(sources) },
    clock,
    files: filesOfStreams(files, () => sources),
    hasher,
    segmentBytes: segmentBytesFor(destinations.length),
    destinations,
    checkpoint: new FileCheckpoint(state.directory),
    spool: spools?.streams,
    report: parts.report,
    openFilesMax: await openFilesMax(),
    watch: watch(streamsOf(sources)),
  })
  const reportWhole = parts.reportWhole ?? (() => {})
  const wholes = new Wholes(() =>
    composeWholes(
      {
        settings: { ...settings, sources },
        stateDirectory: state.directory,
        clock,
        files,
        spool: spools?.wholes,
        report: (event) => (event.kind === 'problem' ? parts.report(event) : reportWhole(event)),
        watch: watch(sources.filter(isWhole)),
      },
      agent,
    ),
  )
  return {
    agent,
    get wholes() {
      return wholes.shipper
    },
    meters: stores.meters,
    troubles: stores.troubles,
    run: (signal) =>
      parts.isOneShot && wholes.shipper === undefined ? agent.run(signal) : runBoth(agent, wholes, signal),
    async reload(next) {
      const made = await stores.make(next.destinations, next.rate)
      await wholes.pause()
      try {
        sources = next.sources
        const streams = streamsOf(sources)
        await agent.reload({ sources: streams, destinations: made.destinations }, watch(streams))
      } finally {
        wholes.goOn()
      }
      await made.closeLeft()
    },
    async close() {
      hasher.close()
      await stores.close()
    },
  }
}

/** On a disk that is full it is tried elsewhere: it is the kernel's answer that counts. Every kernel that Node 24 runs on gives them. */
function tryBirthTimes(directory: string): Promise<boolean> {
  return hasBirthTimes(directory)
    .catch(() => hasBirthTimes())
    .catch(() => true)
}
