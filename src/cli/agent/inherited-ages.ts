import type { Life } from '../../agent/life.ts'
import type { StatusRecord } from './agent-status.ts'

/**
 * Since when destinations have missed something, as the agent before this one said: an agent that is restarted over and
 * over does not make an old backlog young. It holds until a destination has all that was here at the start.
 */
export class InheritedAges {
  /** By destination, on the monotonic clock. */
  readonly #sinceMs = new Map<string, number>()
  /** By destination: what was behind when all was first looked at, and how long it was. */
  readonly #behind = new Map<string, Map<Life, number>>()

  /** `now` on both clocks, in milliseconds. What an agent said that stood still long ago counts from when it said it. */
  take(status: Pick<StatusRecord, 'updatedAt' | 'destinations'>, now: { wallMs: number; monotonicMs: number }): void {
    const saidAtMs = Date.parse(status.updatedAt)
    for (const { name, behindBytes, oldestSeconds } of status.destinations) {
      const ageMs = now.wallMs - (saidAtMs - oldestSeconds * 1000)
      if (behindBytes > 0 && ageMs > 0) this.#sinceMs.set(name, now.monotonicMs - ageMs)
    }
  }

  /** For one destination; `isExplored`: all files that are here are among `lives`. */
  sinceMs(name: string, lives: Iterable<Life>, isExplored: boolean): number | undefined {
    const sinceMs = this.#sinceMs.get(name)
    if (sinceMs === undefined || !isExplored) return sinceMs
    const behind = this.#behind.get(name) ?? new Map([...lives].map((life) => [life, life.size]))
    this.#behind.set(name, behind)
    for (const [life, size] of behind) {
      const acked = life.deliveries.get(name)?.acked.offset ?? size
      if (acked >= size || life.ended) behind.delete(life)
    }
    if (behind.size > 0) return sinceMs
    this.#sinceMs.delete(name)
    this.#behind.delete(name)
    return undefined
  }
}
