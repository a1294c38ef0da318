import type { Clock } from '../../base/clock.ts'
import { retryUnknown } from '../../base/retry.ts'

/**
 * Since when a stream may count as quiet again, when the store answers after trouble: an agent that could not reach it
 * either may wait so long before it tries again, and then has its last lines to bring.
 */
export function afterTrouble(clock: Pick<Clock, 'monotonic'>): number {
  return clock.monotonic() + retryUnknown.capMs
}
