import { isoTime } from '../../base/clock.ts'
import { pathForPeople, textForPeople } from '../../base/path-bytes.ts'
import { describeGap } from '../../bucket/stream-gaps.ts'
import type { StreamRow } from '../../bucket/stream-row.ts'
import type { Paint } from '../terminal/terminal.ts'
import { formatAge, formatBytes, formatCount } from '../terminal/units.ts'
import { bornAt, byBirth } from './read-names.ts'

export type { StreamRow }

/** One JSON line. Quantities in bytes, times in ISO 8601, names as they are. */
export function rowForMachine(host: string, row: StreamRow): Record<string, unknown> {
  const { stream, origin, completeness, storedAtMs } = row
  return {
    host,
    stream,
    name: origin?.path,
    born: bornAt(row) || undefined,
    bytes: row.bytes,
    segments: row.segments,
    last: storedAtMs === undefined ? undefined : isoTime(storedAtMs),
    state: row.problem !== undefined ? 'unreadable' : completeness.kind === 'unsealed' ? 'live' : completeness.kind,
    sha256: completeness.kind === 'sealed' ? completeness.sha256 : undefined,
    missing: completeness.kind === 'short' ? completeness.missing : undefined,
    gaps: row.gaps,
    forkOf: origin?.forkOf,
    labels: origin?.labels,
    aliases: row.aliases,
    strays: row.strays,
    tampered: row.tampered,
    expiredBefore: row.expiredBefore,
    problem: row.problem,
  }
}

/** `live, 1 gap: 512 B truncated unread`: a row's state in a few words. */
export function stateText(row: StreamRow, paint: Paint): string {
  if (row.problem !== undefined) return paint.red(textForPeople(row.problem))
  const parts = [completenessText(row, paint)]
  const { forkOf } = row.origin ?? {}
  if (forkOf !== undefined) parts.push(`fork of ${forkOf.stream} at ${formatCount(forkOf.shared)}`)
  if (row.expiredBefore !== undefined) {
    parts.push(paint.yellow(`bytes before ${formatCount(row.expiredBefore)} expired or never came`))
  }
  if (row.gaps.length > 0) {
    const texts = row.gaps.slice(0, 3).map((gap) => describeGap(gap, formatBytes))
    const more = row.gaps.length > texts.length ? ', …' : ''
    const count = row.gaps.length === 1 ? '1 gap' : `${row.gaps.length} gaps`
    parts.push(paint.yellow(`${count}: ${texts.join(', ')}${more}`))
  }
  if (row.tampered !== undefined) parts.push(paint.red(`tampered: a key has ${row.tampered} versions`))
  return parts.join(', ')
}

function completenessText({ completeness, gaps }: StreamRow, paint: Paint): string {
  switch (completeness.kind) {
    case 'sealed': {
      const [sha256 = '', ...others] = completeness.sha256
      if (others.length > 0) return paint.red(`${completeness.sha256.length} seals that differ`)
      return paint.green(`sealed ${sha256.slice(0, 4)}…`)
    }
    case 'outgrown':
      return 'unsealed: it grew after its seal'
    case 'short':
      return paint.red(`sealed, ${formatBytes(completeness.missing)} missing or expired`)
    case 'unsealed':
      // A stream with an open gap has ended; nobody saw its last bytes.
      return gaps.some(({ end }) => end === 'open') ? 'unsealed' : 'live'
  }
}

/** NAME, BYTES, LAST, STATE: the newest stream of each name, and below it, indented, the ids of those that it took over from. */
export function tableRows(rows: readonly StreamRow[], nowMs: number, paint: Paint): string[][] {
  const table: string[][] = [['NAME', 'BYTES', 'LAST', 'STATE'].map(paint.dim)]
  for (const [path, streams] of groups(rows)) {
    for (const [at, row] of streams.entries()) {
      const name = at === 0 ? pathForPeople(path ?? `? ${row.stream}`) : paint.dim(`  ${row.stream}`)
      table.push([name, ...cells(row, nowMs, paint)])
    }
  }
  return table
}

/** STREAM, BORN, BYTES, LAST, STATE: the streams of one name, newest first. */
export function streamTableRows(rows: readonly StreamRow[], nowMs: number, paint: Paint): string[][] {
  const table: string[][] = [['STREAM', 'BORN', 'BYTES', 'LAST', 'STATE'].map(paint.dim)]
  for (const row of rows.toSorted(byBirth).reverse()) {
    table.push([row.stream, bornAt(row).slice(0, 19), ...cells(row, nowMs, paint)])
  }
  return table
}

function cells(row: StreamRow, nowMs: number, paint: Paint): string[] {
  const last = row.storedAtMs === undefined ? '–' : formatAge(Math.max(0, nowMs - row.storedAtMs))
  return [formatBytes(row.bytes), last, stateText(row, paint)]
}

/** By name, each newest first; what has none comes last. */
function groups(rows: readonly StreamRow[]): [path: string | undefined, streams: StreamRow[]][] {
  const byPath = Map.groupBy(rows, ({ origin }) => origin?.path)
  const unnamed = byPath.get(undefined) ?? []
  byPath.delete(undefined)
  return [
    ...[...byPath]
      .toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1))
      .map(([path, streams]): [string | undefined, StreamRow[]] => [path, streams.toSorted(byBirth).reverse()]),
    ...unnamed.map((row): [undefined, StreamRow[]] => [undefined, [row]]),
  ]
}
