import type { DestinationSettings } from '../../agent/destination.ts'
import { segmentBytes } from '../../agent/shipping/ship.ts'
import { RateLimit } from '../../agent/shipping/token-bucket.ts'
import type { AgentState } from '../../agent/state/state.ts'
import type { Clock } from '../../base/clock.ts'
import type { LogcaskError } from '../../base/errors.ts'
import { type Meter, meteredBucket } from '../../bucket/metered.ts'
import { probe, requirePassed } from '../../bucket/probe.ts'
import { retryingReads } from '../../bucket/retrying-reads.ts'
import type { Budget } from '../../config/agent-config.ts'
import type { StoreSettings } from '../../config/store-settings.ts'
import { smallSegments } from '../validate/cost.ts'
import { encryptionOf, openBucket, storeWords } from './open-bucket.ts'

export interface AgentDestination extends StoreSettings {
  name: string
  url: string
  rate?: number | undefined
  budget: Budget
}

/** What all destinations together may hold in memory; less would slow a distant store, more breaks the 150 MB promise. */
const bytesInFlightMax = 24 * 1024 * 1024
const bytesInFlightOf = (destinations: number): number => Math.floor(bytesInFlightMax / destinations)
/** Each request costs time and money, whatever it carries; larger ones would have to be sent again whole too often. */
const segmentBytesMost = 8 * 1024 * 1024

/**
 * Bytes of the segments that an agent cuts which has so many destinations: large, and still two in flight to each, so that
 * one is read and hashed while the other is on its way.
 */
export function segmentBytesFor(destinations: number): number {
  return Math.max(segmentBytes, Math.min(segmentBytesMost, bytesInFlightOf(destinations) / 2))
}

/** The stores of an agent, behind meters, each admitted by the probe before its first byte. */
export class DestinationSet {
  readonly meters = new Map<string, Meter>()
  /** By destination: what last stood in the way of a read, whether or not it has gone since. */
  readonly troubles = new Map<string, LogcaskError>()
  readonly #state: AgentState
  readonly #clock: Clock
  readonly #warn: (place: string, message: string, hint: string | undefined) => void
  /** What each was made of, as text. */
  #made = new Map<string, Made>()
  #total: { rate: number; limit: RateLimit } | undefined

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
    const bytesEach = bytesInFlightOf(wanted.length)
    // Those that stay as they were share it with those that come: two limits would let twice as much through.
    const total = this.#total?.rate === totalRate ? this.#total : this.#limit(totalRate)
    const made = new Map<string, Made>()
    try {
      for (const one of wanted) {
        const text = JSON.stringify({ one, totalRate, bytesEach })
        made.set(text, this.#made.get(text) ?? (await this.#open(one, total?.limit, bytesEach)))
      }
    } catch (error) {
      await closeAll(notIn(made, this.#made))
      throw error
    }
    const left = notIn(this.#made, made)
    this.#made = made
    this.#total = total
    this.meters.clear()
    for (const { settings, meter } of made.values()) this.meters.set(settings.name, meter)
    return { destinations: [...made.values()].map(({ settings }) => settings), closeLeft: () => closeAll(left) }
  }

  async close(): Promise<void> {
    await closeAll([...this.#made.values()])
  }

  #limit(rate: number | undefined): { rate: number; limit: RateLimit } | undefined {
    return rate === undefined ? undefined : { rate, limit: new RateLimit(rate, this.#clock) }
  }

  async #open(
    { name, url, rate, budget, ...store }: AgentDestination,
    totalRate: RateLimit | undefined,
    bytesEach: number,
  ): Promise<Made> {
    const state = this.#state
    const clock = this.#clock
    const opened = await openBucket(url, store, 'write', clock, {
      create: !state.hasUsed(url),
      warn: ({ message, hint }) => this.#warn(name, message, hint),
    })
    const { bucket: metered, meter } = meteredBucket(opened)
    // A listing and the tails of a chain are hundreds of requests that count as one: each is asked again by itself, or a
    // store that loses a third of its answers would never give them all.
    const bucket = retryingReads(metered, clock, (error) => this.troubles.set(name, error))
    const settings: DestinationSettings = {
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
    return { settings, meter }
  }
}

interface Made {
  settings: DestinationSettings
  meter: Meter
}

function notIn(some: ReadonlyMap<string, Made>, others: ReadonlyMap<string, Made>): Made[] {
  return [...some].flatMap(([text, one]) => (others.has(text) ? [] : [one]))
}

async function closeAll(made: readonly Made[]): Promise<void> {
  for (const { settings } of made) await settings.bucket.close()
}
