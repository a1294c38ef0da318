import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beganAt, isRunning, place, type Running } from './place.ts'

/** Starts a process group that outlives this process; what it says goes to `<name>.log` in the place. */
export function start(name: string, command: readonly string[], env: { [name: string]: string }, cwd = place): Running {
  const [program = '', ...args] = command
  const log = openSync(join(place, `${name}.log`), 'a')
  const child = spawn(program, args, { cwd, env, detached: true, stdio: ['ignore', log, log] })
  closeSync(log)
  child.unref()
  const pid = child.pid
  const began = pid === undefined ? undefined : beganAt(pid)
  if (pid === undefined || began === undefined) throw new Error(`${name} did not start: ${program}`)
  return { name, pid, began }
}

/** TERM to the group, KILL after the deadline for whatever is left of it. */
export async function end(running: Running, graceMs: number): Promise<void> {
  if (!isRunning(running)) return
  signal(running.pid, 'SIGTERM')
  for (let waitedMs = 0; waitedMs < graceMs && signal(running.pid, 0); waitedMs += 50) await sleep(50)
  signal(running.pid, 'SIGKILL')
  for (let waitedMs = 0; waitedMs < 5_000 && signal(running.pid, 0); waitedMs += 50) await sleep(50)
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, name)
  } catch {
    return false
  }
}

/** Waits until `isReady`; rejects with the last words of the process when it ended or the time is over. */
export async function ready(running: Running, limitMs: number, isReady: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + limitMs
  while (!(await isReady().catch(() => false))) {
    const hasEnded = !isRunning(running)
    if (hasEnded || performance.now() > deadlineMs) {
      const said = readFileSync(join(place, `${running.name}.log`), 'utf8').slice(-2000)
      throw new Error(`${running.name} ${hasEnded ? 'ended' : 'is not ready'}:\n${said}`)
    }
    await sleep(100)
  }
}
