import type { ListenAddress } from '../base/listen-address.ts'
import type { Encoding } from '../format/whole.ts'
import type { StoreSettings } from './store-settings.ts'

/** The settings of an agent, read, checked and with every default in place. Plain data: only `cli/` makes components of it. */
export interface AgentConfig {
  /** A template: `{hostname}` and the like (template.ts). */
  host: string
  stateDirectory: string
  /** Instead of /etc/machine-id. */
  machineId?: string | undefined
  sources: SourceConfig[]
  destinations: DestinationConfig[]
  scanIntervalMs: number
  drainTimeoutMs: number
  /** What the rescue spool may hold. */
  spoolBytes: number
  /** Bytes per second over all destinations together; undefined: as fast as it goes. */
  rate?: number | undefined
  /** Serves metrics there; undefined: nowhere. */
  listen?: ListenAddress | undefined
  /** `file`: instead of stderr. */
  log: { level: LogLevel; file?: string | undefined }
}

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

export interface SourceConfig {
  name: string
  /** Absolute globs. */
  include: string[]
  /** Globs; one without a slash is matched against the base name. */
  exclude: string[]
  /** Where rotated files go: a directory, relative to the file's own. */
  olddir?: string | undefined
  followSymlinks: boolean
  /** A file with the content of another that is still there: a stream of its own, or not shipped. */
  copies: 'new-stream' | 'ignore'
  /** What becomes of a rotated file that every destination has whole. */
  after: 'keep' | 'delete' | 'move'
  /** An absolute directory, no source's; there where `after` is `move`. */
  moveTo?: string | undefined
  /** Names of destinations; all of them where the file says nothing. */
  to: string[]
  /** A rotated file that has been idle for so long is complete. */
  sealAfterMs: number
  /** What its files are called where they are published: a template, or a regular expression and what becomes of it. */
  rename?: string | { from: string; to: string } | undefined
  labels?: Record<string, string> | undefined
  /** A regular expression whose named groups are labels, too. */
  labelsFrom?: string | undefined
  /** `mode: when-complete`: its files are delivered whole, compressed or not, under names made of `as`. */
  whole?:
    | {
        as: string
        compress: Encoding
        idleMs?: number | undefined
        periodMs?: number | undefined
      }
    | undefined
  /** Smaller appends are gathered. */
  gathering?: { bytes: number; delayMs: number } | undefined
  /** Files that had not changed for longer when they were first seen are left out. */
  sinceMs?: number | undefined
}

export interface DestinationConfig extends StoreSettings {
  name: string
  url: string
  /** Bytes per second. */
  rate?: number | undefined
  /** How long the bucket's lifecycle keeps segments; undefined: for ever. */
  retentionMs?: number | undefined
  budget: Budget
}

/** Of segments that are not full, per stream and destination: `burst` at once, then one per `everyMs`. */
export interface Budget {
  burst: number
  everyMs: number
  /** What those of all streams together may cost. */
  dollarsPerMonth?: number | undefined
}
