import type { AgentEvent } from '../../agent/context.ts'
import type { Destination } from '../../agent/destination.ts'
import { DigestWriter } from '../../agent/digest/digest-writer.ts'
import type { AgentState } from '../../agent/state/state.ts'
import type { Clock } from '../../base/clock.ts'
import type { ComposedAgent } from '../compose/compose-agent.ts'

export interface DigestsParts {
  agent: Pick<ComposedAgent['agent'], 'book' | 'couriers'>
  state: Pick<AgentState, 'host' | 'agentId'>
  clock: Clock
  report: (event: AgentEvent) => void
}

interface Writing {
  writer: DigestWriter
  stop: AbortController
  ended: Promise<void>
}

/** A heartbeat to each destination: one that does not answer holds up its own only (I5). */
export class AgentDigests {
  readonly #parts: DigestsParts
  readonly #at = new Map<Destination, Writing>()
  readonly #ended: Promise<void>[] = []

  constructor(parts: DigestsParts) {
    this.#parts = parts
    this.follow()
  }

  /** The destinations may be others. */
  follow(): void {
    const { agent, state, clock, report } = this.#parts
    const destinations = new Set([...agent.couriers.values()].map(({ destination }) => destination))
    for (const [destination, { stop, ended }] of this.#at) {
      if (destinations.has(destination)) continue
      stop.abort(new Error('no destination any more'))
      this.#ended.push(ended)
      this.#at.delete(destination)
    }
    for (const destination of destinations) {
      if (this.#at.has(destination)) continue
      const stop = new AbortController()
      const { host, agentId } = state
      const writer = new DigestWriter({ host, agentId, clock, destination, book: agent.book, report })
      this.#at.set(destination, { writer, stop, ended: writer.run(stop.signal) })
    }
  }

  note(event: AgentEvent): void {
    for (const { writer } of this.#at.values()) writer.account.note(event)
  }

  async close(): Promise<void> {
    for (const { stop } of this.#at.values()) stop.abort(new Error('stopped'))
    await Promise.all([...this.#ended, ...[...this.#at.values()].map(({ ended }) => ended)])
  }
}
