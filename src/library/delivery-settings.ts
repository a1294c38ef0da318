import type { AgentEvent } from '../agent/context.ts'
import type { Life } from '../agent/life.ts'
import { openState } from '../agent/state/state.ts'
import { systemClock } from '../base/clock.ts'
import { LogcaskError } from '../base/errors.ts'
import {
  type AgentComposition,
  type AgentDestination,
  type ComposedAgent,
  composeAgent,
} from '../cli/compose/compose-agent.ts'
import { RunReport } from '../cli/ship/run-report.ts'
import { namedDestinations } from '../cli/ship/ship-destinations.ts'
import type { Budget } from '../config/agent-config.ts'
import { readMachine } from '../config/machine.ts'
import { labels as labelsSchema } from '../config/naming-schema.ts'
import { defaultStateDirectory } from '../config/state-directory.ts'
import type { DeliveryOptions } from './delivery-contract.ts'
import { eventForOthers } from './delivery-events.ts'

/** An agent at work for a caller. */
export interface Delivering {
  host: string
  composed: ComposedAgent
  report: RunReport
  /** One more event, for the report and the caller. */
  tell: (event: AgentEvent) => void
  /** Those with a gap or a fork. */
  lossy: ReadonlySet<Life>
  destinations: readonly AgentDestination[]
  /** Aborts with what the caller's `onEvent` threw. */
  failed: AbortSignal
  close(): Promise<void>
}

/** Options become an agent, as the command line's do; its state is locked until it is closed. */
export async function composeDelivery(
  options: DeliveryOptions,
  budget: Budget,
  parts: Pick<AgentComposition, 'sources' | 'isOneShot' | 'scanIntervalMs' | 'watch'>,
): Promise<Delivering> {
  const clock = systemClock
  const destinations = destinationsOf(options, budget)
  const machine = await readMachine()
  const host = options.host ?? machine.hostname
  const directory = options.state ?? defaultStateDirectory(process.env)
  options.signal?.throwIfAborted()
  const state = await openState(directory, host, clock)
  try {
    const report = new RunReport()
    const failed = new AbortController()
    const lossy = new Set<Life>()
    const tell = (event: AgentEvent): void => {
      report.add(event)
      if (event.kind === 'forked' || (event.kind === 'gap' && event.reason !== 'diverged')) lossy.add(event.life)
      const own = options.onEvent && eventForOthers(event)
      if (own === undefined) return
      try {
        options.onEvent?.(own)
      } catch (error) {
        failed.abort(error)
      }
    }
    const machineParts = { state, machine: machine.machineId, destinations, clock, report: tell }
    const composed = await composeAgent({ ...parts, ...machineParts })
    return {
      host,
      composed,
      report,
      tell,
      lossy,
      destinations,
      failed: failed.signal,
      async close() {
        await composed.close()
        await state.close()
      },
    }
  } catch (error) {
    await state.close()
    throw error
  }
}

function destinationsOf({ to, rate }: DeliveryOptions, budget: Budget): AgentDestination[] {
  const given = typeof to === 'string' || 'url' in to ? [to] : to
  const each = given.map((one) => ({ rate, ...(typeof one === 'string' ? { url: one } : one) }))
  if (each.length === 0)
    throw new LogcaskError('invalid', 'no destination is named', { hint: "{ to: 's3://bucket/prefix' }" })
  return namedDestinations(each, ({ url }) => `to: ${url}`).map((one) => ({ ...one, budget }))
}

/** Throws `invalid` for labels that do not fit a stream's origin. */
export function checkedLabels(labels: DeliveryOptions['labels']): Record<string, string> | undefined {
  if (labels === undefined) return undefined
  const { success, data, error } = labelsSchema.safeParse(labels)
  if (success) return data
  throw new LogcaskError('invalid', `labels: ${error.issues[0]?.message}`, { hint: "{ labels: { service: 'api' } }" })
}
