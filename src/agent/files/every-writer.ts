import { readlink, stat } from 'node:fs/promises'
import { findWriters, type Writers } from './writers.ts'

/** The kernel's own number for the first pid namespace (PROC_PID_INIT_INO in include/linux/proc_ns.h). */
const firstNamespace = 'pid:[4026531836]'

/**
 * As `findWriters`, complete only where /proc shows the whole machine: not in a container with processes of its own, to
 * which a file may be mounted that others write, and not where /proc hides those of other users (hidepid).
 */
export async function everyWriter(proc = '/proc'): Promise<Writers> {
  const found = await findWriters(proc)
  if (!found.isComplete) return found
  const namespace = await readlink(`${proc}/self/ns/pid`).catch(() => '')
  const hasFirst = await stat(`${proc}/1`).then(
    () => true,
    () => false,
  )
  return { has: found.has, isComplete: namespace === firstNamespace && hasFirst }
}
