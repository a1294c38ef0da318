import type { AgentEvent } from '../../agent/context.ts'
import type { Hint } from '../../agent/files/watch.ts'
import type { Life } from '../../agent/life.ts'
import type { Clock } from '../../base/clock.ts'
import { pathForPeople, textForPeople } from '../../base/path-bytes.ts'
import { type ComposedAgent, composeAgent } from '../compose/compose-agent.ts'
import { type PipeDelivery, pipeComposition } from './pipe-delivery.ts'
import { pipePath } from './pipe-room.ts'
import { RunReport } from './run-report.ts'

/** How much may wait in the spool, undelivered anywhere, before no more is read: a store's outage of some hours at 50 KB/s. */
export const aheadBytesMax = 1024 ** 3
/** How often it is said why nothing is read. */
export const repeatMs = 60_000
const askEveryMs = 50
/** Many small writes are one look. */
const lookEveryMs = 20
/** As the daemon's: what comes at once goes at once, a sustained trickle costs 360 requests an hour. */
const budget = { burst: 20, everyMs: 10_000 }

/** An agent that ships a spool while it grows. */
export interface Follower {
  composed: Pick<ComposedAgent, 'agent' | 'troubles' | 'wholes'>
  /** The spool, as the agent sees it. */
  path: string
  report: RunReport
  /** Tells it that the spool has grown. */
  look(): void
  /** Resolves when it has stopped, its state saved; rejects with what it could not go on after. */
  stop(): Promise<void>
}

export async function startFollower(run: PipeDelivery, onFailure: (error: unknown) => void): Promise<Follower> {
  const { clock } = run.input
  const path = pipePath(run.name)
  const destinations = run.destinations.map((one) => ({ ...one, budget }))
  let hint: (hint: Hint) => void = () => {}
  const report = new RunReport()
  const composition = pipeComposition(run, report, {
    isOneShot: false,
    destinations,
    watch(_sources, told) {
      hint = told
      return { close: () => Promise.resolve() }
    },
  })
  const composed = await composeAgent({ ...composition, report: withProblems(run, composition.report) })
  const stop = new AbortController()
  const running = composed.agent.run(stop.signal)
  running.catch(onFailure)
  let cancel: (() => void) | undefined
  return {
    composed,
    path,
    report,
    look() {
      cancel ??= clock.timer(lookEveryMs, () => {
        cancel = undefined
        hint({ path, appeared: false })
      })
    },
    async stop() {
      cancel?.()
      stop.abort(new Error('the input has ended'))
      await running.finally(() => composed.close())
    },
  }
}

/** It may be hours until the input ends: what stands in the way is said at once, and once. */
function withProblems({ input }: PipeDelivery, report: (event: AgentEvent) => void): (event: AgentEvent) => void {
  const said = new Set<string>()
  return (event) => {
    report(event)
    if (event.kind !== 'problem' || said.has(`${event.place} ${event.message}`)) return
    said.add(`${event.place} ${event.message}`)
    input.terminal.warn(`${pathForPeople(event.place)}: ${textForPeople(event.message)}`)
    if (event.hint) input.terminal.warn(`fix: ${textForPeople(event.hint)}`)
  }
}

/**
 * Resolves when at most `bytesMax` of what may be sent have not reached the quickest destination (I5: one that is down
 * holds nobody up, while there is disk). `onWait` hears that it is waiting, now and then.
 */
export async function waitForRoom(
  { composed, path }: { composed: Pick<ComposedAgent, 'agent'>; path: string },
  bytes: number,
  bytesMax: number,
  clock: Clock,
  signal: AbortSignal,
  onWait: () => void,
): Promise<void> {
  let saidAtMs = Number.NEGATIVE_INFINITY
  const life = (): Life | undefined => [...composed.agent.book.current.values()].find((one) => one.path === path)
  while (aheadBytes(life(), bytes) > bytesMax) {
    if (clock.monotonic() - saidAtMs >= repeatMs) {
      saidAtMs = clock.monotonic()
      onWait()
    }
    await clock.sleep(askEveryMs, signal)
  }
}

/** NULs at the end are not sent before another byte follows: waiting for them would be for ever. */
export function aheadBytes(life: Pick<Life, 'deliveries' | 'withheld'> | undefined, bytes: number): number {
  if (life === undefined) return bytes
  const acked = Math.max(...[...life.deliveries.values()].map((delivery) => delivery.acked.offset))
  const isWithheld = life.withheld !== undefined && acked >= life.withheld.from
  return isWithheld ? 0 : bytes - acked
}
