/**
 * The port to what carries messages about a bucket: at least once, in any order, and maybe never. A message that was
 * received is hidden from others for a while, and comes again unless it is deleted.
 *
 * Every method rejects as a Bucket's do: `unavailable` where nobody knows (ask again), `refused` where the queue is gone
 * or says no until somebody acts. An aborted `signal` rejects with its reason.
 */
export interface MessageQueue {
  /** For people: where this is, without credentials. */
  readonly url: string
  /** Up to `max` messages (ten at most), hidden for `hideMs`; waits up to `waitMs` for the first. None is an empty list. */
  receive(options: ReceiveOptions): Promise<QueueMessage[]>
  /** Hides messages that were received for `hideMs` from now on, at most ten at once; one that is gone is left alone. */
  hide(messages: readonly QueueMessage[], hideMs: number, signal?: AbortSignal): Promise<void>
  /** They are done, at most ten at once; one that is gone is left alone. */
  remove(messages: readonly QueueMessage[], signal?: AbortSignal): Promise<void>
  /** Whether what is received too often is kept elsewhere (a dead-letter queue), as far as may be known. */
  keepsPoison(signal?: AbortSignal): Promise<boolean>
  close(): Promise<void>
}

export interface ReceiveOptions {
  max: number
  waitMs: number
  hideMs: number
  signal?: AbortSignal | undefined
}

export interface QueueMessage {
  /** Names this receipt. */
  receipt: string
  body: string
  /** How often it was received, this time included. */
  receives: number
}

/** What SQS gives, hides or deletes in one request. */
export const messagesAtOnce = 10
