import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { lastLine, recipeOf, toolsDirectory } from './install.ts'
import { ProcessGroup } from './process-group.ts'

const readyTimeoutMs = 120_000

export interface StartedServer {
  endpoint: string
  /** What the server wrote, for a failure's report. */
  log(): Promise<string>
  /** Ends its processes and removes its data. */
  stop(): Promise<void>
}

/** Starts an installed server in a directory and on a port of its own; rejects with why it is not ready. */
export async function startServer(name: string): Promise<StartedServer> {
  // Short: the names of Ceph's sockets have to fit 107 bytes.
  const directory = await mkdtemp(join(tmpdir(), 'lc-'))
  const [port, secondPort] = await freePorts()
  const logFile = join(directory, 'server.log')
  const group = new ProcessGroup(
    [recipeOf(name), 'start', join(toolsDirectory, name), directory, String(port), String(secondPort)],
    { logFile },
  )
  const log = (): Promise<string> => readFile(logFile, 'utf8')
  const stop = async (): Promise<void> => {
    await group.stop()
    await rm(directory, { recursive: true, force: true })
  }
  const endpoint = `http://127.0.0.1:${port}`
  const deadlineMs = performance.now() + readyTimeoutMs
  while (!(await answers(endpoint))) {
    if (group.hasEnded || performance.now() > deadlineMs) {
      const why = `${group.hasEnded ? 'ended at start' : 'does not answer'}: ${lastLine(await log())}`
      await stop()
      throw new Error(why)
    }
    await sleep(200)
  }
  return { endpoint, log, stop }
}

/** Any answer will do, also a refusal; 5xx is what a server says that is still starting. */
async function answers(endpoint: string): Promise<boolean> {
  try {
    return (await fetch(endpoint, { signal: AbortSignal.timeout(5_000) })).status < 500
  } catch {
    return false
  }
}

/** Two ports that nobody listens on now; both are held until both are known, so that they differ. */
async function freePorts(): Promise<[number, number]> {
  const [a, b] = await Promise.all([listen(), listen()])
  const ports: [number, number] = [a.port, b.port]
  await Promise.all([a.close(), b.close()])
  return ports
}

function listen(): Promise<{ port: number; close(): Promise<void> }> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address === null || typeof address === 'string') return reject(new Error('no port'))
      resolve({ port: address.port, close: () => new Promise((done) => server.close(() => done())) })
    })
  })
}
