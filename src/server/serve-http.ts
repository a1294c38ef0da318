import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { createLimiter, type Limiter } from '../base/concurrency.ts'
import { isCode } from '../base/errors.ts'
import { nodeHttp } from '../base/http.ts'
import type { ListenAddress } from '../base/listen-address.ts'
import { hostName, parseStreamId } from '../format/keys.ts'
import { type AccessRules, admit, mayRead, type Reader } from './access.ts'
import { problemAnswer } from './api-context.ts'
import { bindServer } from './listen.ts'
import { loadMax, lookupsAtOnce, type ServerLoad } from './load.ts'
import { problem, problemOf } from './problem.ts'
import { type Answer, findRoute, type Route } from './route.ts'

/** Certificate and key, and the authority whose client certificates count, as PEM. */
export interface TlsFiles {
  cert: Buffer
  key: Buffer
  clientCa?: Buffer | undefined
}

export interface HttpOptions {
  address: ListenAddress
  routes: readonly Route[]
  rules: AccessRules
  load: ServerLoad
  /** Hosts that are served at all. */
  acceptsHost?: (host: string) => boolean
  tls?: TlsFiles | undefined
  /** A request that was refused because of who asked. */
  onRefused: (refused: Refused) => void
  onAnswered?: (status: number) => void
  /** Our own bugs: the client hears nothing of them. */
  onBug: (error: unknown) => void
}

export interface Refused {
  status: number
  why: string
  who?: string | undefined
  from: string
  method: string
  path: string
}

export interface HttpServer {
  readonly address: ListenAddress
  /** For connections from now on. */
  renew(tls: TlsFiles): void
  /** Ends all connections. Idempotent. */
  close(): Promise<void>
}

/** A request of ours is a line and some headers; cookies of the same machine's other servers come along. */
const headerBytesMax = 16 * 1024
/** From its first byte on; and a connection on which nothing moves, be it that the client takes nothing. */
const requestMs = 10_000
const idleMs = 60_000

