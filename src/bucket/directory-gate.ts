/**
 * Bounds the system calls that one directory has under way. Each holds a thread of libuv's pool, and on a hung mount it
 * holds it for ever: without a bound, one such mount would stop every file and every other destination of the process
 * (I5). So the work makes one call at a time.
 */
export interface Gate {
  /**
   * Runs `work` when there is room. Rejects with the signal's reason as soon as it is aborted, though the system call
   * may go on: its place stays taken until it has ended.
   */
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>
}

export function createGate(places: number): Gate {
  const waiting = new Set<() => void>()
  let free = places

  const leave = (): void => {
    free++
    const [next] = waiting
    if (next === undefined) return
    waiting.delete(next)
    next()
  }

  return {
    run: <T>(work: () => Promise<T>, signal?: AbortSignal) =>
      new Promise<T>((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const enter = (): void => {
          free--
          work()
            .then(resolve, reject)
            .finally(() => {
              signal?.removeEventListener('abort', stop)
              leave()
            })
        }
        const stop = (): void => {
          waiting.delete(enter)
          reject(signal?.reason)
        }
        signal?.addEventListener('abort', stop, { once: true })
        if (free > 0) enter()
        else waiting.add(enter)
      }),
  }
}
