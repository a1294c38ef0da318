import type { Outcome } from './histories/outcome.ts'

const numbers = ['runs', 'kills', 'named', 'MB', 'lost', 'doubled', 'rewritten', 'forks'] as const

export const head = row('mode', numbers)

/** One line of the table: all runs of a mode. Bytes are those of the files; each was looked for in every store. */
export function lineOf(name: string, outcomes: readonly Outcome[]): string {
  const sum = (of: (outcome: Outcome) => number): number => outcomes.reduce((total, one) => total + of(one), 0)
  const compared = (of: 'lost' | 'doubled'): number =>
    sum(({ comparisons }) => [...comparisons.values()].reduce((total, one) => total + one[of], 0))
  return row(name, [
    outcomes.length,
    sum(({ kills }) => kills),
    sum(({ hits }) => [...hits.values()].reduce((total, count) => total + count, 0)),
    (sum(({ fileBytes }) => fileBytes) / 1e6).toFixed(1),
    compared('lost'),
    compared('doubled'),
    sum(({ rewritten }) => rewritten.length),
    sum(({ told }) => told.length),
  ])
}

/** Which system calls were never made because the process died on them, and how often. */
export function hitsOf(outcomes: readonly Outcome[]): string {
  const counts = new Map<string, number>()
  for (const { hits } of outcomes) for (const [hit, count] of hits) counts.set(hit, (counts.get(hit) ?? 0) + count)
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([hit, count]) => `${hit} ${count}`)
    .join(' · ')
}

function row(name: string, cells: readonly (string | number)[]): string {
  return name.padEnd(28) + cells.map((cell) => String(cell).padStart(10)).join('')
}
