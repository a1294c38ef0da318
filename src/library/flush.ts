import type { Agent } from '../agent/agent.ts'
import { abortable } from '../agent/destination.ts'
import type { Life } from '../agent/life.ts'
import { isAcked } from '../agent/rest.ts'
import type { Clock } from '../base/clock.ts'
import { LogcaskError } from '../base/errors.ts'
import type { FlushOutcome } from './delivery-contract.ts'

/** A request on loopback takes less; asking costs nothing but a walk over what is late. */
const askEveryMs = 10

/** Delivery barriers over a running agent. While one is up, nothing waits for a budget. */
export class Flushes {
  readonly #agent: Agent
  readonly #clock: Clock
  readonly #look: (path: string) => void
  readonly #over: AbortSignal
  readonly #failure = new AbortController()
  #up = 0

  constructor(agent: Agent, clock: Clock, look: (path: string) => void, over: AbortSignal) {
    this.#agent = agent
    this.#clock = clock
    this.#look = look
    this.#over = over
  }

  /** The agent could not go on: all that wait learn why. */
  fail(error: unknown): void {
    this.#failure.abort(error)
  }

  /** `isLast`: who does not answer is not waited for. */
  async flush(options: {
    signal?: AbortSignal | undefined
    timeoutMs?: number | undefined
    isLast?: boolean
  }): Promise<FlushOutcome> {
    const end = new AbortController()
    const given = options.signal ? [options.signal] : []
    const signal = AbortSignal.any([this.#failure.signal, this.#over, end.signal, ...given])
    const cancel =
      options.timeoutMs === undefined
        ? () => {}
        : this.#clock.timer(options.timeoutMs, () => end.abort(this.#late(options.timeoutMs ?? 0)))
    this.#up++
    try {
      return await this.#wait(signal, options.isLast === true)
    } finally {
      cancel()
      this.#up--
      if (this.#up === 0) this.#agent.hurry(false)
    }
  }

  async #wait(signal: AbortSignal, isLast: boolean): Promise<FlushOutcome> {
    signal.throwIfAborted()
    // Before anything else happens: what is there now is what is waited for.
    const wanted = new Map<Life, Wanted>()
    for (const life of this.#agent.book.current.values()) wanted.set(life, want(life))
    await abortable(this.#agent.scanAgain(), signal)
    for (const life of this.#agent.book.current.values()) if (!wanted.has(life)) wanted.set(life, want(life))
    this.#agent.hurry()
    for (const { path } of wanted.keys()) this.#look(path)
    const left = new Map(wanted)
    for (;;) {
      for (const [life, one] of left) if (isOver(life, one)) left.delete(life)
      if (left.size === 0 || (isLast && this.#isDrained())) break
      await this.#clock.sleep(askEveryMs, signal)
    }
    const lossy = [...wanted].filter(([life, one]) => isLossy(life, one)).map(([life]) => life.path)
    return { status: lossy.length > 0 ? 'lossy' : 'delivered', files: wanted.size, lossy }
  }

  /** Whoever answers has all; the others have said that they do not. */
  #isDrained(): boolean {
    const couriers = [...this.#agent.couriers.values()]
    return this.#agent.isDrained && couriers.every(({ destination }) => destination.health.state !== 'probing')
  }

  #late(timeoutMs: number): LogcaskError {
    const behind = [...this.#agent.couriers.values()].filter(({ destination }) => destination.health.state !== 'ok')
    const names = behind.map(({ name, destination: { health } }) =>
      'problem' in health ? `${name}: ${health.problem.message}` : `${name} has not answered yet`,
    )
    const why = names.length === 0 ? '' : ` (${names.join('; ')})`
    return new LogcaskError('unavailable', `not all was delivered within ${timeoutMs} ms${why}`, {
      hint: 'nothing is lost: it is delivered when that is mended; wait longer, or look at status()',
    })
  }
}

/** A file at the call: its bytes, where they are known by then. */
interface Wanted {
  size: number | undefined
}

function want(life: Life): Wanted {
  return { size: isUnopened(life) ? undefined : (life.file?.stat().size ?? life.size) }
}

/** Its turn to be opened has not come yet: nobody knows what it holds. */
function isUnopened(life: Life): boolean {
  return life.file === undefined && life.stamp === ''
}

function isOver(life: Life, one: Wanted): boolean {
  if (life.ended) return [...life.deliveries.values()].every(({ hasGap }) => hasGap)
  if (one.size === undefined) {
    if (isUnopened(life)) return false
    one.size = life.file?.stat().size ?? life.size
  }
  // Until it was looked at since, what it had before proves nothing.
  if (life.size < one.size) return false
  return isAcked(life) || isPast(life, one.size)
}

/** A file that grows all the time is never all delivered; what it had then is. */
function isPast(life: Life, size: number): boolean {
  const end = life.withheld && !life.withheld.isForNow ? Math.min(size, life.withheld.from) : size
  return [...life.deliveries.values()].every(({ acked, stream }) => stream !== undefined && acked.offset >= end)
}

function isLossy(life: Life, { size = 0 }: Wanted): boolean {
  return life.ended !== undefined && [...life.deliveries.values()].some(({ acked }) => acked.offset < size)
}
