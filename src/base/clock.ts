import { randomBytes } from 'node:crypto'

/**
 * Time, waiting and chance, injected everywhere so that a simulation replays from its seed. The one module that may
 * touch `Date`, timers and randomness; `test/architecture` holds the others to it.
 */
export interface Clock {
  /** Wall clock in milliseconds since 1970, UTC. For records that people read; never for ordering or intervals. */
  now(): number
  /** Milliseconds since an arbitrary start; never steps back. */
  monotonic(): number
  /** Resolves after `ms`; rejects with `signal.reason` when aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Calls `callback` once after `ms`; the answer cancels it. */
  timer(ms: number, callback: () => void): () => void
  /** Uniform in [0, 1). */
  random(): number
  /** `bytes` random bytes in hex. */
  id(bytes: number): string
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const stop = (): void => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', stop)
        resolve()
      }, ms)
      signal?.addEventListener('abort', stop, { once: true })
    }),
  timer: (ms, callback) => {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
  random: Math.random,
  id: (bytes) => randomBytes(bytes).toString('hex'),
}

/** `2026-11-20T10:15:00.123Z`, the form of every time in a record. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
