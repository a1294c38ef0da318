import { errnoOf, LogcaskError, messageOf } from '../base/errors.ts'

/** Every exit status, for scripts. Stable. */
export const exits = {
  done: 0,
  failed: 1,
  /** Usage or configuration. */
  usage: 2,
  /** Delivered, but with gaps that are not closed, or forks. */
  lossy: 3,
  /** Not all delivered in time: try again (EX_TEMPFAIL of sysexits.h). */
  undelivered: 75,
  /** 128 + the signal's number, as shells have it. Nobody reads stdout any more counts as SIGPIPE. */
  SIGINT: 130,
  SIGPIPE: 141,
  SIGTERM: 143,
} as const

export function exitOf(error: unknown): number {
  if (!(error instanceof LogcaskError)) return exits.failed
  if (error.code === 'invalid') return exits.usage
  return error.code === 'unavailable' ? exits.undelivered : exits.failed
}

/**
 * Of a pass over many things. What failed for good comes before what may be there next time, and that before what is
 * lost: whoever runs it again sees the latter then.
 */
export function exitOfPass(
  errors: readonly unknown[],
  { isWrong, isLossy }: { isWrong?: boolean; isLossy: boolean },
): number {
  const statuses = errors.map(exitOf)
  if (isWrong === true || statuses.includes(exits.failed) || statuses.includes(exits.usage)) return exits.failed
  if (statuses.includes(exits.undelivered)) return exits.undelivered
  return isLossy ? exits.lossy : exits.done
}

export interface Explanation {
  code: string
  message: string
  hint: string | undefined
}

/** An error as the operator gets to see it: what happened where, and what to do. */
export function explain(error: unknown): Explanation {
  if (error instanceof LogcaskError) return { code: error.code, message: error.message, hint: error.hint }
  if (error instanceof Error && (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') {
    return { code: 'internal', message: messageOf(error), hint: 'install logcask again; in a checkout: npm ci' }
  }
  const errno = errnoOf(error)
  if (errno !== undefined) return { code: errno, message: messageOf(error), hint: errnoHints[errno] }
  return {
    code: 'internal',
    message: messageOf(error),
    hint: 'this is a bug: please report it, with what LOGCASK_DEBUG=1 prints when you run the same again',
  }
}

const errnoHints: Readonly<Record<string, string>> = {
  EACCES: 'let this user read it, or run as one that may',
  EPERM: 'let this user read it, or run as one that may',
  ENOENT: 'check the path',
  ENOTDIR: 'check the path: something on the way is no directory',
  EISDIR: 'name a file, not a directory',
  ENOSPC: 'free space on that disk, then run the same again',
  EDQUOT: 'free space within the quota, then run the same again',
  EROFS: 'that file system is mounted read-only: remount it, or name another directory',
  EMFILE: 'raise the limit of open files (ulimit -n, LimitNOFILE=)',
  ENFILE: 'the system is out of file handles: raise fs.file-max',
  ENOMEM: 'the system is out of memory',
  EIO: 'the disk or mount fails: look at dmesg',
  EADDRINUSE: 'another process listens there: name another port',
}
