import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import type { SeededRandom } from '../support/seeded-random.ts'

/**
 * Points at which a process is killed exactly: on entry to the n-th system call of a kind, which then does not happen.
 * strace does it from outside, so that the product has no hook for it.
 */
export interface NamedPoint {
  call: CallName
  /** From 1. */
  nth: number
  /** Only calls that name one of these, or a descriptor of them, count; undefined: all. */
  paths?: readonly string[]
}

/** What the kernels of the machines that we run on call them; strace passes over those that it does not know. */
const calls = {
  fsync: ['fsync'],
  fdatasync: ['fdatasync'],
  rename: ['rename', 'renameat', 'renameat2'],
  link: ['link', 'linkat'],
  unlink: ['unlink', 'unlinkat'],
  mkdir: ['mkdir', 'mkdirat'],
  pwrite: ['pwrite64'],
  write: ['write'],
  openat: ['openat'],
  writev: ['writev'],
  pread: ['pread64'],
} as const

export type CallName = keyof typeof calls

/** Why named points cannot be had on this machine; undefined where they can. */
export const whyNoStrace: string | undefined = (() => {
  const { status, error } = spawnSync('strace', ['-f', '-o', '/dev/null', '-e', 'inject=fsync:error=EIO', 'true'])
  if (error !== undefined) return 'strace is not installed (Debian: apt install strace)'
  return status === 0 ? undefined : 'strace may not trace here (ptrace is forbidden)'
})()

/** About how often a command makes such a call in its first seconds: a point beyond it would not be reached. */
const often = {
  agent: {
    fsync: 100,
    fdatasync: 3,
    rename: 6,
    link: 40,
    unlink: 40,
    mkdir: 60,
    pwrite: 40,
    write: 3,
    openat: 12,
    writev: 8,
  },
  ship: { fsync: 100, rename: 5, link: 35, unlink: 35, mkdir: 50, pwrite: 40, write: 2, openat: 8, writev: 8 },
  compact: { fsync: 18, fdatasync: 20, rename: 16, unlink: 2, mkdir: 16, pwrite: 35, write: 12, openat: 25 },
} as const satisfies Record<string, Partial<Record<CallName, number>>>

export type CommandName = keyof typeof often

/** Calls that a runtime makes for its own purposes all the time: only those on our files count. */
const isCommon: ReadonlySet<CallName> = new Set(['write', 'openat'])

/** One of them, early ones more often: the first ones are all different, the later ones much alike. */
export function pickPoint(random: SeededRandom, command: CommandName, paths: readonly string[]): NamedPoint {
  const [call, most] = random.pick(Object.entries(often[command]) as [CallName, number][])
  const nth = Math.floor((most + 1) ** random.next())
  return { call, nth, ...(isCommon.has(call) ? { paths } : {}) }
}

/** What a command is started by so that it dies at `point`; strace writes down what it saw to `trace`. */
export function killedAt(point: NamedPoint, trace: string): string[] {
  return straced(point, trace, 'signal=KILL')
}

/** What a command is started by so that the n-th call, or `when` says which, fails with `errno` instead. */
export function failingAt(point: Omit<NamedPoint, 'nth'> & { when: string }, trace: string, errno: string): string[] {
  return straced({ ...point, nth: 1 }, trace, `error=${errno}`, point.when)
}

function straced({ call, nth, paths = [] }: NamedPoint, trace: string, what: string, when = `${nth}`): string[] {
  const names = calls[call].map((name) => `?${name}`).join(',')
  return [
    // -D: the command stays our child, with its own process number, signals and exit status.
    ...['strace', '-D', '-f', '-y', '-qq', '-s', '8', '-o', trace],
    ...['-e', `trace=${names}`, '-e', `inject=${names}:${what}:when=${when}`],
    ...paths.flatMap((path) => ['-P', path]),
  ]
}

/**
 * Calls are counted by thread. With one thread for files the n-th is the n-th of the whole process; with all of them
 * other orders are met.
 */
export const oneFileThread = { UV_THREADPOOL_SIZE: '1' } as const

/** The call that was never made, with whose room it was meant for, as `fsync store`; undefined: killed elsewhere. */
export async function hitOf(
  trace: string,
  nth: number,
  rooms: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const entered = new Map<string, number>()
  for (const line of (await readFile(trace, 'utf8').catch(() => '')).split('\n')) {
    const [, thread, call] = /^(\d+)\s+(\w+)\(/.exec(line) ?? []
    if (thread === undefined) continue
    const count = (entered.get(thread) ?? 0) + 1
    entered.set(thread, count)
    if (count < nth) continue
    const room = /<(socket|TCP):/.test(line)
      ? 'network'
      : Object.entries(rooms).find(([, root]) => line.includes(root))?.[0]
    return `${call} ${room ?? 'elsewhere'}`
  }
  return undefined
}
