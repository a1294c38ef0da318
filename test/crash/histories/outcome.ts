import type { Comparison } from '../../scenarios/stored-content.ts'
import type { Site } from '../site.ts'

/** What one history of crashes came to. */
export interface Outcome {
  kills: number
  /** Of them, with the state directory deleted afterwards. */
  statesDeleted: number
  /** Named points that were hit, as `fsync store`, each with how often. */
  hits: Map<string, number>
  /** What the files hold at the end. */
  fileBytes: number
  /** By store, and of what was published. */
  comparisons: Map<string, Comparison>
  rewritten: string[]
  /** Forks and gaps that were told, of which a kill gives no reason. */
  told: string[]
}

/** Kills so far, while a history goes on. */
export class Account {
  kills = 0
  statesDeleted = 0
  readonly hits = new Map<string, number>()
  readonly told: string[] = []

  add({ isKilled, hit, stderr }: { isKilled: boolean; hit: string | undefined; stderr: string }): void {
    if (isKilled) this.kills++
    if (isKilled && hit !== undefined) this.hits.set(hit, (this.hits.get(hit) ?? 0) + 1)
    this.heard(stderr)
  }

  /** Of what a command said, the lines that a kill is no reason for. */
  heard(stderr: string): void {
    this.told.push(...stderr.split('\n').filter((line) => /"forked"|"gap"|\bforked\b|\bgap\b/.test(line)))
  }

  outcome(site: Site, files: ReadonlyMap<string, Uint8Array>, comparisons: Map<string, Comparison>): Outcome {
    const { kills, statesDeleted, hits, told } = this
    const fileBytes = [...files.values()].reduce((sum, bytes) => sum + bytes.byteLength, 0)
    return { kills, statesDeleted, hits, fileBytes, comparisons, rewritten: site.rewritten, told }
  }
}

/** What is wrong with an outcome, in words; empty: nothing. */
export function wrongsOf({ comparisons, rewritten, told }: Outcome): string[] {
  const wrongs = [...comparisons].flatMap(([store, { lost, doubled, different }]) =>
    lost + doubled + different.length === 0
      ? []
      : [`${store}: ${lost} bytes lost, ${doubled} doubled, different: ${different.join(', ') || 'none'}`],
  )
  return [...wrongs, ...rewritten.map((key) => `rewritten: ${key}`), ...told]
}
