import { isCode, LogcaskError, messageOf } from '../base/errors.ts'
import type { AgentContext } from './context.ts'
import { deliverStep } from './deliver.ts'
import { Destination, type DestinationSettings } from './destination.ts'
import { Catalogue } from './identity/catalogue.ts'
import type { Delivery, Life } from './life.ts'
import { destinationProblem } from './problem-code.ts'
import { Pace } from './shipping/pace.ts'

/** Lives that are worked on at once; their requests are bounded by the destination. */
const livesMax = 32
/** A life that waits for another is looked at again after this, whatever becomes of the other. */
const waitMs = 5_000

/** Carries every life that is routed to it to one destination, each at its own pace. */
export class Courier {
  readonly destination: Destination
  readonly pace: Pace
  readonly #context: AgentContext
  readonly #stop = new AbortController()
  readonly #queue = new Set<Life>()
  readonly #running = new Map<Life, Promise<void>>()
  readonly #again = new Set<Life>()
  /** Life → those that can only go on when it was worked on. */
  readonly #waiting = new Map<Life, Set<Life>>()
  #catalogue: Promise<Catalogue> | undefined

  constructor(context: AgentContext, settings: DestinationSettings) {
    // The context is the agent's own, and what it knows is shared; only the end of its work may come earlier here.
    this.#context = Object.create(context, {
      signal: { value: AbortSignal.any([context.signal, this.#stop.signal]) },
    }) as AgentContext
    this.destination = new Destination(settings, context.clock)
    this.pace = new Pace(context.clock, settings.budget, settings.totalBudget)
    this.destination.onHealth = (health) => {
      if ('problem' in health)
        context.report({
          kind: 'problem',
          code: destinationProblem(health.problem),
          place: settings.name,
          message: health.problem.message,
          hint: health.problem.hint,
        })
    }
  }

  get name(): string {
    return this.destination.name
  }

  get isIdle(): boolean {
    return this.#queue.size === 0 && this.#running.size === 0
  }

  delivery(life: Life): Delivery | undefined {
    return life.deliveries.get(this.name)
  }

  /** Works on the life's delivery until nothing more can be done for now. Cheap where it is at work already. */
  wake(life: Life): void {
    if (!life.deliveries.has(this.name)) return
    if (this.#running.has(life)) this.#again.add(life)
    else this.#queue.add(life)
    this.#start()
  }

  /** `life` is looked at again once `other` was worked on here; or after a while, should it never be. */
  waitFor(life: Life, other: Life): void {
    const waiters = this.#waiting.get(other) ?? new Set<Life>()
    this.#waiting.set(other, waiters.add(life))
    this.#context.lookAfter(life, waitMs)
  }

  /** A life's work at this destination is over, or was never begun. */
  isAtWork(life: Life): boolean {
    return this.#running.has(life) || this.#queue.has(life)
  }

  /** Loaded once, at the first file that the checkpoint does not know. */
  catalogue(): Promise<Catalogue> {
    const { signal, settings } = this.#context
    this.#catalogue ??= this.destination.request(
      (inner) => Catalogue.load(this.destination.bucket, settings.host, inner),
      signal,
    )
    return this.#catalogue
  }

  /** Names only what was loaded or done so far; undefined where nothing was loaded. */
  get knownCatalogue(): Promise<Catalogue> | undefined {
    return this.#catalogue
  }

  /** Asks for admission; resolves when it was given, or the courier stopped. */
  run(): Promise<void> {
    return this.destination.run(this.#context.signal)
  }

  /** Nothing goes there any more. Resolves when everything that was at work has stopped. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the configuration changed'))
    await this.settled()
  }

  /** Ends when everything that is at work has stopped. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running.values())
  }

  #start(): void {
    for (const life of this.#queue) {
      if (this.#running.size >= livesMax || this.#context.signal.aborted) return
      this.#queue.delete(life)
      const work = this.#deliver(life).finally(() => {
        this.#running.delete(life)
        this.#release(life)
        if (this.#again.delete(life)) this.#queue.add(life)
        this.#start()
        this.#context.worked(life)
      })
      this.#running.set(life, work)
    }
  }

  async #deliver(life: Life): Promise<void> {
    const delivery = life.deliveries.get(this.name)
    if (delivery === undefined) return
    const { signal } = this.#context
    const { file } = life
    try {
      await this.destination.ready(signal)
      while (!signal.aborted && (await deliverStep(this.#context, this, life, delivery))) {
        this.#again.delete(life)
        this.#release(life)
      }
    } catch (error) {
      // Closed under way, because another file needed the descriptor (turns.ts): it is taken up again once it is open.
      const isSetAside = file !== undefined && life.file !== file && !life.ended
      if (signal.aborted || isSetAside) return
      this.#failed(life, delivery, error)
    }
  }

  #release(life: Life): void {
    const waiters = this.#waiting.get(life)
    this.#waiting.delete(life)
    for (const waiter of waiters ?? []) this.wake(waiter)
  }

  /** An error of one life never stops another; it is tried again. */
  #failed(life: Life, delivery: Delivery, error: unknown): void {
    const problem =
      error instanceof LogcaskError ? error : new LogcaskError('internal', messageOf(error), { cause: error })
    delivery.waitingFor = problem.message
    this.#context.report({
      kind: 'problem',
      code: 'stream-failed',
      place: `${life.path} → ${this.name}`,
      life,
      message: problem.message,
      hint: problem.hint,
    })
    if (!isCode(error, 'invalid', 'corrupt')) this.#context.lookAfter(life, 5_000)
  }
}
