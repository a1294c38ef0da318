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
        cancel()
        reject(signal?.reason)
      }
      const cancel = startTimer(ms, () => {
        signal?.removeEventListener('abort', stop)
        resolve()
      })
      signal?.addEventListener('abort', stop, { once: true })
    }),
  timer: startTimer,
  random: Math.random,
  id: (bytes) => randomBytes(bytes).toString('hex'),
}

/** What setTimeout can wait for; asked for more, it fires at once. */
const timeoutMaxMs = 2 ** 31 - 1

function startTimer(ms: number, callback: () => void): () => void {
  const endMs = performance.now() + ms
  let timer: NodeJS.Timeout
  const wait = (): void => {
    const leftMs = endMs - performance.now()
    timer = leftMs > timeoutMaxMs ? setTimeout(wait, timeoutMaxMs) : setTimeout(callback, Math.ceil(leftMs))
  }
  wait()
  return () => clearTimeout(timer)
}

/** `2026-11-20T10:15:00.123Z`, the form of every time in a record. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
