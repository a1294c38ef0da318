import { type ErrorCode, LogcaskError } from '../base/errors.ts'

/** A problem as RFC 9457 has it; `code` and `hint` are ours. */
export interface Problem {
  type: string
  title: string
  status: number
  detail?: string | undefined
  code?: ErrorCode | undefined
  hint?: string | undefined
}

export const problemContentType = 'application/problem+json'

const titles: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Who are you?',
  403: 'Not yours to read',
  404: 'Nothing of that name',
  405: 'Only GET and HEAD',
  410: 'No longer there',
  416: 'No such range',
  421: 'Not a name of this server',
  500: 'Internal error',
  502: 'The store refuses',
  503: 'Not now',
}

export function problem(status: number, detail?: string, more: Pick<Problem, 'code' | 'hint'> = {}): Problem {
  return { type: 'about:blank', title: titles[status] ?? 'Error', status, detail, ...more }
}

const statuses: Readonly<Record<ErrorCode, number>> = {
  unavailable: 503,
  refused: 502,
  conflict: 502,
  corrupt: 502,
  invalid: 400,
  internal: 500,
}

/** The one place that turns an error into an answer. Of our own bugs nothing is told but that there is one. */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof LogcaskError) || error.code === 'internal') return problem(500)
  const { code, message, hint } = error
  return problem(statuses[code], message, { code, hint })
}
