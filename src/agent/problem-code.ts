import { isCode } from '../base/errors.ts'

/**
 * What each warning of the agent is called, for ever: people search the runbook (docs/runbook.md) for it, and alerts are
 * made of it. A new kind of problem gets a name here and a paragraph there; a test holds us to both.
 */
export const problemCodes = [
  'alias-ignored',
  'checkpoint-not-saved',
  'configuration-not-taken',
  'configuration-warning',
  'destination-refused',
  'destination-unavailable',
  'digest-failed',
  'directory-unreadable',
  'file-grew-while-removed',
  'file-not-removed',
  'file-unreadable',
  'journal-not-shipped',
  'listen-failed',
  'pipe-left',
  'records-not-saved',
  'scan-failed',
  'spool-full',
  'spool-unreadable',
  'store-warning',
  'stream-failed',
  'systemd-not-told',
  'watch-limited',
  'whole-file-failed',
  'whole-file-odd',
] as const

export type ProblemCode = (typeof problemCodes)[number]

/** Whether waiting helps, or somebody has to act. */
export function destinationProblem(error: unknown): ProblemCode {
  return isCode(error, 'unavailable') ? 'destination-unavailable' : 'destination-refused'
}
