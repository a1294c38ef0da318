import { pathForPeople, textForPeople } from '../../base/path-bytes.ts'
import type { SyncedStream } from '../../compactor/sync/sync-host.ts'
import { exitOfPass, explain } from '../exit.ts'
import type { Paint } from '../terminal/terminal.ts'
import { countText, formatBytes, formatCount, formatSpan } from '../terminal/units.ts'

/** What one pass did, as it goes. */
export class SyncSum {
  hosts = 0
  streams = 0
  /** Streams that got something. */
  changed = 0
  bytes = 0
  segments = 0
  records = 0
  digests = 0
  diverged = 0
  /** Bytes are missing in between. */
  apart = 0
  expired = 0
  heldBack = 0
  strays = 0
  readonly problems: unknown[] = []

  add(synced: SyncedStream): void {
    this.streams++
    this.bytes += synced.bytes
    this.segments += synced.segments
    this.records += synced.records
    // Of a stream that was left alone, everything was.
    if (synced.kind === 'joined') this.heldBack += synced.heldBack
    if (synced.segments + synced.records > 0) this.changed++
    if (synced.kind === 'diverged') this.diverged++
    if (synced.kind === 'apart') this.apart++
    if (synced.kind === 'expired') this.expired++
    this.problems.push(...synced.problems)
  }

  get status(): number {
    return exitOfPass(this.problems, { isLossy: this.diverged + this.apart > 0 })
  }

  forMachine(): Record<string, unknown> {
    const { problems, ...numbers } = this
    return { kind: 'summary', ...numbers, problems: problems.length }
  }

  forPeople(isDryRun: boolean, elapsedMs: number, paint: Paint): string {
    const trouble = (count: number, text: string): string[] =>
      count > 0 ? [paint.yellow(`${formatCount(count)} ${text}`)] : []
    const brought = this.changed + this.digests > 0
    const amount = [
      `${formatBytes(this.bytes)} in ${countText(this.segments, 'segment')}`,
      countText(this.records, 'record'),
      ...(this.digests > 0 ? [countText(this.digests, 'digest')] : []),
    ].join(', ')
    return [
      `${countText(this.hosts, 'host')}, ${countText(this.streams, 'stream')}`,
      !brought
        ? 'nothing to bring'
        : isDryRun
          ? `would bring ${amount}`
          : `brought ${amount} in ${formatSpan(elapsedMs)}`,
      ...trouble(this.diverged, 'diverged'),
      ...trouble(this.apart, 'cannot be joined'),
      ...trouble(this.problems.length, this.problems.length === 1 ? 'problem' : 'problems'),
      ...(this.expired > 0 ? [`${formatCount(this.expired)} expired there`] : []),
      ...(this.heldBack > 0 ? [`${countText(this.heldBack, 'record')} of what is not there`] : []),
      ...(this.strays > 0 ? [`${countText(this.strays, 'foreign object')} left alone`] : []),
    ].join(' · ')
  }
}

/** Whether anything is to be told of it. */
export function isNews({ kind, segments, records, problems }: SyncedStream): boolean {
  return segments + records + problems.length > 0 || kind === 'diverged' || kind === 'apart'
}

export function syncedForMachine(synced: SyncedStream): Record<string, unknown> {
  return { ...synced, outcome: synced.kind, kind: 'stream', problems: synced.problems.map(explain) }
}

/** What somebody has to know of a stream, if anything. */
export function troubleForPeople(synced: SyncedStream, paint: Paint): string[] {
  const name = `${pathForPeople(synced.host)} ${synced.stream}`
  const problems = synced.problems.map((problem) => problemForPeople(name, problem, paint))
  if (synced.kind === 'diverged')
    problems.push(`${paint.red('DIVERGED')}  ${name}: the two buckets have different histories of it; left alone`)
  if (synced.kind === 'apart')
    problems.push(
      `${paint.yellow('APART')}     ${name}: the target ends at ${formatCount(synced.length ?? 0)}, and what comes next is not in the source`,
    )
  return problems
}

export function problemForPeople(what: string, problem: unknown, paint: Paint): string {
  const { message, hint } = explain(problem)
  const fix = hint === undefined ? '' : `\n          ${paint.bold('fix:')} ${textForPeople(hint)}`
  return `${paint.red('problem')}   ${what}: ${textForPeople(message)}${fix}`
}
