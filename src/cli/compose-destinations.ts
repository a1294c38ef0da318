import type { DestinationSettings } from '../agent/destination.ts'
import { RateLimit } from '../agent/shipping/token-bucket.ts'
import type { AgentState } from '../agent/state/state.ts'
import type { Clock } from '../base/clock.ts'
import type { LogcaskError } from '../base/errors.ts'
import { type Meter, meteredBucket } from '../bucket/metered.ts'
import { probe, requirePassed } from '../bucket/probe.ts'
import { retryingReads } from '../bucket/retrying-reads.ts'
import type { Budget } from '../config/agent-config.ts'
import { smallSegments } from './cost.ts'
import { encryptionOf, openBucket, type StoreSettings, storeWords } from './open-bucket.ts'

export interface AgentDestination extends StoreSettings {
  name: string
  url: string
  rate?: number | undefined
  budget: Budget
}

/** What all destinations together may hold in memory; less would slow a distant store, more breaks the 150 MB promise. */
const bytesInFlightMax = 24 * 1024 * 1024
const perDestinationMax = 16 * 1024 * 1024

/** The stores of an agent, behind meters, each admitted by the probe before its first byte. */
export class DestinationSet {
  readonly meters = new Map<string, Meter>()
  /** By destination: what last stood in the way of a read, whether or not it has gone since. */
  readonly troubles = new Map<string, LogcaskError>()
  readonly #state: AgentState
  readonly #clock: Clock
  readonly #warn: (place: string, message: string, hint: string | undefined) => void
  /** What each was made of, as text. */
  #made = new Map<string, DestinationSettings>()

  constructor(
    state: AgentState,
    clock: Clock,
    warn: (place: string, message: string, hint: string | undefined) => void,
  ) {
    this.#state = state
    this.#clock = clock
    this.#warn = warn
  }

  /**
   * Components for these settings; where a destination is as it was, the very same. `totalRate`: bytes per second of all
   * together. Rejects, with nothing changed, where one cannot be made. `closeLeft` ends those that are not among them.
   */
  async make(
    wanted: readonly AgentDestination[],
    totalRate: number | undefined,
  ): Promise<{ destinations: DestinationSettings[]; closeLeft: () => Promise<void> }> {
    const bytesEach = Math.min(perDestinationMax, Math.floor(bytesInFlightMax / wanted.length))
    const limit = totalRate === undefined ? undefined : new RateLimit(totalRate, this.#clock)
    const made = new Map<string, DestinationSettings>()
    try {
      for (const one of wanted) {
        const text = JSON.stringify({ one, totalRate, bytesEach })
        made.set(text, this.#made.get(text) ?? (await this.#open(one, limit, bytesEach)))
      }
    } catch (error) {
      await closeAll([...made.values()].filter((one) => ![...this.#made.values()].includes(one)))
      throw error
    }
    const left = [...this.#made].flatMap(([text, one]) => (made.has(text) ? [] : [one]))
    this.#made = made
    return { destinations: [...made.values()], closeLeft: () => closeAll(left) }
  }

  async close(): Promise<void> {
    await closeAll([...this.#made.values()])
  }

  async #open(
    { name, url, rate, budget, ...store }: AgentDestination,
    totalRate: RateLimit | undefined,
    bytesEach: number,
  ): Promise<DestinationSettings> {
    const state = this.#state
    const clock = this.#clock
    const opened = await openBucket(url, store, 'write', clock, {
      create: !state.hasUsed(url),
      warn: ({ message, hint }) => this.#warn(name, message, hint),
    })
    const { bucket: metered, meter } = meteredBucket(opened)
    this.meters.set(name, meter)
    // A listing and the tails of a chain are hundreds of requests that count as one: each is asked again by itself, or a
    // store that loses a third of its answers would never give them all.
    const bucket = retryingReads(metered, clock, (error) => this.troubles.set(name, error))
    return {
      name,
      bucket,
      rate,
      totalRate,
      budget: { capacity: budget.burst, perSecond: 1000 / budget.everyMs },
      totalBudget: budget.dollarsPerMonth === undefined ? undefined : smallSegments(budget.dollarsPerMonth),
      bytesInFlightMax: bytesEach,
      async admit(subject, signal) {
        const report = await probe(subject, { host: state.host, clock, signal, encryption: encryptionOf(store) })
        requirePassed(report, bucket.url, storeWords(url, store, name))
        await state.noteUse(url)
      },
    }
  }
}

async function closeAll(destinations: readonly DestinationSettings[]): Promise<void> {
  for (const { bucket } of destinations) await bucket.close()
}
