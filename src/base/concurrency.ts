/** Runs at most `limit` of the works given to it at once, the others in the order of their coming. */
export type Limiter = <T>(work: () => Promise<T>) => Promise<T>

export function createLimiter(limit: number): Limiter {
  const waiting: (() => void)[] = []
  let running = 0
  return async (work) => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve))
    else running++
    try {
      return await work()
    } finally {
      // The place is handed over, so that nobody who comes now can take it first.
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}

/**
 * Calls `work` for each item, at most `limit` at once, and takes an item only when there is a place for it. After the
 * first failure (of the source, too) no further item is taken; rejects with it once everything under way has ended.
 */
export async function forEachConcurrently<T>(
  items: AsyncIterable<T> | Iterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>()
  const failures: unknown[] = []
  try {
    for await (const item of items) {
      const task: Promise<void> = work(item)
        .catch((error: unknown) => void failures.push(error))
        .finally(() => running.delete(task))
      running.add(task)
      if (running.size >= limit) await Promise.race(running)
      if (failures.length > 0) break
    }
  } finally {
    await Promise.all(running)
  }
  if (failures.length > 0) throw failures[0]
}

/**
 * What `work` makes of each item, in the order of the items, with up to `ahead` of them under way: for answers that have to
 * be looked at one after the other. Leaving early takes no further item; what is under way is awaited.
 */
export async function* mapInOrder<T, R>(
  items: AsyncIterable<T> | Iterable<T>,
  ahead: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R, undefined> {
  const underWay: Promise<R>[] = []
  const begin = (item: T): void => {
    const task = work(item)
    // Awaited in its turn, or after an earlier failure: it must not count as unhandled meanwhile.
    task.catch(() => {})
    underWay.push(task)
  }
  try {
    for await (const item of items) {
      begin(item)
      if (underWay.length >= ahead) yield (await underWay.shift()) as R
    }
    while (underWay.length > 0) yield (await underWay.shift()) as R
    return undefined
  } finally {
    await Promise.allSettled(underWay)
  }
}
