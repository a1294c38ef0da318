import type { Clock } from '../../base/clock.ts'
import { isCode } from '../../base/errors.ts'
import { type Backoff, backoffMs, retryUnknown } from '../../base/retry.ts'
import type { MessageQueue, QueueMessage } from '../../bucket/message-queue.ts'
import { Held } from './held-messages.ts'
import { type EventPlace, parseMessage, type SpokenOf } from './parse-message.ts'

/**
 * What became of messages: `done` is looked at, and removed; `failed` given back, to come again; `test` are S3's own,
 * `poison` nobody understands, `foreign` are of another bucket.
 */
export const messageOutcomes = ['received', 'done', 'failed', 'test', 'poison', 'foreign'] as const
export type MessageCounts = Record<(typeof messageOutcomes)[number], number>

export interface ReaderOptions {
  queue: MessageQueue
  place: EventPlace
  clock: Clock
  counts: MessageCounts
  /** Messages that are worked on at once; what is received beyond it is at most as many as come at once. */
  inHandMax: number
  /** Resolves once it was looked at; rejects where that failed, and is to be tried again. */
  look: (spoken: SpokenOf) => Promise<void>
  /** A message that nobody understands, or that is of another bucket. */
  onPoison: (why: string, isKept: boolean) => void
  /** Nothing comes any more, or it comes again. */
  onLost: (error: unknown) => void
  onBack: () => void
  signal: AbortSignal
}

/** The longest that SQS waits: the fewest requests at rest, 180 an hour. */
const waitMs = 20_000
/** Beyond this the process that has a message is taken for dead; it says so again in time while it lives. */
export const hideMs = 60_000
/** So many requests wait side by side while each brings all that fits: as fast as one queue is read from afar. */
const receiversMax = 8
/** Nothing received for so long: what comes is looked for elsewhere meanwhile. */
const lostAfterMs = 30_000
/**
 * A store that is away is waited for with what is in hand, and little more is received: each time that a message is
 * received counts against it, and the queue takes one that was received too often for poison.
 */
const heldFailingMs = 300_000
/** A single answer may be lost. */
const ownAttempts = 2
const retryHeld: Backoff = { baseMs: 1_000, capMs: 60_000 }
/** After that it comes back later; at the latest within a quarter of an hour. */
const retryMessage: Backoff = { baseMs: 60_000, capMs: 900_000 }
/** A queue that is gone or denied is asked once a minute: it costs next to nothing, and is back within a minute. */
const askLostEveryMs = 60_000

/** Reads until the signal; then resolves. What is in hand by then comes again for somebody else. Never rejects. */
export async function readQueue(options: ReaderOptions): Promise<void> {
  const { queue, clock, counts, signal } = options
  const held = new Held(queue, clock, hideMs, signal)
  let receivers = 0
  let keepsPoison: boolean | undefined

  const accept = async (message: QueueMessage): Promise<void> => {
    const parsed = parseMessage(message.body, options.place)
    if (parsed.kind === 'poison' || parsed.kind === 'foreign') {
      // Without an answer nobody knows: it comes again, and so does the question. Who may not ask sees no such queue.
      keepsPoison ??= await queue
        .keepsPoison(signal)
        .catch((error: unknown) => (isCode(error, 'refused') ? false : undefined))
      if (keepsPoison === undefined) return held.drop(message)
      counts[parsed.kind]++
      options.onPoison(parsed.kind === 'poison' ? parsed.why : `is of the bucket ${parsed.bucket}`, keepsPoison)
      return keepsPoison ? held.drop(message) : held.remove(message)
    }
    if (parsed.kind === 'test') counts.test++
    else {
      if (!(await lookUntilDone(parsed.hints, message.receives === 1))) {
        if (signal.aborted) return
        counts.failed++
        const laterMs = Math.max(retryMessage.baseMs, backoffMs(retryMessage, message.receives, clock))
        return held.giveBack(message, laterMs)
      }
    }
    counts.done++
    held.remove(message)
  }

  let succeededAtMs = Number.NEGATIVE_INFINITY
  let failing = 0
  /**
   * False where it could not be done. Why is told where it failed, by name. A host that others are not held up by: where
   * their messages are done, or half of all in hand fail, what fails is its own trouble, and goes back.
   */
  const lookUntilDone = async (hints: readonly SpokenOf[], isFirst: boolean): Promise<boolean> => {
    const endAtMs = clock.monotonic() + heldFailingMs
    for (let attempt = 0; !signal.aborted && clock.monotonic() < endAtMs; attempt++) {
      const beganAtMs = clock.monotonic()
      try {
        // What is said of lengths is believed once: after a failure the bucket is asked.
        const isBelieved = isFirst && attempt === 0
        await Promise.all(hints.map((hint) => options.look(isBelieved ? hint : { ...hint, segments: [] })))
        succeededAtMs = clock.monotonic()
        return true
      } catch {
        const isOwnTrouble = attempt >= ownAttempts && succeededAtMs >= beganAtMs
        if (isOwnTrouble || failing >= options.inHandMax / 2) return false
        failing++
        await clock.sleep(Math.max(500, backoffMs(retryHeld, attempt, clock)), signal).catch(() => {})
        failing--
      }
    }
    return false
  }

  /** Whether more may be waiting. */
  const receive = async (): Promise<boolean> => {
    const ask = (max: number): Promise<QueueMessage[]> => queue.receive({ max, waitMs, hideMs, signal })
    const { messages, isFull } = await held.receive(options.inHandMax, ask)
    counts.received += messages.length
    for (const message of messages) void accept(message)
    return isFull
  }

  /** One more while each brings all that fits; it ends when it does not. Its failures are met by the first as well. */
  const helpOut = (): void => {
    if (receivers >= receiversMax || signal.aborted) return
    receivers++
    void (async () => {
      try {
        while (!signal.aborted && (await receive())) helpOut()
      } catch {
        // The first one asks the same, and tells.
      } finally {
        receivers--
      }
    })()
  }

  const untilAborted = held.run()
  let [failures, isLost] = [0, false]
  let answeredAtMs = clock.monotonic()
  while (!signal.aborted) {
    try {
      const isFull = await receive()
      if (isLost) options.onBack()
      ;[failures, isLost, answeredAtMs] = [0, false, clock.monotonic()]
      if (isFull) helpOut()
    } catch (error) {
      if (signal.aborted) break
      const isOver = !isCode(error, 'unavailable') || clock.monotonic() - answeredAtMs > lostAfterMs
      if (isOver && !isLost) options.onLost(error)
      isLost ||= isOver
      const pauseMs = isLost ? askLostEveryMs * (0.5 + clock.random() / 2) : backoffMs(retryUnknown, failures++, clock)
      await clock.sleep(Math.max(100, pauseMs), signal).catch(() => {})
    }
  }
  await untilAborted
}
