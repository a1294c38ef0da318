import type { Clock } from '../base/clock.ts'
import type { AgentEvent, AgentSettings } from './context.ts'
import type { DestinationSettings } from './destination.ts'
import type { Files } from './files/files.ts'
import type { Names } from './files/names.ts'
import type { Hint } from './files/watch.ts'
import type { Writers } from './files/writers.ts'
import type { Hasher } from './shipping/hasher.ts'
import type { Spool } from './spool/spool.ts'
import type { Checkpoint } from './state/checkpoint.ts'

/** What an agent is made of. */
export interface AgentParts {
  settings: AgentSettings
  clock: Clock
  files: Files
  /** Where large segments are hashed; default: here. */
  hasher?: Hasher | undefined
  destinations: readonly DestinationSettings[]
  checkpoint: Checkpoint
  /** Undefined: what is deleted undelivered is lost with this process. */
  spool?: Spool | undefined
  report: (event: AgentEvent) => void
  /** Default: what /proc says. */
  findWriters?: (() => Promise<Writers>) | undefined
  /** What is done to the names of files that may go; default: this machine's. */
  names?: Names | undefined
  /** Files that may be open at once; beyond it, acked idle ones are closed and opened again when they change. */
  openFilesMax: number
  /** Bytes of a segment; default: `segmentBytes`. */
  segmentBytes?: number | undefined
  /** Tells of changes in the sources' directories. Only hints. */
  watch?: StartWatch | undefined
}

export interface Watch {
  close(): Promise<void>
}
export type StartWatch = (hint: (hint: Hint) => void) => Watch
