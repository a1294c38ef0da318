import type { Clock } from '../base/clock.ts'
import { type MessageQueue, messagesAtOnce, type QueueMessage } from './message-queue.ts'

/** A queue in memory, for tests and the simulation: as SQS, but for its losses of order, which `take` gives instead. */
export interface MemoryQueue extends MessageQueue {
  send(body: string): void
  /** Messages that are neither removed nor dead. */
  readonly size: number
  /** What was received more than `receivesMax` times. */
  readonly dead: readonly string[]
  readonly requests: { receive: number; hide: number; remove: number }
}

interface Held {
  body: string
  visibleAtMs: number
  receives: number
  receipt: string
}

/** `take`: which of `count` visible messages comes next; default: the oldest. */
export function createMemoryQueue(
  clock: Clock,
  options: { receivesMax?: number; take?: (count: number) => number } = {},
): MemoryQueue {
  const { receivesMax, take = () => 0 } = options
  let held: Held[] = []
  let received = 0
  const dead: string[] = []
  const requests = { receive: 0, hide: 0, remove: 0 }
  const arrivals = new Set<() => void>()
  const named = (messages: readonly QueueMessage[]): Held[] =>
    held.filter(({ receipt }) => messages.some((message) => message.receipt === receipt))

  const takeVisible = (hideMs: number, max: number): QueueMessage[] => {
    const given: QueueMessage[] = []
    while (given.length < Math.min(max, messagesAtOnce)) {
      const visible = held.filter(({ visibleAtMs }) => visibleAtMs <= clock.monotonic())
      const one = visible[take(visible.length)]
      if (one === undefined) break
      if (receivesMax !== undefined && one.receives >= receivesMax) {
        held = held.filter((other) => other !== one)
        dead.push(one.body)
        continue
      }
      one.receives++
      one.visibleAtMs = clock.monotonic() + hideMs
      one.receipt = `receipt-${++received}`
      given.push({ receipt: one.receipt, body: one.body, receives: one.receives })
    }
    return given
  }

  return {
    url: 'memory://queue',
    get size() {
      return held.length
    },
    dead,
    requests,
    send(body) {
      held.push({ body, visibleAtMs: clock.monotonic(), receives: 0, receipt: '' })
      for (const arrived of arrivals) arrived()
    },
    async receive({ max, waitMs, hideMs, signal }) {
      signal?.throwIfAborted()
      requests.receive++
      const endAtMs = clock.monotonic() + waitMs
      for (;;) {
        const given = takeVisible(hideMs, max)
        if (given.length > 0 || clock.monotonic() >= endAtMs) return given
        const nextAtMs = Math.min(endAtMs, ...held.map(({ visibleAtMs }) => visibleAtMs))
        await wait(Math.max(1, nextAtMs - clock.monotonic()), signal)
      }
    },
    async hide(messages, hideMs) {
      requests.hide++
      for (const one of named(messages)) one.visibleAtMs = clock.monotonic() + hideMs
    },
    async remove(messages) {
      requests.remove++
      const gone = new Set(named(messages))
      held = held.filter((one) => !gone.has(one))
    },
    keepsPoison: async () => receivesMax !== undefined,
    close: async () => {},
  }

  /** Until a message comes, or for so long. */
  async function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const stop = new AbortController()
    const arrived = (): void => stop.abort()
    arrivals.add(arrived)
    try {
      await clock.sleep(ms, signal ? AbortSignal.any([signal, stop.signal]) : stop.signal)
    } catch {
      signal?.throwIfAborted()
    } finally {
      arrivals.delete(arrived)
    }
  }
}
