import { execFile } from 'node:child_process'
import { LogcaskError, messageOf } from './errors.ts'

/** The service manager that started this process and wants to hear from it: systemd, by sd_notify(3). */
export interface Supervisor {
  /** Without a sign of life for that long it ends this process and starts another; undefined: it does not watch. */
  readonly watchdogMs: number | undefined
  /**
   * Sends `READY=1`, `STATUS=…` and the like, one after the other. Rejects with `unavailable` where it cannot be told:
   * it will do what it does with a service that says nothing, and logs are delivered meanwhile.
   */
  tell(...assignments: string[]): Promise<void>
}

/** It has to be there before systemd's own patience (90 s to start, WatchdogSec) is over. */
const patienceMs = 20_000

/**
 * Undefined where nobody wants to hear anything. Node has no datagrams on unix sockets, and a native addon is a risk on
 * every machine for what systemd's own program does: it comes with every systemd, takes 12 ms, knows abstract sockets,
 * and waits until systemd has looked who it is, so that nothing it says is lost. The unit needs NotifyAccess=all.
 */
export function supervisorOf(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
  program = 'systemd-notify',
): Supervisor | undefined {
  const socket = env.NOTIFY_SOCKET
  if (socket === undefined || !/^[/@]./.test(socket)) return undefined
  let last: Promise<void> = Promise.resolve()
  return {
    watchdogMs: watchdogOf(env, pid),
    tell(...assignments) {
      const next = (): Promise<void> => send(program, { PATH: env.PATH, NOTIFY_SOCKET: socket }, assignments)
      const told = last.then(next)
      last = told.catch(() => {})
      return told
    },
  }
}

/** WATCHDOG_PID is another's where this process is a child of the one that systemd started. */
function watchdogOf(env: Readonly<Record<string, string | undefined>>, pid: number): number | undefined {
  const isMeant = env.WATCHDOG_PID === undefined || Number(env.WATCHDOG_PID) === pid
  const ms = Number(env.WATCHDOG_USEC) / 1000
  return isMeant && ms >= 1 ? ms : undefined
}

function send(program: string, env: NodeJS.ProcessEnv, assignments: readonly string[]): Promise<void> {
  // A line end would begin another assignment.
  const words = assignments.map((one) => one.replace(/[\n\0]+/g, ' '))
  return new Promise((resolve, reject) => {
    execFile(program, ['--', ...words], { env, timeout: patienceMs, killSignal: 'SIGKILL' }, (error, _, stderr) => {
      if (error === null) return resolve()
      const problem = stderr.trim() || messageOf(error)
      reject(
        new LogcaskError('unavailable', `systemd cannot be told ${assignments.join(' ')}: ${problem}`, {
          hint: 'put systemd-notify in the PATH and NotifyAccess=all in the unit, or set Type=simple without WatchdogSec=',
          cause: error,
        }),
      )
    })
  })
}
