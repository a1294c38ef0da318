import type { Agent } from '../../agent/agent.ts'
import type { AgentSettings, SourceSettings } from '../../agent/context.ts'
import type { Files } from '../../agent/files/files.ts'
import type { WholeParts } from '../../agent/whole/whole-parts.ts'
import { WholeRecords } from '../../agent/whole/whole-records.ts'
import { WholeShipper } from '../../agent/whole/whole-shipper.ts'
import type { Clock } from '../../base/clock.ts'

/** All others: those that are shipped as they grow. */
export function streamsOf(sources: readonly SourceSettings[]): SourceSettings[] {
  return sources.filter((source) => !isWhole(source))
}

export function isWhole(source: Pick<SourceSettings, 'whole'>): boolean {
  return source.whole !== undefined
}

/**
 * The files as the streams' part of an agent sees them: what belongs to a `when-complete` source is none of its, also where
 * a pattern of its own, named later, matches it.
 */
export function filesOfStreams(files: Files, sourcesNow: () => readonly SourceSettings[]): Files {
  return {
    ...files,
    async scan(streams) {
      const sources = sourcesNow()
      const wholes = new Set(sources.filter(isWhole).map(({ name }) => name))
      if (wholes.size === 0 || wholes.size === sources.length) return files.scan(streams)
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
    'report' | 'watch' | 'spool'
  >,
  agent: Agent,
): WholeShipper | undefined {
  const { settings, stateDirectory, clock, files, spool, report, watch } = parts
  if (!settings.sources.some(isWhole)) return undefined
  const destinations = [...agent.couriers.values()].map(({ destination }) => destination)
  return new WholeShipper({
    settings,
    clock,
    files,
    destinations,
    records: new WholeRecords(stateDirectory),
    spool,
    report,
    watch,
  })
}

/** The part for `when-complete` sources: made anew for each configuration, since its records know all that it does. */
export class Wholes {
  readonly #compose: () => WholeShipper | undefined
  #shipper: WholeShipper | undefined
  #pausing = new AbortController()
  #rest = Promise.withResolvers<void>()
  #work = Promise.withResolvers<void>()

  constructor(compose: () => WholeShipper | undefined) {
    this.#compose = compose
    this.#shipper = compose()
  }

  get shipper(): WholeShipper | undefined {
    return this.#shipper
  }

  /** Until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const ended = once(signal)
    while (!signal.aborted) {
      const pausing = this.#pausing.signal
      if (this.#shipper) await this.#shipper.run(AbortSignal.any([signal, pausing]))
      else await Promise.race([ended, once(pausing)])
      if (!pausing.aborted) break
      this.#rest.resolve()
      await Promise.race([ended, this.#work.promise])
    }
    this.#rest.resolve()
  }

  /** Resolves when nothing of it works any more. */
  async pause(): Promise<void> {
    this.#pausing.abort(new Error('the configuration changed'))
    await this.#rest.promise
  }

  /** With the configuration of now. */
  goOn(): void {
    const { resolve } = this.#work
    this.#shipper = this.#compose()
    this.#pausing = new AbortController()
    this.#rest = Promise.withResolvers()
    this.#work = Promise.withResolvers()
    resolve()
  }
}

function once(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Both parts until both have ended; the failure of one ends the other. */
export async function runBoth(agent: Agent, wholes: Wholes, signal: AbortSignal): Promise<void> {
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
