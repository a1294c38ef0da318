import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

/** Why systemd's notifications cannot be tried out here; undefined where they can. */
export function cannotNotify(): string | undefined {
  if (spawnSync('python3', ['--version']).status !== 0) return 'no python3: nothing can listen on a datagram socket'
  if (spawnSync('systemd-notify', ['--version']).status !== 0) return 'no systemd-notify: systemd is not installed here'
  return undefined
}

/** A supervisor: every assignment that it was sent, in order. Ends with the test. */
export async function startSupervisor(socket: string): Promise<{ heard: string[]; env: Record<string, string> }> {
  const script = fileURLToPath(new URL('notify-socket.py', import.meta.url))
  const child: ChildProcess = spawn('python3', [script, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await once(child, 'close')
  })
  const heard: string[] = []
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  await once(lines, 'line')
  lines.on('line', (line) => heard.push(...(JSON.parse(line) as string).split('\n').filter((one) => one !== '')))
  return { heard, env: { NOTIFY_SOCKET: socket } }
}
