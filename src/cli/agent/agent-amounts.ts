import type { Agent } from '../../agent/agent.ts'
import { highWatermark, type Life } from '../../agent/life.ts'
import type { WholeFile } from '../../agent/whole/whole-file.ts'
import type { WholeShipper } from '../../agent/whole/whole-shipper.ts'
import type { Clock } from '../../base/clock.ts'
import { dropDelivered, markTail, seenSinceMs, type TailMark } from '../read/tail-marks.ts'
import type { EventCounts } from './event-counts.ts'
import { InheritedAges } from './inherited-ages.ts'

/** How one destination stands with all files. */
export interface Backlog {
  /** Bytes and files that are not there: of streams what is not acked, of files that go whole those that are complete. */
  bytes: number
  files: number
  /** When the oldest of these bytes was seen, on the monotonic clock; infinite where there is none. */
  sinceMs: number
  ackedBytes: number
}

export interface Amounts {
  files: number
  /** In all files. */
  bytes: number
  openFiles: number
  backlogs: ReadonlyMap<string, Backlog>
  /** Files that were renamed since they were born, and are not everywhere. */
  rotated: RotatedBehind | undefined
}

export interface RotatedBehind {
  files: number
  bytes: number
  /** Of the one that was born first: a rotation deletes the oldest. */
  oldestPath: string
}

/** What is here and what is behind, at each call: it costs next to nothing while nothing happens. */
export function watchAmounts(
  agent: Pick<Agent, 'book' | 'couriers' | 'revision'>,
  clock: Pick<Clock, 'monotonic'>,
  wholes: () => Pick<WholeShipper, 'book' | 'pendingAt' | 'revision'> | undefined = () => undefined,
  inherited: InheritedAges = new InheritedAges(),
): () => Amounts {
  let revision = ''
  let known: Amounts = { files: 0, bytes: 0, openFiles: 0, backlogs: new Map(), rotated: undefined }
  /** Since when files that go whole wait. */
  const waiting = new WeakMap<WholeFile, number>()
  /** Of files that are behind somewhere. */
  const marks = new WeakMap<Life, readonly TailMark[]>()
  let lookedAtMs = clock.monotonic()
  return () => {
    const { current } = agent.book
    const beforeMs = lookedAtMs
    lookedAtMs = clock.monotonic()
    const shipper = wholes()
    const now = [agent.revision, current.size, shipper?.revision, shipper?.book.files.size].join()
    if (now === revision) return known
    revision = now
    const backlogs = new Map<string, Backlog>(
      [...agent.couriers.keys()].map((name) => [
        name,
        { bytes: 0, files: 0, sinceMs: Number.POSITIVE_INFINITY, ackedBytes: 0 },
      ]),
    )
    known = { files: current.size, bytes: 0, openFiles: 0, backlogs, rotated: rotatedBehind(current.values()) }
    for (const life of current.values()) {
      known.bytes += life.size
      if (life.file !== undefined) known.openFiles++
      addTo(backlogs, life, marksOf(marks, life, beforeMs))
    }
    if (shipper !== undefined) addWholes(known, shipper, waiting, beforeMs)
    for (const [name, backlog] of backlogs) {
      const sinceMs = inherited.sinceMs(name, current.values(), agent.book.isExplored)
      if (backlog.bytes > 0 && sinceMs !== undefined) backlog.sinceMs = Math.min(backlog.sinceMs, sinceMs)
    }
    return known
  }
}

function rotatedBehind(lives: Iterable<Life>): RotatedBehind | undefined {
  let found: RotatedBehind | undefined
  let first: string | undefined
  for (const life of lives) {
    const left = life.size - highWatermark(life)
    if (left <= 0 || life.path === life.origin.path) continue
    found ??= { files: 0, bytes: 0, oldestPath: life.path }
    found.files++
    found.bytes += left
    // An identity begins with the birth.
    if (first !== undefined && life.identity >= first) continue
    first = life.identity
    found.oldestPath = life.path
  }
  return found
}

function addWholes(
  amounts: Amounts,
  shipper: Pick<WholeShipper, 'book' | 'pendingAt'>,
  waiting: WeakMap<WholeFile, number>,
  beforeMs: number,
): void {
  amounts.files += shipper.book.files.size
  for (const { size } of shipper.book.files.values()) amounts.bytes += size
  for (const [name, backlog] of amounts.backlogs) {
    for (const file of shipper.pendingAt(name)) {
      const sinceMs = waiting.get(file) ?? beforeMs
      waiting.set(file, sinceMs)
      backlog.bytes += file.size
      backlog.files++
      backlog.sinceMs = Math.min(backlog.sinceMs, sinceMs)
    }
  }
}

function marksOf(known: WeakMap<Life, readonly TailMark[]>, life: Life, beforeMs: number): readonly TailMark[] {
  const everywhere = highWatermark(life)
  if (everywhere >= life.size) {
    known.delete(life)
    return []
  }
  const before = known.get(life) ?? []
  // What is new came after the last look here, and not before the agent saw the first of what is pending.
  const sinceMs = before.length === 0 ? (life.pendingSinceMs ?? beforeMs) : beforeMs
  const marks = dropDelivered(markTail(before, life.size, sinceMs), everywhere)
  known.set(life, marks)
  return marks
}

function addTo(backlogs: ReadonlyMap<string, Backlog>, life: Life, marks: readonly TailMark[]): void {
  for (const [name, { acked }] of life.deliveries) {
    const backlog = backlogs.get(name)
    if (backlog === undefined) continue
    backlog.ackedBytes += Math.min(acked.offset, life.size)
    if (acked.offset >= life.size) continue
    backlog.bytes += life.size - acked.offset
    backlog.files++
    backlog.sinceMs = Math.min(backlog.sinceMs, seenSinceMs(marks, acked.offset) ?? Number.POSITIVE_INFINITY)
  }
}

/** What files ever had, but for a constant: what is acked was either here before, or came. */
export function appendedBytes(backlogs: ReadonlyMap<string, Backlog>, counts: EventCounts): number {
  return Math.max(0, ...[...backlogs].map(([name, { bytes }]) => bytes + counts.at(name).bytesAcked))
}
