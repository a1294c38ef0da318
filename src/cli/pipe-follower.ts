import type { Life } from '../agent/life.ts'
import type { Clock } from '../base/clock.ts'
import type { ComposedAgent } from './compose-agent.ts'

/** How much may wait in the spool, undelivered anywhere, before no more is read: a store's outage of some hours at 50 KB/s. */
export const aheadBytesMax = 1024 ** 3
const askEveryMs = 50
/** How often it is said why nothing is read. */
export const repeatMs = 60_000

/** An agent that ships a spool while it grows. */
export interface Follower {
  composed: ComposedAgent
  /** Tells it that the spool has grown. */
  look(): void
  /** Resolves when it has stopped, its state saved; rejects with what it could not go on after. */
  stop(): Promise<void>
}

/**
 * Resolves when at most `bytesMax` of what may be sent have not reached the quickest destination (I5: one that is down
 * holds nobody up, while there is disk). `onWait` hears that it is waiting, now and then.
 */
export async function waitForRoom(
  composed: Pick<ComposedAgent, 'agent'>,
  path: string,
  bytes: number,
  bytesMax: number,
  clock: Clock,
  signal: AbortSignal,
  onWait: () => void,
): Promise<void> {
  let saidAtMs = Number.NEGATIVE_INFINITY
  while (aheadBytes(lifeAt(composed, path), bytes) > bytesMax) {
    if (clock.monotonic() - saidAtMs >= repeatMs) {
      saidAtMs = clock.monotonic()
      onWait()
    }
    await clock.sleep(askEveryMs, signal)
  }
}

function lifeAt({ agent }: Pick<ComposedAgent, 'agent'>, path: string): Life | undefined {
  return [...agent.book.current.values()].find((life) => life.path === path)
}

/** NULs at the end are not sent before another byte follows: waiting for them would be for ever. */
export function aheadBytes(life: Pick<Life, 'deliveries' | 'withheld' | 'size'> | undefined, bytes: number): number {
  if (life === undefined) return bytes
  const acked = Math.max(...[...life.deliveries.values()].map((delivery) => delivery.acked.offset))
  const isWithheld = life.withheld !== undefined && acked >= life.withheld.from
  return isWithheld ? 0 : bytes - acked
}
