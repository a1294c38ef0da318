import type { Clock } from './clock.ts'

export interface Backoff {
  /** Upper bound of the first wait, in milliseconds. */
  baseMs: number
  /** Upper bound of every later wait, in milliseconds. */
  capMs: number
}

/** Unknown answers: quick at first, then at most one request per 30 s, so that a store that comes back is not met by a herd. */
export const retryUnknown: Backoff = { baseMs: 100, capMs: 30_000 }
/** Refusals stay until somebody acts: asking often only costs. */
export const retryRefused: Backoff = { baseMs: 5_000, capMs: 60_000 }

/**
 * Full jitter (uniform between 0 and the exponential bound), as in AWS's "Exponential Backoff And Jitter": it spreads a
 * fleet that failed together. `attempt` counts from 0.
 */
export function backoffMs(backoff: Backoff, attempt: number, clock: Pick<Clock, 'random'>): number {
  const bound = Math.min(backoff.capMs, backoff.baseMs * 2 ** Math.min(attempt, 30))
  return Math.ceil(bound * clock.random())
}
