import { type ChildProcess, spawn } from 'node:child_process'
import type { TestContext } from 'vitest'
import { endProcess } from './program.ts'

/** Numbers lines in two logs until it is ended, and opens them anew on HUP, as daemons do. */
export function startDaemon({ onTestFinished }: TestContext, ...paths: readonly string[]): ChildProcess {
  const script = `
    open() { exec 3>>"$1" 4>>"$2"; }
    trap 'open "$@"' HUP; trap 'exit 0' TERM; open "$@"; n=0
    while :; do echo "line $n" >&3; echo "line $n" >&4; n=$((n+1)); sleep 0.005; done`
  const child = spawn('bash', ['-c', script, 'daemon', ...paths], { stdio: 'ignore' })
  onTestFinished(() => endProcess(child, 'SIGKILL'))
  return child
}
