import type { OtherReaders } from './other-readers.ts'
import { isSound, type Verdict } from './verdict.ts'

/** Everything that was counted. */
export interface TortureOutcome {
  isSound: boolean
  url: string
  seed: number
  /** Logs, states, messages and the oracle's records; undefined: removed, all was well. */
  directory: string | undefined
  seconds: number
  hosts: number
  writtenBytes: number
  writtenLines: number
  files: number
  verdict: Verdict
  sightings: { objects: number; rewritten: readonly string[]; vanished: readonly string[] }
  rotations: ReadonlyMap<string, number>
  kills: { agents: number; statesDeleted: number; frozen: number; compactors: number }
  readers: OtherReaders
  /** Undefined: no proxy was there. */
  proxy: ProxyCounts | undefined
  /** Processes that ended without being killed, or not as they should. */
  problems: readonly string[]
}

export interface ProxyCounts {
  requests: ReadonlyMap<string, number>
  faults: ReadonlyMap<string, number>
  /** Status → PUTs that the store got when their sender had long given up. */
  lateAnswers: ReadonlyMap<number, number>
  outages: number
}

/** Zero lost, doubled and rewritten, and nothing else that a user would have to explain. */
export function isOutcomeSound(outcome: Omit<TortureOutcome, 'isSound'>): boolean {
  const { verdict, sightings, readers, problems } = outcome
  const troubles =
    sightings.rewritten.length +
    sightings.vanished.length +
    readers.published.differing +
    readers.cat.differing +
    readers.problems.length +
    problems.length
  return isSound(verdict) && troubles === 0
}

export function sum(numbers: Iterable<number>): number {
  let total = 0
  for (const one of numbers) total += one
  return total
}

/** Counts by name, over all of them. */
export function addUp<K>(all: Iterable<ReadonlyMap<K, number>>): Map<K, number> {
  const total = new Map<K, number>()
  for (const one of all) for (const [key, number] of one) total.set(key, (total.get(key) ?? 0) + number)
  return total
}
