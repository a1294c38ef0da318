import type { Counts } from './counts.ts'

/** Counts, for one sender at one store, how often several segments of a stream are under way, and what becomes of them. */
export function watchFlights(counts: Counts): <T>(key: string, put: () => Promise<T>) => Promise<T> {
  const underWay = new Map<string, Set<string>>()
  return async (key, put) => {
    const stream = key.slice(0, key.lastIndexOf('/'))
    if (!key.startsWith('segments/')) return put()
    const flights = underWay.get(stream) ?? new Set()
    underWay.set(stream, flights.add(key))
    if (flights.size > 1) counts.add('segments in flight > 1')
    try {
      const result = await put()
      if (hasEarlier(flights, key)) counts.add(`segment before its predecessor: ${result}`)
      return result
    } catch (error) {
      if (flights.size > 1) counts.add('segment lost among others in flight')
      throw error
    } finally {
      flights.delete(key)
    }
  }
}

/** Offsets sort as their keys do. */
function hasEarlier(flights: ReadonlySet<string>, key: string): boolean {
  return [...flights].some((other) => other < key)
}
