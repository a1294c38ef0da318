import { chmod, lstat, unlink } from 'node:fs/promises'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { errnoOf, LogcaskError, messageOf } from '../base/errors.ts'
import { nodeHttp } from '../base/http.ts'
import { isLoopbackName, type ListenAddress, listenAddressText } from '../base/listen-address.ts'

/** What a path answers to GET. Called per request; what it throws is a 500 without a word of why. */
export type Route = () => Reply

export interface Reply {
  status: number
  contentType?: string
  body: string
}

export interface Listening {
  /** With the port that was chosen, where 0 was asked for. */
  readonly address: ListenAddress
  /** Ends all connections. Idempotent. */
  close(): Promise<void>
}

/** Collectors ask every few seconds, one or two of them; what is more is no collector. */
const connectionsMax = 32
/** A request of ours is a line and some headers. */
const headerBytesMax = 8 * 1024
/** From its first byte on; and a connection on which nothing moves. Node's own limits are minutes. */
const requestMs = 5_000
const idleMs = 15_000
const requestsPerConnection = 1_000

/**
 * Serves the routes. Rejects with `unavailable` where the address is taken or cannot be had (with the remedy): who
 * delivers logs must not stop for that, and may try again.
 */
export async function listen(address: ListenAddress, routes: Readonly<Record<string, Route>>): Promise<Listening> {
  const server = nodeHttp().createServer(
    {
      maxHeaderSize: headerBytesMax,
      headersTimeout: requestMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: idleMs,
    },
    (request, response) => answer(request, response, address.kind === 'unix' ? undefined : isLoopbackName, routes),
  )
  server.maxConnections = connectionsMax
  server.maxRequestsPerSocket = requestsPerConnection
  server.setTimeout(idleMs)
  return {
    address: await bindServer(server, address),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Answers where it listens, with the port that was chosen. Rejects as `listen`. */
export async function bindServer(server: Server, address: ListenAddress): Promise<ListenAddress> {
  try {
    if (address.kind === 'unix') await bindSocket(server, address.path)
    else await bind(server, { host: address.host, port: address.port })
  } catch (error) {
    throw refusal(address, error)
  }
  // Whatever fails later concerns one connection, and has been answered by closing it.
  server.on('error', () => {})
  return address.kind === 'unix' ? address : { ...address, port: (server.address() as AddressInfo).port }
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  isOwnName: ((header: string) => boolean) | undefined,
  routes: Readonly<Record<string, Route>>,
): void {
  // A body has no meaning here: it is not waited for, and the connection ends with the answer.
  if (request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined)
    response.shouldKeepAlive = false
  const { status, contentType = 'text/plain; charset=utf-8', body } = replyTo(request, isOwnName, routes)
  const bytes = Buffer.from(body)
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': bytes.byteLength,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
  })
  response.end(request.method === 'HEAD' ? undefined : bytes)
}

function replyTo(
  { method, url = '/', headers }: IncomingMessage,
  isOwnName: ((header: string) => boolean) | undefined,
  routes: Readonly<Record<string, Route>>,
): Reply {
  // Nobody is asked who they are: else a page from elsewhere, its name pointed here, could read through a browser.
  if (isOwnName?.(headers.host ?? '') === false)
    return { status: 421, body: 'only names of this machine are answered: ask 127.0.0.1 or localhost\n' }
  const [path = '/'] = url.split('?')
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined
  if (route === undefined) return { status: 404, body: `there are: ${Object.keys(routes).join(' ')}\n` }
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, body: 'only GET and HEAD\n' }
  try {
    return route()
  } catch {
    return { status: 500, body: 'failed\n' }
  }
}

function bind(server: Server, where: { host: string; port: number } | { path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(where, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
}

/** A socket file that nobody answers at was left by a process that was killed: it is in the way, and nothing else. */
async function bindSocket(server: Server, path: string): Promise<void> {
  try {
    await bind(server, { path })
  } catch (error) {
    if (errnoOf(error) !== 'EADDRINUSE' || !(await lstat(path)).isSocket() || (await isAnswered(path))) throw error
    await unlink(path)
    await bind(server, { path })
  }
  // The user's group may read, as in "usermod -aG logcask prometheus".
  await chmod(path, 0o660)
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    // Only this one says that nobody is behind it; what cannot be told is left alone.
    socket.once('error', (error) => resolve(errnoOf(error) !== 'ECONNREFUSED'))
  })
}

const remedies: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process is there: end it, or name another address (listen: in the configuration)',
  EACCES: 'let this user write in its directory, or name another address (listen: in the configuration)',
  ENOENT: 'make its directory (RuntimeDirectory=logcask in the unit)',
  EADDRNOTAVAIL: 'this machine does not have that address: name another (listen: in the configuration)',
}

function refusal(address: ListenAddress, error: unknown): LogcaskError {
  const errno = errnoOf(error) ?? ''
  return new LogcaskError('unavailable', `cannot listen on ${listenAddressText(address)}: ${messageOf(error)}`, {
    hint: remedies[errno] ?? 'name another address (listen: in the configuration)',
    cause: error,
  })
}
