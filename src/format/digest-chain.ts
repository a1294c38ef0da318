import type { Digest } from './digest.ts'
import { hourMs, hourOf, hourStart } from './keys.ts'

/** A digest as it lies in a bucket. */
export interface StoredDigest {
  hour: string
  agent: string
  /** SHA-256 (hex) of its bytes. */
  sha256: string
  /** Undefined where it cannot be read: what it says of its predecessor is lost, and it vouches for nothing. */
  digest: Digest | undefined
}

export interface DigestFindings {
  /** Hours, from the host's first digest to `untilMs`, of which no agent wrote one: it was off, or could not deliver. */
  silentHours: string[]
  /**
   * Digests that cannot be read, or whose predecessor is not the one that they name: one was taken away, added or
   * exchanged, or the bucket was restored.
   */
  broken: { hour: string; agent: string; why: 'unreadable' | 'other predecessor' | 'predecessor missing' }[]
  /** Hours in which several agents wrote for this host: a state directory that was made anew, a clone, or two at once. */
  severalAgents: { hour: string; agents: string[] }[]
}

/**
 * What the digests of one host say of it; pure. The order of `digests` does not matter. An agent that lost its state has
 * another id, and begins a chain of its own: that is no break.
 */
export function checkDigests(digests: readonly StoredDigest[], untilMs: number): DigestFindings {
  const sorted = [...digests].sort((a, b) => (a.hour < b.hour ? -1 : a.hour > b.hour ? 1 : a.agent < b.agent ? -1 : 1))
  return {
    silentHours: silentHours(new Set(sorted.map(({ hour }) => hour)), sorted[0]?.hour, untilMs),
    broken: brokenLinks(sorted),
    severalAgents: severalAgents(sorted),
  }
}

/** The hour that `untilMs` is in is not over: it may have its digest yet. */
function silentHours(known: ReadonlySet<string>, first: string | undefined, untilMs: number): string[] {
  if (first === undefined) return []
  const silent: string[] = []
  for (let ms = hourStart(first); ms + hourMs <= untilMs; ms += hourMs) {
    const hour = hourOf(ms)
    if (!known.has(hour)) silent.push(hour)
  }
  return silent
}

function brokenLinks(sorted: readonly StoredDigest[]): DigestFindings['broken'] {
  const walk = new DigestWalk()
  return sorted.flatMap((one) => walk.add(one) ?? [])
}

/** Agents whose last digest is remembered: one that wrote longest ago is forgotten, and begins anew. */
const agentsMax = 10_000
/** Told one by one; a host that writes nonsense does not fill our memory with what there is to say of it. */
const findingsMax = 1_000

/** The same for any number of digests, given in the order of their hours: memory holds one hash for each agent. */
export class DigestWalk {
  digests = 0
  /** Stretches of hours without any, first and last of each. */
  readonly silent: { from: string; to: string; hours: number }[] = []
  /** In stretches that are not told one by one. */
  moreSilentHours = 0
  readonly broken: DigestFindings['broken'] = []
  moreBroken = 0
  readonly #last = new Map<string, string>()
  #lastHourMs: number | undefined

  /** Answers what is wrong with its link to the one before. */
  add({ hour, agent, sha256, digest }: StoredDigest): DigestFindings['broken'][number] | undefined {
    this.digests++
    const ms = hourStart(hour)
    this.#silence(ms)
    this.#lastHourMs = ms
    const before = this.#last.get(agent)
    this.#last.delete(agent)
    this.#last.set(agent, sha256)
    const [oldest] = this.#last.keys()
    if (this.#last.size > agentsMax && oldest !== undefined) this.#last.delete(oldest)
    if (digest !== undefined && digest.previous === before) return undefined
    const why = digest === undefined ? 'unreadable' : before === undefined ? 'predecessor missing' : 'other predecessor'
    if (this.broken.length < findingsMax) this.broken.push({ hour, agent, why })
    else this.moreBroken++
    return { hour, agent, why }
  }

  /** The hour that `untilMs` is in is not over: it may have its digest yet. */
  finish(untilMs: number): void {
    this.#silence(untilMs - (untilMs % hourMs))
  }

  /** The hours between the last digest and the one of `ms`. */
  #silence(ms: number): void {
    if (this.#lastHourMs === undefined) return
    const from = this.#lastHourMs + hourMs
    const hours = (ms - from) / hourMs
    if (hours <= 0) return
    if (this.silent.length < findingsMax) this.silent.push({ from: hourOf(from), to: hourOf(ms - hourMs), hours })
    else this.moreSilentHours += hours
  }
}

function severalAgents(sorted: readonly StoredDigest[]): DigestFindings['severalAgents'] {
  const byHour = Map.groupBy(sorted, ({ hour }) => hour)
  return [...byHour].flatMap(([hour, found]) =>
    found.length > 1 ? [{ hour, agents: found.map(({ agent }) => agent) }] : [],
  )
}
