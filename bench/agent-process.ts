import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Usage, usageOf } from './measured-run.ts'
import { logcask, storeEnv } from './prepare.ts'

export interface AgentProcess {
  usage(): Promise<Usage | undefined>
  /** SIGTERM, or another signal, and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

/**
 * The daemon, watching `<directory>/logs`, with its defaults; its state is kept in the directory. What it warns of is
 * shown, unless `isQuiet`.
 */
export async function startAgent(
  directory: string,
  endpoint: string | readonly string[],
  { isQuiet = false } = {},
): Promise<AgentProcess> {
  const endpoints = [endpoint].flat()
  const config = join(directory, 'agent.yaml')
  await writeFile(
    config,
    JSON.stringify({
      host: 'bench',
      state: join(directory, 'state'),
      sources: [{ name: 'logs', include: [join(directory, 'logs/*')] }],
      destinations: endpoints.map((one, at) => ({ name: `sink${at || ''}`, url: 's3://bench/ours', endpoint: one })),
      log: { level: 'warn' },
    }),
  )
  const [program = '', ...args] = logcask('agent', '-c', config)
  const child: ChildProcess = spawn(program, args, {
    env: { ...process.env, ...storeEnv(endpoints[0] ?? '') },
    stdio: ['ignore', 'ignore', isQuiet ? 'ignore' : 'inherit'],
  })
  child.once('exit', (code) => {
    if (code) process.stderr.write(`the agent ended with ${code}\n`)
  })
  return {
    usage: () => usageOf(child.pid),
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
    },
  }
}

/** Looks again until it is so; rejects after `withinMs`. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>, withinMs = 600_000): Promise<void> {
  const endMs = performance.now() + withinMs
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`not within ${withinMs / 1000} s: ${what}`)
    await sleep(20)
  }
}
