import type { Clock } from '../../src/base/clock.ts'
import { seededRandom } from './seeded-random.ts'

/**
 * A clock that moves only when it is told to. Timers that are due fire in the order of their times (equal times: of
 * their making), each after everything that the one before it set off has settled, so that a run replays exactly, as
 * long as nothing in it waits for real I/O.
 */
export interface VirtualClock extends Clock {
  /** Fires what falls due within `ms`, and ends `ms` later. */
  advance(ms: number): Promise<void>
  /** Lets promises settle, without moving time. */
  settle(): Promise<void>
  /** Moves to the next timer until there is none, or until `limitMs` has passed; says whether none is left. */
  runUntilIdle(limitMs?: number): Promise<boolean>
  /**
   * Moves time for as long as `work` needs, and gives its answer. Where no timer is left, real I/O is waited for, up to
   * ten real seconds. Rejects once `limitMs` of virtual time (default a day) have passed.
   */
  run<T>(work: Promise<T>, limitMs?: number): Promise<T>
  /** Steps the wall clock, as NTP or an operator does; `monotonic` and timers do not see it. */
  stepWallClock(ms: number): void
  /** Timers that wait. */
  readonly pending: number
}

interface Timer {
  atMs: number
  number: number
  callback: () => void
}

const dayMs = 86_400_000
const realWaitMs = 10_000

/** A sleep that a signal ends, made of timers. */
export function sleepOn(timer: Clock['timer']): Clock['sleep'] {
  return (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const stop = (): void => {
        cancel()
        reject(signal?.reason)
      }
      const cancel = timer(ms, () => {
        signal?.removeEventListener('abort', stop)
        resolve()
      })
      signal?.addEventListener('abort', stop, { once: true })
    })
}

export function createVirtualClock(options: { seed?: number; startMs?: number } = {}): VirtualClock {
  const random = seededRandom(options.seed ?? 1)
  const timers = new Set<Timer>()
  let wallMs = options.startMs ?? Date.UTC(2026, 10, 20, 10, 15, 0)
  let elapsedMs = 0
  let made = 0

  const timer = (ms: number, callback: () => void): (() => void) => {
    const entry = { atMs: elapsedMs + Math.max(0, ms), number: made++, callback }
    timers.add(entry)
    return () => void timers.delete(entry)
  }
  const nextTimer = (): Timer | undefined => {
    let next: Timer | undefined
    for (const entry of timers) {
      if (!next || entry.atMs < next.atMs || (entry.atMs === next.atMs && entry.number < next.number)) next = entry
    }
    return next
  }
  const moveTo = (atMs: number): void => {
    const ms = Math.max(0, atMs - elapsedMs)
    elapsedMs += ms
    wallMs += ms
  }
  const fire = async (entry: Timer): Promise<void> => {
    moveTo(entry.atMs)
    timers.delete(entry)
    entry.callback()
    await settle()
  }

  return {
    now: () => Math.floor(wallMs),
    monotonic: () => elapsedMs,
    sleep: sleepOn(timer),
    timer,
    random: random.next,
    id: (bytes) => Buffer.from(random.bytes(bytes)).toString('hex'),
    settle,
    async advance(ms) {
      const endMs = elapsedMs + ms
      await settle()
      for (let next = nextTimer(); next !== undefined && next.atMs <= endMs; next = nextTimer()) await fire(next)
      moveTo(endMs)
    },
    async runUntilIdle(limitMs = dayMs) {
      const endMs = elapsedMs + limitMs
      await settle()
      for (let next = nextTimer(); next !== undefined && next.atMs <= endMs; next = nextTimer()) await fire(next)
      return timers.size === 0
    },
    async run<T>(work: Promise<T>, limitMs = dayMs) {
      const endMs = elapsedMs + limitMs
      let isSettled = false
      const mark = (): void => {
        isSettled = true
      }
      work.then(mark, mark)
      let giveUpAt = performance.now() + realWaitMs
      for (await settle(); !isSettled; await settle()) {
        const next = nextTimer()
        if (next === undefined) {
          if (performance.now() > giveUpAt) throw new Error('virtual clock: no timer is left, and the work still waits')
          await new Promise((resolve) => setTimeout(resolve, 1))
          continue
        }
        if (next.atMs > endMs) throw new Error(`virtual clock: the work still waits after ${limitMs} ms`)
        await fire(next)
        giveUpAt = performance.now() + realWaitMs
      }
      return work
    },
    stepWallClock(ms) {
      wallMs += ms
    },
    get pending() {
      return timers.size
    },
  }
}

/** The queue of microtasks is empty when an immediate runs. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
