import type { ProblemCode } from '../../agent/problem-code.ts'
import { errnoOf, isCode } from '../../base/errors.ts'
import type { CompactorEvent } from '../../compactor/event.ts'
import { RequestsUsedUp } from '../../compactor/host-requests.ts'
import { OverQuota } from '../../compactor/quota.ts'
import type { Paint } from '../terminal/terminal.ts'

/**
 * What each warning of compactor and server is called, for ever; its paragraph is in docs/runbook.md. News has no code.
 */
export const troubleCodes = [
  'bug',
  'content-conflict',
  'content-corrupt',
  'gap',
  'over-quota',
  'place-refused',
  'place-unavailable',
  'published-set-aside',
  'queue-lost',
  'queue-message-foreign',
  'request-refused',
  'seal-mismatch',
  'seal-short',
  'settings-invalid',
  'tampered',
] as const

export type TroubleCode = (typeof troubleCodes)[number]

export function codeOfEvent(event: CompactorEvent): TroubleCode | undefined {
  switch (event.kind) {
    case 'mismatch':
      return 'seal-mismatch'
    case 'short':
      return 'seal-short'
    case 'gap':
      return 'gap'
    case 'set-aside':
      return 'published-set-aside'
    case 'tampered':
      return 'tampered'
    case 'queue':
      return event.state === 'lost' ? 'queue-lost' : event.state === 'back' ? undefined : 'queue-message-foreign'
    case 'problem':
      return codeOfProblem(event.error)
    case 'published':
    case 'sealed':
    case 'archived':
    case 'listed':
      return undefined
  }
}

/** The text with its code behind its first line: what a journal keeps can be looked up. */
export function withCode(text: string, code: TroubleCode | ProblemCode, paint: Paint): string {
  const [first = '', ...more] = text.split('\n')
  return [`${first} ${paint.dim(`[${code}]`)}`, ...more].join('\n')
}

function codeOfProblem(error: unknown): TroubleCode {
  if (error instanceof OverQuota || error instanceof RequestsUsedUp) return 'over-quota'
  if (isCode(error, 'unavailable')) return 'place-unavailable'
  // The operating system's own errors come as they are: no room, no right, a disk that fails.
  if (isCode(error, 'refused') || errnoOf(error) !== undefined) return 'place-refused'
  if (isCode(error, 'conflict')) return 'content-conflict'
  if (isCode(error, 'corrupt')) return 'content-corrupt'
  return isCode(error, 'invalid') ? 'settings-invalid' : 'bug'
}
