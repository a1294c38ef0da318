import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { installInTurn, recipeOf, toolsDirectory } from '../test/real/install.ts'
import { place, type Running } from './place.ts'
import { ready, start } from './processes.ts'

/** A local AWS from PyPI: ministack, or LocalStack 4.14, the last one that asks for no token. */
export type StoreName = 'ministack' | 'localstack'

/** Rejects with why it cannot be had. */
export async function startStore(name: StoreName, port: number): Promise<Running> {
  const installed = await installInTurn([name]).get(name)
  if (installed?.isInstalled !== true) throw new Error(`${name}: ${installed?.why ?? 'never installed'}`)
  const tools = join(toolsDirectory, name, 'venv/bin')
  const common = { PATH: process.env.PATH ?? '', HOME: place, TMPDIR: place, XDG_CACHE_HOME: place }
  const running =
    name === 'ministack'
      ? start(name, [join(tools, 'ministack')], { ...common, GATEWAY_PORT: String(port), BIND_HOST: '127.0.0.1' })
      : start(name, [join(tools, 'python'), join(dirname(recipeOf(name)), 'localstack-own-storage.py')], {
          ...common,
          SERVICES: 's3,sqs,iam,sts',
          FILESYSTEM_ROOT: join(place, 'localstack'),
          GATEWAY_LISTEN: `127.0.0.1:${port}`,
          DNS_ADDRESS: '0',
          SKIP_SSL_CERT_DOWNLOAD: '1',
          DISABLE_EVENTS: '1',
        })
  await ready(running, 120_000, async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(5_000) })
    return answer.status < 500
  })
  return running
}

/** The wished one where it is free, else any. */
export async function freePort(wished: number): Promise<number> {
  return (await tryPort(wished)) ?? (await tryPort(0)) ?? 0
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' ? address?.port : undefined))
    })
  })
}
