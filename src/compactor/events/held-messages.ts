import type { Clock } from '../../base/clock.ts'
import { type MessageQueue, messagesAtOnce, type QueueMessage } from '../../bucket/message-queue.ts'

/** Done messages are removed ten at a time, or after so long: a kill in between only brings them once more. */
const removeWithinMs = 200
/** At the end a queue that does not answer is not waited for longer: its messages come again by themselves. */
const partingMs = 3_000
/** SQS gives a message to somebody else after twelve hours, whatever is said. */
const heldMaxMs = 11 * 3_600_000

/** The messages in hand: hidden from others while work on them lasts, removed when it is done. What fails here only makes them come again. */
export class Held {
  readonly #queue: MessageQueue
  readonly #clock: Clock
  readonly #hideMs: number
  readonly #signal: AbortSignal
  readonly #since = new Map<QueueMessage, number>()
  #done: QueueMessage[] = []
  #cancelRemoval: (() => void) | undefined
  #waiting: (() => void)[] = []
  /** What requests under way may bring. */
  #asked = 0

  constructor(queue: MessageQueue, clock: Clock, hideMs: number, signal: AbortSignal) {
    this.#queue = queue
    this.#clock = clock
    this.#hideMs = hideMs
    this.#signal = signal
  }

  /** Asks for as many messages as there is room for, once there is some; says whether more may be waiting. */
  async receive(
    max: number,
    ask: (count: number) => Promise<QueueMessage[]>,
  ): Promise<{ messages: QueueMessage[]; isFull: boolean }> {
    while (this.#since.size + this.#asked >= max && !this.#signal.aborted)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    const count = Math.max(1, Math.min(messagesAtOnce, max - this.#since.size - this.#asked))
    this.#asked += count
    try {
      const messages = await ask(count)
      for (const message of messages) this.#since.set(message, this.#clock.monotonic())
      return { messages, isFull: messages.length === count }
    } finally {
      this.#asked -= count
      this.#wake()
    }
  }

  /** Left alone: it comes again when it is no longer hidden. */
  drop(message: QueueMessage): void {
    this.#since.delete(message)
    this.#wake()
  }

  giveBack(message: QueueMessage, laterMs: number): void {
    this.drop(message)
    void this.#queue.hide([message], laterMs, this.#signal).catch(() => {})
  }

  remove(message: QueueMessage): void {
    this.drop(message)
    this.#done.push(message)
    if (this.#done.length >= messagesAtOnce) this.#removeNow()
    else this.#cancelRemoval ??= this.#clock.timer(removeWithinMs, () => this.#removeNow())
  }

  /** Keeps what is in hand hidden, until the signal; then gives it back at once, removes what is done, and resolves. */
  async run(): Promise<void> {
    const everyMs = this.#hideMs / 3
    while (!this.#signal.aborted) {
      await this.#clock.sleep(everyMs, this.#signal).catch(() => {})
      const nowMs = this.#clock.monotonic()
      const due = [...this.#since].filter(([, sinceMs]) => nowMs - sinceMs >= everyMs && nowMs - sinceMs < heldMaxMs)
      for (let at = 0; at < due.length && !this.#signal.aborted; at += messagesAtOnce) {
        const some = due.slice(at, at + messagesAtOnce).map(([message]) => message)
        await this.#queue.hide(some, this.#hideMs, this.#signal).catch(() => {})
      }
    }
    this.#wake()
    const late = new AbortController()
    const cancel = this.#clock.timer(partingMs, () => late.abort())
    const left = [...this.#since.keys()]
    const givenBack: Promise<void>[] = []
    for (let at = 0; at < left.length; at += messagesAtOnce)
      givenBack.push(this.#queue.hide(left.slice(at, at + messagesAtOnce), 0, late.signal).catch(() => {}))
    await Promise.all([...givenBack, this.#removeNow(late.signal)])
    cancel()
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #removeNow(signal?: AbortSignal): Promise<void> {
    this.#cancelRemoval?.()
    this.#cancelRemoval = undefined
    const done = this.#done.splice(0)
    return done.length === 0 ? Promise.resolve() : this.#queue.remove(done, signal).catch(() => {})
  }
}
