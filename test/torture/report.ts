import { formatBytes, formatCount } from '../../src/cli/terminal/units.ts'
import { sum, type TortureOutcome } from './outcome.ts'

const problemsShown = 10

/** What a person reads at the end. */
export function reportLines(outcome: TortureOutcome): string[] {
  const { verdict, kills, proxy, sightings, readers } = outcome
  const rows: [string, string][] = [
    [
      'written',
      `${bytesText(outcome.writtenBytes)} in ${formatCount(outcome.writtenLines)} lines, ${formatCount(outcome.files)} files, ${outcome.hosts} hosts, ${outcome.seconds} s`,
    ],
    [
      'read back',
      `${bytesText(verdict.bytes)} in ${formatCount(verdict.streams)} streams, ${formatCount(verdict.sealed)} of them sealed`,
    ],
    ['lost', `${bytesText(verdict.lostBytes)} (${formatCount(verdict.lostLines)} lines)`],
    ['doubled', `${bytesText(verdict.doubledBytes)} (${formatCount(verdict.doubledLines)} lines)`],
    ['rewritten', `${rewrittenCount(outcome)} of ${formatCount(sightings.objects)} objects`],
    ['foreign', `${bytesText(verdict.foreignBytes)} that nobody wrote`],
    ['forks', `${verdict.forks} · strays ${verdict.strays}`],
    ['gaps', countsText(verdict.gaps)],
    [
      'readers',
      `compact: ${formatCount(readers.published.files)} files, ${readers.published.differing} differ · cat: ${readers.cat.streams} streams, ${readers.cat.differing} differ`,
    ],
    ['rotations', countsText(outcome.rotations)],
    [
      'kills',
      `${kills.agents} of agents (${kills.statesDeleted} with the state deleted) · ${kills.compactors} of compactors · ${kills.frozen} after SIGSTOP`,
    ],
  ]
  if (proxy === undefined)
    rows.push(['faults', 'none: a file:// store has no proxy before it; kills and rotations only'])
  else
    rows.push(
      ['requests', `${formatCount(sum(proxy.requests.values()))}: ${countsText(proxy.requests)}`],
      ['faults', `${formatCount(sum(proxy.faults.values()))}: ${countsText(proxy.faults)} · outages ${proxy.outages}`],
      ['late PUTs', countsText(new Map([...proxy.lateAnswers].map(([status, times]) => [`HTTP ${status}`, times])))],
    )
  return ['', ...rows.map(([name, text]) => `${name.padEnd(10)} ${text}`), '', ...problemLines(outcome)]
}

/** One line. */
export function verdictText(outcome: TortureOutcome): string {
  const { lostBytes, doubledBytes } = outcome.verdict
  const found = `${formatCount(lostBytes)} lost · ${formatCount(doubledBytes)} doubled · ${rewrittenCount(outcome)} rewritten`
  return `${found} · ${outcome.isSound ? 'passed' : 'FAILED'}`
}

function rewrittenCount({ sightings }: TortureOutcome): number {
  return sightings.rewritten.length + sightings.vanished.length
}

function problemLines({ verdict, sightings, problems, readers }: TortureOutcome): string[] {
  const all = [
    ...sightings.rewritten.map((key) => `rewritten: ${key}`),
    ...sightings.vanished.map((key) => `gone: ${key}`),
    ...verdict.mismatches,
    ...verdict.wrongSeals.map((seal) => `wrong seal: ${seal}`),
    ...verdict.examples,
    ...problems,
    ...readers.problems,
  ]
  return [
    ...all.slice(0, problemsShown),
    ...(all.length > problemsShown ? [`… ${all.length - problemsShown} more`] : []),
  ]
}

function bytesText(count: number): string {
  return count < 1024 ? `${count} B` : `${formatCount(count)} B (${formatBytes(count)})`
}

function countsText(numbers: ReadonlyMap<string, number>): string {
  const sorted = [...numbers].sort(([, a], [, b]) => b - a)
  return sorted.map(([name, number]) => `${name} ${formatCount(number)}`).join(' · ') || '0'
}

/** Maps become objects, for `--json`. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, (_, one) => (one instanceof Map ? Object.fromEntries(one) : one))
}
