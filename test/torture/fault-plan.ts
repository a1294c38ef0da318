import type { SeededRandom } from '../support/seeded-random.ts'

/**
 * What the proxy does to a request instead of passing it on:
 * - `throttled`   503 SlowDown, the store never hears of it
 * - `error-after` the store acts, the client gets a 500
 * - `answer-lost` the store acts, the connection is cut instead of an answer
 * - `request-lost` the connection is cut, the store never hears of it
 * - `slow`        waits up to two seconds, then passes it on
 * - `hang`        never answers (the client's own timeout ends it), the store never hears of it
 * - `cut-upload`  the store gets half of the body, then both connections are cut
 * - `cut-answer`  the store acts, the client gets half of the answer's body
 * - `late`        the connection is cut; the store gets the PUT later, when its sender has long given up or died
 * - `again`       passed on as it is; later the store gets the same PUT a second time
 */
export const faultKinds = [
  'throttled',
  'error-after',
  'answer-lost',
  'request-lost',
  'slow',
  'hang',
  'cut-upload',
  'cut-answer',
  'late',
  'again',
] as const
export type FaultKind = (typeof faultKinds)[number]

export type RequestKind = 'PUT' | 'GET' | 'LIST' | 'other'

export type Rates = Readonly<Partial<Record<FaultKind, number>>>

/** About a third of all requests, in fair weather and foul together. */
export const fullRates: Rates = {
  throttled: 0.08,
  'error-after': 0.05,
  'answer-lost': 0.06,
  'request-lost': 0.03,
  slow: 0.06,
  hang: 0.002,
  'cut-upload': 0.02,
  'cut-answer': 0.03,
  late: 0.03,
  again: 0.05,
}

const onlyFor: Partial<Record<FaultKind, readonly RequestKind[]>> = {
  'cut-upload': ['PUT'],
  'cut-answer': ['GET', 'LIST'],
  late: ['PUT'],
  again: ['PUT'],
}

interface Weather {
  name: 'fair' | 'storm' | 'outage'
  factor: number
  endMs: number
}

export interface PlanOptions {
  /** How late a late request may be. */
  lateMsMax: number
  now: () => number
  /** No weather: the rates as they are. */
  isSteady?: boolean
}

/** Chooses a fault for each request. Weather changes every few seconds: fair, a storm, or nothing answers at all. */
export class FaultPlan {
  readonly #random: SeededRandom
  readonly #rates: Rates
  readonly #now: () => number
  readonly #lateMsMax: number
  #weather: Weather
  outages = 0
  readonly #isSteady: boolean

  constructor(random: SeededRandom, rates: Rates, options: PlanOptions) {
    this.#random = random
    this.#rates = rates
    this.#now = options.now
    this.#lateMsMax = options.lateMsMax
    this.#isSteady = options.isSteady ?? false
    this.#weather = { name: 'fair', factor: this.#isSteady ? 1 : 0.5, endMs: this.#now() + 3_000 }
  }

  next(kind: RequestKind): FaultKind | undefined {
    this.#turn()
    if (this.#weather.name === 'outage') return this.#random.chance(0.5) ? 'throttled' : 'request-lost'
    let left = this.#random.next()
    for (const fault of faultKinds) {
      if (onlyFor[fault]?.includes(kind) === false) continue
      left -= (this.#rates[fault] ?? 0) * this.#weather.factor
      if (left < 0) return fault
    }
    return undefined
  }

  slowMs(): number {
    return this.#random.int(20, 2_000)
  }

  /** Seconds, and now and then minutes: from when its sender retries to when it is forgotten. */
  lateMs(): number {
    const least = 300
    return Math.round(least * (Math.max(least, this.#lateMsMax) / least) ** this.#random.next())
  }

  #turn(): void {
    if (this.#isSteady || this.#now() < this.#weather.endMs) return
    const at = this.#random.next()
    const seconds = this.#random.int(3, 12)
    if (at < 0.6) this.#weather = { name: 'fair', factor: 0.7, endMs: this.#now() + seconds * 1000 }
    else if (at < 0.9) this.#weather = { name: 'storm', factor: 1.7, endMs: this.#now() + seconds * 1000 }
    else {
      this.#weather = { name: 'outage', factor: 0, endMs: this.#now() + (seconds * 1000) / 3 }
      this.outages++
    }
  }
}
