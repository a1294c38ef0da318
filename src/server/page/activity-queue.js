import { getJson, paths } from './client.js'

/** Each visible row costs the server some 30 small requests to the bucket. */
const activitiesAtOnce = 3

/** Asks for the activity of the rows that are seen, a few at once, and once until all is loaded again. */
export function activityQueue(signal) {
  const known = new Map()
  const waiting = new Map()
  let running = 0
  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting && target.wanted) waiting.set(target, target.wanted)
      else waiting.delete(target)
    }
    pump()
  })
  signal.addEventListener('abort', () => seen.disconnect())
  function pump() {
    while (running < activitiesAtOnce && waiting.size > 0) {
      const [row, { host, fill }] = waiting.entries().next().value
      waiting.delete(row)
      seen.unobserve(row)
      running++
      getJson(paths.host(host, '/activity'), { hours: 24 }, signal)
        .catch(() => undefined)
        .then((found) => {
          running--
          if (signal.aborted) return
          known.set(host, found)
          fill(found)
          pump()
        })
    }
  }
  return {
    watch(row, host, fill) {
      if (known.has(host)) return fill(known.get(host))
      row.wanted = { host, fill }
      seen.observe(row)
    },
    clear() {
      seen.disconnect()
      waiting.clear()
    },
    forget: () => known.clear(),
  }
}
