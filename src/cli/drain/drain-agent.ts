import type { Agent } from '../../agent/agent.ts'
import type { Courier } from '../../agent/courier.ts'
import { hasChanged } from '../../agent/discovery/rounds.ts'
import { isDrained } from '../../agent/discovery/sweep.ts'
import type { Clock } from '../../base/clock.ts'

const lookEveryMs = 50

/** What delivers files whole, beside the agent. */
export interface Drainable {
  scanAgain(): Promise<unknown>
  readonly isDrained: boolean
}

/**
 * Lets the agent deliver what it can; resolves after `withinMs`, or as soon as nothing is left but for destinations that
 * will not take it in time: one that refuses, and one whose outage had lasted for `withinMs` when the stop came. An outage
 * that is younger may pass: it is waited for.
 */
export async function drainAgent(
  agent: Agent,
  wholes: Drainable | undefined,
  clock: Clock,
  withinMs: number,
): Promise<void> {
  const endMs = clock.monotonic() + withinMs
  const youngMs = clock.now() - withinMs
  const isAwaited = ({ destination: { health } }: Courier): boolean =>
    health.state !== 'down' && !(health.state === 'unavailable' && health.sinceMs <= youngMs)
  const grown = [...agent.book.current.values()].filter(hasChanged).map((life) => ({ life, before: life.stamp }))
  const isSeen = (): boolean => grown.every(({ life, before }) => life.file === undefined || life.stamp !== before)
  agent.hurry()
  // What came since the last scan is delivered, too: the machine may be going for good.
  const over = new AbortController()
  const sealing = agent.scanAgain().then(() => agent.awaitSeals(endMs - clock.monotonic()))
  const scanned = Promise.all([sealing, wholes?.scanAgain()])
  await Promise.race([scanned, clock.sleep(withinMs, over.signal).catch(() => {})])
  over.abort()
  const isDone = (): boolean => isSeen() && isDrained(agent, isAwaited) && wholes?.isDrained !== false
  while (clock.monotonic() < endMs && !isDone()) await clock.sleep(lookEveryMs)
}
