import type { Agent } from '../agent/agent.ts'
import type { AgentSettings, SourceSettings } from '../agent/context.ts'
import type { Files } from '../agent/files.ts'
import { WholeRecords } from '../agent/whole/whole-records.ts'
import type { WholeParts } from '../agent/whole/whole-shipper.ts'
import { WholeShipper } from '../agent/whole/whole-shipper.ts'
import type { Clock } from '../base/clock.ts'

export function isWhole(source: Pick<SourceSettings, 'whole'>): boolean {
  return source.whole !== undefined
}

/**
 * The files as the streams' part of an agent sees them: what belongs to a `when-complete` source is none of its, also where
 * a pattern of its own, named later, matches it.
 */
export function filesOfStreams(files: Files, sources: readonly SourceSettings[]): Files {
  const wholes = new Set(sources.filter(isWhole).map(({ name }) => name))
  if (wholes.size === 0 || wholes.size === sources.length) return files
  return {
    ...files,
    async scan() {
      const scan = await files.scan(sources)
      for (const [path, name] of scan.found) if (wholes.has(name)) scan.found.delete(path)
      return scan
    },
  }
}

/** Beside the streams' part, over the same destinations; undefined where no source wants it. */
export function composeWholes(
  parts: { settings: AgentSettings; stateDirectory: string; clock: Clock; files: Files } & Pick<
    WholeParts,
    'report' | 'watch'
  >,
  agent: Agent,
): WholeShipper | undefined {
  const { settings, stateDirectory, clock, files, report, watch } = parts
  if (!settings.sources.some(isWhole)) return undefined
  const destinations = [...agent.couriers.values()].map(({ destination }) => destination)
  return new WholeShipper({
    settings,
    clock,
    files,
    destinations,
    records: new WholeRecords(stateDirectory),
    report,
    watch,
  })
}

/** Both parts until both have ended; the failure of one ends the other. */
export async function runBoth(agent: Agent, wholes: WholeShipper | undefined, signal: AbortSignal): Promise<void> {
  if (wholes === undefined) return agent.run(signal)
  const over = new AbortController()
  const both = AbortSignal.any([signal, over.signal])
  const ended = await Promise.allSettled(
    [agent.run(both), wholes.run(both)].map((run) =>
      run.catch((error) => {
        over.abort(error)
        throw error
      }),
    ),
  )
  for (const result of ended) if (result.status === 'rejected') throw result.reason
}
