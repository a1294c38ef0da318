import { createLimiter, type Limiter } from '../../base/concurrency.ts'
import { LogcaskError } from '../../base/errors.ts'
import { type HostHints, type HostLook, mergeHints, type StreamHint } from './hint.ts'

/** Looks because of messages that go on at once: a look is little but latency. */
const looksAtOnce = 64
/** Looks kept with what they know of their hosts, so that what fails is asked for ever more rarely. Others begin anew. */
const looksMax = 1000

interface Waiting {
  hint: StreamHint
  done: PromiseWithResolvers<void>
}

/**
 * Hosts have their turns: at most one look at each at any time, whoever asks. What is hinted at while a look goes on is
 * merged, and looked at next. With `isByStream` only the hinted looks at a stream do: where nobody minds who else is at
 * work, a long stream holds up no other one.
 */
export class HostTurns {
  readonly #follow: (host: string) => HostLook
  readonly #isByStream: boolean
  readonly #limiter: Limiter = createLimiter(looksAtOnce)
  readonly #waiting = new Map<string, Map<string, Waiting>>()
  readonly #turns = new Map<string, Promise<void>>()
  readonly #looks = new Map<string, HostLook>()

  constructor(follow: (host: string) => HostLook, isByStream: boolean) {
    this.#follow = follow
    this.#isByStream = isByStream
  }

  /** Alone with this host (or stream). Settles as `work` does. */
  async run<T>(turn: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(turn)
    const mine = Promise.withResolvers<void>()
    this.#turns.set(turn, mine.promise)
    await before
    try {
      return await work()
    } finally {
      if (this.#turns.get(turn) === mine.promise) this.#turns.delete(turn)
      mine.resolve()
    }
  }

  /** Resolves once the stream was looked at, from now on; rejects where that failed. */
  hint(host: string, stream: string, hint: StreamHint): Promise<void> {
    const turn = this.#isByStream ? `${host} ${stream}` : host
    const known = this.#waiting.get(turn)
    const streams = known ?? new Map<string, Waiting>()
    const waiting = streams.get(stream)
    const { promise, ...settle } = waiting?.done ?? Promise.withResolvers<void>()
    streams.set(stream, { hint: mergeHints(waiting?.hint, hint), done: { promise, ...settle } })
    if (known === undefined) {
      this.#waiting.set(turn, streams)
      // Never rejects: each stream hears of its own.
      void this.run(turn, () => this.#limiter(() => this.#lookAt(host, turn)))
    }
    return promise
  }

  /** Resolves when nobody has a turn, or waits for one. */
  async settled(): Promise<void> {
    while (this.#turns.size > 0) await Promise.all(this.#turns.values())
  }

  /** Looks that will be made begin with nothing known: a listing of everything has replaced it. */
  forget(): void {
    this.#looks.clear()
  }

  async #lookAt(host: string, turn: string): Promise<void> {
    const waiting = this.#waiting.get(turn) ?? new Map<string, Waiting>()
    this.#waiting.delete(turn)
    const hints: HostHints = new Map([...waiting].map(([stream, { hint }]) => [stream, hint]))
    try {
      const { unfinished } = await this.#lookOf(host)(hints)
      for (const [stream, { done }] of waiting) {
        if (unfinished.has(stream)) done.reject(notDone(host, stream))
        else done.resolve()
      }
    } catch (error) {
      for (const { done } of waiting.values()) done.reject(error)
    }
  }

  #lookOf(host: string): HostLook {
    const look = this.#looks.get(host) ?? this.#follow(host)
    // The one that was used last goes last.
    this.#looks.delete(host)
    this.#looks.set(host, look)
    const [oldest] = this.#looks.keys()
    if (this.#looks.size > looksMax && oldest !== undefined) this.#looks.delete(oldest)
    return look
  }
}

function notDone(host: string, stream: string): LogcaskError {
  return new LogcaskError('unavailable', `${host} ${stream}: could not be done yet`, { hint: 'it is tried again' })
}