/** Of every answer: nothing of ours is framed, sniffed, run or kept by anybody. */
const safeHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** Rejects with `unavailable` where the address cannot be had. */
export async function serveHttp(options: HttpOptions): Promise<HttpServer> {
  const stop = new AbortController()
  const limiter = createLimiter(lookupsAtOnce)
  const settings = {
    maxHeaderSize: headerBytesMax,
    headersTimeout: requestMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: 1_000,
    keepAliveTimeout: 15_000,
    handshakeTimeout: requestMs,
    // A client that takes nothing for a minute shall not hold more than this of ours in the socket.
    highWaterMark: 16 * 1024,
  }
  const onRequest = (request: IncomingMessage, response: ServerResponse): void =>
    void handle(options, limiter, request, response, stop.signal)
  const tlsServer = options.tls && createTlsServer({ ...settings, ...secure(options.tls) }, onRequest)
  const server: Server = tlsServer ?? nodeHttp().createServer(settings, onRequest)
  server.maxConnections = loadMax.connections
  server.setTimeout(idleMs)
  const address = await bindServer(server, options.address)
  return {
    address,
    renew: (tls) => tlsServer?.setSecureContext(secure(tls)),
    close: () =>
      new Promise((resolve) => {
        stop.abort()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** A certificate that nobody vouches for is no reason to hang up: its bearer may have a token. */
function secure({ cert, key, clientCa }: TlsFiles) {
  const client = clientCa ? { ca: clientCa, requestCert: true, rejectUnauthorized: false } : {}
  return { cert, key, minVersion: 'TLSv1.2' as const, ...client }
}

async function handle(
  options: HttpOptions,
  limiter: Limiter,
  request: IncomingMessage,
  response: ServerResponse,
  stopped: AbortSignal,
): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort(new Error('the client went away')))
  response.on('error', () => gone.abort(new Error('the client went away')))
  // A body has no meaning here: it is not waited for, and the connection ends with the answer.
  if (request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined)
    response.shouldKeepAlive = false
  const signal = AbortSignal.any([gone.signal, stopped])
  let answer: Answer
  try {
    answer = await answerTo(options, limiter, request, signal)
  } catch (error) {
    if (signal.aborted) return void response.destroy()
    answer = problemAnswer(problemOf(error))
    if (answer.status === 500) options.onBug(error)
  }
  options.onAnswered?.(answer.status)
  try {
    await send(request, response, answer)
  } catch (error) {
    // What was promised cannot be kept: only an end before the announced length says so.
    response.destroy()
    if (!signal.aborted && !isCode(error, 'unavailable', 'refused')) options.onBug(error)
  }
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: Answer,
): Promise<void> {
  const challenge = status === 401 ? { 'www-authenticate': 'Bearer realm="logcask"' } : {}
  const length = typeof body === 'string' && body !== '' ? { 'content-length': Buffer.byteLength(body) } : {}
  response.writeHead(status, { ...safeHeaders, ...challenge, ...length, ...headers })
  if (typeof body === 'string') return void response.end(request.method === 'HEAD' ? undefined : body)
  response.flushHeaders()
  await body(response)
  response.end()
}

async function answerTo(
  options: HttpOptions,
  limiter: Limiter,
  request: IncomingMessage,
  signal: AbortSignal,
): Promise<Answer> {
  const { method = '', url = '/' } = request
  const [path = '/', search = ''] = split(url)
  const found = findRoute(options.routes, path)
  const isOpen = typeof found === 'object' && found.route.isOpen === true
  const admission = isOpen ? undefined : admit(options.rules, credentialsOf(options, request))
  const refuse = (status: number, why: string, who?: string): Answer => {
    options.onRefused({ status, why, who, from: request.socket.remoteAddress ?? 'a local socket', method, path })
    return problemAnswer(problem(status, why))
  }
  if (admission?.kind === 'refused') return refuse(admission.status, admission.why, admission.who)
  if (method !== 'GET' && method !== 'HEAD') return problemAnswer(problem(405), { allow: 'GET, HEAD' })
  if (found === undefined)
    return problemAnswer(problem(404, 'no such path', { hint: 'GET /api/v1/openapi.json lists them' }))
  if (found === 'malformed') return problemAnswer(problem(400, 'the path is no percent-encoded UTF-8'))
  const { route, params } = found
  const reader: Reader = admission?.reader ?? { name: 'anybody', hosts: [] }
  const { host, stream } = params
  // Before anything is looked up: whether a host that is not the reader's exists is not his to know, either.
  const isTheirs = host === undefined || (mayRead(reader, host) && options.acceptsHost?.(host) !== false)
  if (!isTheirs) return refuse(403, 'this host is not among those to read', reader.name)
  if (route.path === '/metrics' && !reader.hosts.includes('*'))
    return refuse(403, 'metrics are of all hosts', reader.name)
  if (host !== undefined) hostName(host)
  if (stream !== undefined && parseStreamId(stream) === undefined)
    return problemAnswer(problem(404, 'no stream has such an id'))
  const query = route.query.safeParse(Object.fromEntries(new URLSearchParams(search)))
  if (!query.success) {
    const [issue] = query.error.issues
    return problemAnswer(
      problem(400, `query: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.replace(/ +/g, ' ')),
    )
  }
  const release = options.load.take('lookups')
  if (release === undefined) return problemAnswer(problem(503, 'too many ask at once'))
  try {
    const { headers } = request
    return await limiter(() =>
      route.answer({ params, query: query.data, headers, isHead: method === 'HEAD', reader, signal }),
    )
  } finally {
    release()
  }
}

function split(url: string): [path: string, search: string] {
  const at = url.indexOf('?')
  return at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)]
}

function credentialsOf({ address }: HttpOptions, { headers, socket }: IncomingMessage) {
  const { authorized, getPeerCertificate } = socket as Partial<TLSSocket>
  const name: unknown = authorized === true ? getPeerCertificate?.call(socket).subject?.CN : undefined
  return {
    authorization: headers.authorization,
    host: address.kind === 'unix' ? undefined : (headers.host ?? ''),
    // Several common names are nobody's.
    subject: typeof name === 'string' ? name : undefined,
  }
}
