import type { MessageQueue } from '../../bucket/message-queue.ts'
import { type FollowContext, followHosts } from '../follow-hosts.ts'
import type { HostLook } from './hint.ts'
import { HostTurns } from './host-turns.ts'
import { listAll } from './list-all.ts'
import type { EventPlace } from './parse-message.ts'
import { type MessageCounts, readQueue } from './queue-reader.ts'
import { Retries } from './retries.ts'

/** Messages tell what to look at; a listing of everything is the truth, whatever they missed. */
export interface Events {
  queue: MessageQueue
  place: EventPlace
  /** Between two listings of everything. */
  listEveryMs: number
  counts: MessageCounts
}

export interface Sharing {
  /**
   * Others read the same queue, and do the same: each takes what it works on and little more, so that the work is
   * spread; and what two of them do at once does no harm.
   */
  isShared: boolean
}

/** In hand at once where nobody shares: a few kB each. SQS itself gives out 120,000. */
const inHandMax = 1000
/** Where others do: some more than are packed at once, so that a store's latency does not count. */
const inHandSharedMax = 16

export function noMessages(): MessageCounts {
  return { received: 0, done: 0, failed: 0, test: 0, poison: 0, foreign: 0 }
}

/** Makes the look at a host, by way of `bucket`. */
export type FollowHost = (host: string, bucket: FollowContext['bucket']) => HostLook

/**
 * Looks at what messages speak of as they come, and at everything from time to time, until aborted: then it resolves.
 * While the queue gives nothing, hosts are polled as if there were none.
 */
export async function followEvents(
  context: FollowContext,
  events: Events,
  { isShared }: Sharing,
  follow: FollowHost,
): Promise<void> {
  const { clock, signal, onEvent, once, bucket } = context
  const { queue, place, counts } = events
  const turns = new HostTurns((host) => follow(host, bucket), isShared)
  const retries = new Retries(clock, signal)
  let polling: { stop: AbortController; ended: Promise<void> } | undefined
  /** Aborted where the listing that goes on is overtaken: by polling, or by one of everything at once. */
  let overtaken = new AbortController()

  const reading = readQueue({
    queue,
    place,
    clock,
    counts,
    inHandMax: isShared ? inHandSharedMax : inHandMax,
    signal,
    look: ({ host, stream, ...hint }) => turns.hint(host, stream, hint),
    onPoison(why, isKept) {
      if (once.isNew(`poison ${why}`))
        onEvent({ kind: 'queue', state: isKept ? 'kept' : 'dropped', url: queue.url, why })
    },
    onLost(error) {
      onEvent({ kind: 'queue', state: 'lost', url: queue.url, error })
      const stop = new AbortController()
      const ended = followHosts({ ...context, signal: AbortSignal.any([signal, stop.signal]) }, (host) => {
        const look = follow(host, bucket)
        return (hints) => turns.run(host, () => look(hints))
      })
      polling = { stop, ended }
      overtaken.abort()
    },
    onBack() {
      onEvent({ kind: 'queue', state: 'back', url: queue.url })
      polling?.stop.abort()
      polling = undefined
      // What was said while nobody listened may be lost.
      overtaken.abort()
    },
  })

  for (let isAtOnce = true; !signal.aborted; ) {
    overtaken = new AbortController()
    const over = AbortSignal.any([signal, overtaken.signal])
    if (polling !== undefined) await clock.sleep(events.listEveryMs, over).catch(() => {})
    else await listAll({ ...context, signal: over }, events.listEveryMs, isAtOnce, turns, retries, follow)
    isAtOnce = overtaken.signal.aborted
  }
  await Promise.all([reading, polling?.ended])
  await turns.settled()
}
