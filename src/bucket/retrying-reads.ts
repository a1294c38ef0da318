import type { Clock } from '../base/clock.ts'
import { isCode, type LogcaskError } from '../base/errors.ts'
import { type Backoff, backoffMs } from '../base/retry.ts'
import type { Bucket } from './bucket.ts'

/** A store that loses a third of its answers gives each of a billion; an object that it never gives costs half a minute. */
const attemptsMax = 20
/** Short waits: a store that answers others is not away. */
const waits: Backoff = { baseMs: 100, capMs: 2_000 }
/**
 * Over a store's hiccup, not over its absence: where nobody got an answer for so long, all that wait learn of it. A store
 * that hangs costs the time of one request.
 */
const patienceMs = 8_000

/**
 * A decorator for readers: what is `unavailable` is asked for again, for as long as the store answers others, before it counts. A listing goes on
 * after the last entry that it gave. Writing is not touched: who writes has a rule of its own for unknown answers.
 * `onRetry` is told what was `unavailable`, for those who are asked meanwhile why nothing happens.
 */
export function retryingReads(
  bucket: Bucket,
  clock: Pick<Clock, 'sleep' | 'random' | 'monotonic'>,
  onRetry: (error: LogcaskError) => void = () => {},
): Bucket {
  let answeredAtMs = Number.NEGATIVE_INFINITY
  let silentSinceMs: number | undefined
  const answered = (): void => {
    answeredAtMs = clock.monotonic()
    silentSinceMs = undefined
  }
  /** Rejects with `error` where it is none to ask again for; else resolves after a wait. */
  const waitAfter = async (
    error: unknown,
    attempt: number,
    sinceMs: number,
    signal: AbortSignal | undefined,
  ): Promise<void> => {
    if (signal?.aborted || !isCode(error, 'unavailable')) throw error
    silentSinceMs ??= Math.max(sinceMs, answeredAtMs)
    if (attempt + 1 >= attemptsMax || clock.monotonic() - silentSinceMs > patienceMs) throw error
    onRetry(error)
    await clock.sleep(backoffMs(waits, attempt, clock), signal)
  }
  const repeat = async <T>(signal: AbortSignal | undefined, ask: () => Promise<T>): Promise<T> => {
    const sinceMs = clock.monotonic()
    for (let attempt = 0; ; attempt++) {
      try {
        const answer = await ask()
        answered()
        return answer
      } catch (error) {
        await waitAfter(error, attempt, sinceMs, signal)
      }
    }
  }
  return {
    url: bucket.url,
    get capabilities() {
      return bucket.capabilities
    },
    put: (key, body, options) => bucket.put(key, body, options),
    putLarge: (key, body, options) => bucket.putLarge(key, body, options),
    get: (key, options) => repeat(options?.signal, () => bucket.get(key, options)),
    head: (key, options) => repeat(options?.signal, () => bucket.head(key, options)),
    async *list(prefix, options = {}) {
      let last: string | undefined
      let sinceMs = clock.monotonic()
      for (let attempt = 0; ; attempt++) {
        try {
          for await (const entry of bucket.list(prefix, { ...options, startAfter: last ?? options.startAfter })) {
            const name = entry.kind === 'object' ? entry.key : entry.prefix
            // What is folded sorts after its own name, so that it is given again.
            if (name === last) continue
            yield entry
            last = name
            attempt = 0
            sinceMs = clock.monotonic()
            answered()
          }
          return answered()
        } catch (error) {
          await waitAfter(error, attempt, sinceMs, options.signal)
        }
      }
    },
    close: () => bucket.close(),
  }
}
