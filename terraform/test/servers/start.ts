import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { S3Client } from '@aws-sdk/client-s3'
import { commandMs, run } from '../../../packaging/run.ts'
import { installInTurn, recipeOf, toolsDirectory } from '../../../test/real/install.ts'
import type { Dialect } from './adapted.ts'

/** A server that has users and a policy engine of its own. */
export interface PolicyServer {
  name: string
  endpoint: string
  /** Has versions and locks. */
  isVersioned: boolean
  /** Its policies see a request by plain http. */
  seesPlainHttp: boolean
  /** Requests that it takes for others. */
  unknown: readonly string[]
  dialect: Omit<Dialect, 'knowsAction'>
  client(user: string): S3Client
  secretOf(user: string): string
  stop(): Promise<void>
}

export const owner = 'test'
const secretOf = (user: string): string => (user === owner ? 'testtest1' : `${user}-secret-of-tests`)

export async function startVersitygw(users: readonly string[]): Promise<PolicyServer> {
  await install('versitygw')
  const program = join(toolsDirectory, 'versitygw/versitygw')
  const directory = mkdtempSync(join(tmpdir(), 'lcp-'))
  for (const name of ['data', 'users', 'versions']) mkdirSync(join(directory, name))
  const [port = 0] = await freePorts(1)
  const endpoint = `http://127.0.0.1:${port}`
  const args = [
    '--port',
    `127.0.0.1:${port}`,
    '--iam-dir',
    join(directory, 'users'),
    'posix',
    '--versioning-dir',
    join(directory, 'versions'),
    join(directory, 'data'),
  ]
  const env = { ...process.env, ROOT_ACCESS_KEY: owner, ROOT_SECRET_KEY: secretOf(owner) }
  const server = await started(spawn(program, args, { env, stdio: 'ignore', detached: true }), endpoint, directory)
  for (const user of users) {
    const admin = ['admin', '-a', owner, '-s', secretOf(owner), '--er', endpoint]
    await run(program, [...admin, 'create-user', '-a', user, '-s', secretOf(user), '-r', 'user'], {
      withinMs: commandMs,
    })
  }
  return {
    ...server,
    name: 'versitygw',
    isVersioned: true,
    seesPlainHttp: true,
    unknown: [],
    dialect: {
      principalOf: (user) => ({ AWS: [user] }),
      knowsCondition: (key) => ['aws:SecureTransport', 's3:prefix'].includes(key),
    },
  }
}

export async function startCeph(users: readonly string[]): Promise<PolicyServer> {
  await install('ceph-rgw')
  const directory = mkdtempSync(join(tmpdir(), 'lcp-'))
  const [port = 0, second = 0] = await freePorts(2)
  const endpoint = `http://127.0.0.1:${port}`
  const args = ['start', join(toolsDirectory, 'ceph-rgw'), directory, String(port), String(second)]
  const server = await started(
    spawn(recipeOf('ceph-rgw'), args, { stdio: 'ignore', detached: true }),
    endpoint,
    directory,
  )
  for (const user of users) {
    const create = [
      'user',
      'create',
      `--uid=${user}`,
      `--display-name=${user}`,
      `--access-key=${user}`,
      `--secret=${secretOf(user)}`,
    ]
    await run('radosgw-admin', create, {
      env: { ...process.env, CEPH_CONF: join(directory, 'ceph.conf') },
      withinMs: commandMs,
    })
  }
  return {
    ...server,
    name: 'ceph-rgw',
    // 16 and 18 do not keep If-None-Match there.
    isVersioned: false,
    // 16.2 sets aws:SecureTransport only where it is true.
    seesPlainHttp: false,
    // Taken for the creation of a bucket: 400.
    unknown: ['own it'],
    dialect: {
      principalOf: (user) => ({ AWS: [`arn:aws:iam:::user/${user}`] }),
      knowsCondition: (key) => ['aws:SecureTransport', 's3:prefix'].includes(key),
    },
  }
}

async function install(name: string): Promise<void> {
  const installed = await installInTurn([name]).get(name)
  if (installed?.isInstalled !== true) throw new Error(`${name}: ${installed?.why ?? 'never installed'}`)
}

async function started(
  child: ChildProcess,
  endpoint: string,
  directory: string,
): Promise<Pick<PolicyServer, 'endpoint' | 'client' | 'secretOf' | 'stop'>> {
  const kill = (signal: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal)
    } catch {
      // Gone already.
    }
  }
  process.once('exit', () => kill('SIGKILL'))
  const clients: S3Client[] = []
  const stop = async (): Promise<void> => {
    for (const client of clients) client.destroy()
    kill('SIGTERM')
    if (child.exitCode === null && child.signalCode === null) await Promise.race([once(child, 'exit'), sleep(10_000)])
    kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  }
  const deadlineMs = performance.now() + 180_000
  while (!(await answers(endpoint))) {
    if (child.exitCode !== null || performance.now() > deadlineMs) {
      const log = join(directory, 'log')
      await stop()
      throw new Error(`does not answer${existsSync(log) ? readFileSync(log, 'utf8').slice(-500) : ''}`)
    }
    await sleep(200)
  }
  return {
    endpoint,
    secretOf,
    stop,
    client(user) {
      const credentials = { accessKeyId: user, secretAccessKey: secretOf(user) }
      const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, maxAttempts: 2, credentials })
      clients.push(client)
      return client
    },
  }
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    return (await fetch(endpoint, { signal: AbortSignal.timeout(5_000) })).status < 500
  } catch {
    return false
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))))
  return ports
}
