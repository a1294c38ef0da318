import type { Clock } from '../../base/clock.ts'
import type { AgentEvent, AgentSettings } from '../context.ts'
import type { Destination } from '../destination.ts'
import type { Files } from '../files/files.ts'
import type { Hint } from '../files/watch.ts'
import type { Writers } from '../files/writers.ts'
import type { WholeEvent } from './whole-file.ts'
import type { WholeRecords } from './whole-records.ts'
import type { WholeSpool } from './whole-spool.ts'

/** What the delivery of whole files is made of. */
export interface WholeParts {
  settings: AgentSettings
  clock: Clock
  files: Files
  destinations: readonly Destination[]
  records: WholeRecords
  /** Undefined: what is deleted undelivered is lost with this process. */
  spool?: WholeSpool | undefined
  report: (event: WholeEvent | Extract<AgentEvent, { kind: 'problem' }>) => void
  watch?: ((hint: (hint: Hint) => void) => { close(): Promise<void> }) | undefined
  /** Default: as /proc shows them. */
  findWriters?: (() => Promise<Writers>) | undefined
}
