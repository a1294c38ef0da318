import type { Clock } from '../base/clock.ts'
import type { GapReason } from '../format/gap.ts'
import type { Origin } from '../format/origin.ts'
import type { SealReason } from '../format/seal.ts'
import type { Encoding } from '../format/whole.ts'
import type { Courier } from './courier.ts'
import type { Rename } from './discovery/naming.ts'
import type { Files, SourcePatterns } from './files/files.ts'
import type { Delivery, Life } from './life.ts'
import type { LifeBook } from './life-book.ts'
import type { ProblemCode } from './problem-code.ts'
import type { Gathering } from './shipping/pace.ts'
import type { SegmentReader } from './shipping/segment-reader.ts'

export interface SourceSettings extends SourcePatterns {
  /** Where the source's rotations put copies: relative to the file's own directory. */
  olddir?: string | undefined
  /** Names of destinations; undefined: all. */
  to?: readonly string[] | undefined
  /** Idle time after which a rotated or deleted file is complete. */
  sealAfterMs: number
  /** `ignore`: a file whose whole content another present file has is not shipped. */
  copies: 'new-stream' | 'ignore'
  /** Its files are copies of nothing, whatever they are called or hold: each is a stream of its own. */
  isOriginal?: boolean | undefined
  /** What becomes of a rotated file that every destination has whole; undefined: it stays. */
  after?: 'keep' | 'delete' | 'move' | undefined
  /** The directory that `move` moves to. */
  moveTo?: string | undefined
  /** What the origins of its streams say beside where they came from. */
  labels?: Readonly<Record<string, string>> | undefined
  /** A regular expression on the path: what its named groups find are labels, too. */
  labelsFrom?: string | undefined
  /** What its streams are called where they are published; undefined: after their paths. */
  rename?: Rename | undefined
  /** Its files are delivered whole, each when it is complete; undefined: as streams. */
  whole?: WholeSettings | undefined
  /** Small appends are gathered; undefined: sent as soon as the budget allows. */
  gathering?: Gathering | undefined
  /** Files that have not changed for longer when they are first seen are left out. */
  sinceMs?: number | undefined
}

export interface WholeSettings {
  /** A template of the name in the bucket (format/whole-name.ts). */
  as: string
  compress: Encoding
  /** A file that has not changed for so long is complete; undefined: that alone makes none complete. */
  idleMs?: number | undefined
  /** How long the period in a name is, where its precision does not say it. */
  periodMs?: number | undefined
  /** The machine goes away: what nobody writes to is complete as it is. */
  isLast?: boolean | undefined
}

export interface AgentSettings {
  host: string
  machine?: string | undefined
  /** What the cloud calls this machine, where a name needs it. */
  instance?: { instanceId?: string | undefined; awsUserId?: string | undefined } | undefined
  version: string
  /** Where decoded rotations are kept while they are shipped. */
  spoolDirectory: string
  sources: readonly SourceSettings[]
  /** Sizes are fixed at the start; everything is judged at once, delivered, sealed, and then the run ends. */
  isOneShot: boolean
  /** The files are a copy of the machine's (rsync): their streams are known by content, not by inode. */
  isToldToAdopt?: boolean | undefined
  /** Time between complete scans where nothing asks for an earlier one. */
  scanIntervalMs: number
}

/** What the parts of the agent share. */
export interface AgentContext {
  /** Replaced as a whole by a reload. */
  settings: AgentSettings
  readonly clock: Clock
  readonly files: Files
  readonly reader: SegmentReader
  readonly book: LifeBook
  readonly couriers: ReadonlyMap<string, Courier>
  readonly signal: AbortSignal
  /** Files that may be open at once. */
  readonly openFilesMax: number
  /** The machine may be going for good: what is here is sent now, whatever it costs. */
  isHurried: boolean
  /** Something that people may want to know. */
  report(event: AgentEvent): void
  /** The life's state changed: it goes to the next checkpoint. */
  changed(life: Life): void
  /** Looks at the life's file now and wakes what can go on. */
  look(life: Life): void
  /** Looks again once `ms` have passed. */
  lookAfter(life: Life, ms: number): void
  /** Something happened to names: a scan is due soon. */
  scan(): void
  /** Work on a life has come to rest at a destination. */
  worked(life: Life): void
  /** Ends the life; what the file holds from now on is the next generation's. */
  end(life: Life, why: string): void
  /** Nothing of it is left to do or to remember. */
  forget(life: Life): void
}

export type AgentEvent =
  | { kind: 'rotated'; life: Life; from: string }
  | { kind: 'began'; life: Life; delivery: Delivery; how: 'new' | 'resumed' | 'copy' | 'compressed' | 'adopted' }
  | { kind: 'acked'; life: Life; delivery: Delivery; bytes: number; sent: boolean }
  | {
      kind: 'sealed'
      life: Life
      delivery: Delivery
      length: number
      sha256: string
      reason: SealReason
      wasThere: boolean
    }
  | { kind: 'gap'; life: Life; delivery: Delivery; offset: number; reason: GapReason }
  | { kind: 'forked'; life: Life; delivery: Delivery; from: string; why: string }
  | { kind: 'ignored'; life: Life; delivery: Delivery; original: string }
  | { kind: 'ended'; life: Life; why: string }
  | { kind: 'edited'; life: Life; delivery: Delivery }
  /** `to`: where it was moved; undefined: deleted. */
  | { kind: 'removed'; life: Life; to: string | undefined }
  | {
      kind: 'problem'
      code: ProblemCode
      place: string
      life?: Life | undefined
      message: string
      hint?: string | undefined
    }

/** How long a copy is held after it stopped growing: a copytruncate truncates its source within that. */
export const copyHoldMs = 5_000
/** How long a compressed file must stand unchanged before it is judged as it is. */
export const compressedHoldMs = 60_000

export function sourceOf(context: AgentContext, life: Life): SourceSettings | undefined {
  return context.settings.sources.find((source) => source.name === life.source)
}

/** The origin of a file at first sight. */
export function originOf(settings: AgentSettings, identity: string, path: string, labels: Origin['labels']): Origin {
  return { machine: settings.machine, path, identity, agent: settings.version, labels }
}

/** Looks at the file's bytes, whatever its stamp says: clocks are coarse, and a mapped file's writes show late. */
export function doubt(context: AgentContext, life: Life): void {
  life.stamp = ''
  context.look(life)
}
