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
  const last = new Map<string, StoredDigest>()
  return sorted.flatMap((one): DigestFindings['broken'] => {
    const { hour, agent, digest } = one
    const before = last.get(agent)
    last.set(agent, one)
    if (digest === undefined) return [{ hour, agent, why: 'unreadable' }]
    if (digest.previous === before?.sha256) return []
    return [{ hour, agent, why: before === undefined ? 'predecessor missing' : 'other predecessor' }]
  })
}

function severalAgents(sorted: readonly StoredDigest[]): DigestFindings['severalAgents'] {
  const byHour = Map.groupBy(sorted, ({ hour }) => hour)
  return [...byHour].flatMap(([hour, found]) =>
    found.length > 1 ? [{ hour, agents: found.map(({ agent }) => agent) }] : [],
  )
}
