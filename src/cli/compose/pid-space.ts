import { readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { errnoOf } from '../../base/errors.ts'

/**
 * Among whose processes a process id counts: those of this machine and, on Linux, of this pid namespace, since
 * containers may share a host name and a state directory, and not their processes.
 */
export function readPidSpace(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return hostname()
  }
}

/** Whether the process that wrote a record has surely ended; false where its id would say nothing here. Pure. */
export function hasEnded(
  record: { pid: number; pidSpace?: string | undefined },
  pidSpace: string,
  exists: (pid: number) => boolean,
): boolean {
  return record.pidSpace === pidSpace && Number.isSafeInteger(record.pid) && record.pid > 0 && !exists(record.pid)
}

export function processExists(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // EPERM: it is somebody else's.
    return errnoOf(error) !== 'ESRCH'
  }
}
