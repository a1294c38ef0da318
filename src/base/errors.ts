/**
 * What can go wrong, as few kinds as callers can tell apart. Each asks for something different:
 *
 * - `unavailable` ask again later: nobody knows what happened (timeout, 5xx, reset, a mount that is missing);
 * - `refused`     the other side answers, and says no until somebody acts (403, no such bucket, 501);
 * - `conflict`    a create-only write met other bytes, or a lock has another owner;
 * - `corrupt`     a record or an object is not what its name or format says: set it aside and report;
 * - `invalid`     the input is wrong: usage, configuration, a key that no agent would write;
 * - `internal`    our own bug.
 */
export type ErrorCode = 'unavailable' | 'refused' | 'conflict' | 'corrupt' | 'invalid' | 'internal'

/** The only error class that is thrown on purpose. `hint` says what to do, in the imperative, with the next command if there is one. */
export class LogcaskError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'LogcaskError'
    this.code = code
    this.hint = options.hint
  }
}

export function isCode(error: unknown, ...codes: ErrorCode[]): error is LogcaskError {
  return error instanceof LogcaskError && codes.includes(error.code)
}

/** The errno name (`ENOENT`) of an error from the operating system, else undefined. */
export function errnoOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Message and remedy in one line, for a table or a field. */
export function messageWithHint({ message, hint }: LogcaskError): string {
  return hint === undefined ? message : `${message}; ${hint}`
}
