import type { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { SecureContext } from 'node:tls'
import type { Clock } from '../base/clock.ts'
import { createLimiter, type Limiter } from '../base/concurrency.ts'
import type { LogcaskError } from '../base/errors.ts'
import { nodeHttp } from '../base/http.ts'
import { type Proxies, readProxies } from './s3-proxy.ts'
import { connectionsMaxDefault, connectTimeoutMsDefault, type S3Settings } from './s3-settings.ts'
import { type ClientCertificate, openTlsFiles } from './s3-tls.ts'

/** Firewalls forget idle connections silently; a PUT into such a hole would wait for the request timeout. */
const idleConnectionMs = 60_000

/** The connections of one bucket, by way of the environment's proxies. */
export interface S3Agents {
  httpAgent: HttpAgent
  httpsAgent: HttpsAgent
  /** For each request with its whole answer: Node does not count tunnels to `connectionsMax` before they stand. */
  inTurn: Limiter
  proxyFor: Proxies['proxyFor']
  /** The one that the next connection shows. */
  certificate(): ClientCertificate | undefined
}

/** Throws `invalid` for certificates and proxies that cannot be used. `warn` hears of those that go bad later. */
export function createAgents(settings: S3Settings, clock: Clock, warn: (warning: LogcaskError) => void): S3Agents {
  const { env, proxyFor } = readProxies(process.env)
  const tls = openTlsFiles(settings, process.env, warn)
  const connectionsMax = settings.connectionsMax ?? connectionsMaxDefault
  const options = {
    keepAlive: true,
    maxSockets: connectionsMax,
    timeout: idleConnectionMs,
    proxyEnv: env,
  }
  const timeoutMs = settings.connectTimeoutMs ?? connectTimeoutMsDefault
  // A resumed session would go on with the certificate that it began with, renewed or not.
  const httpsAgent = new HttpsAgent({ ...options, ...(tls.current().context && { maxCachedSessions: 0 }) })
  const httpAgent = new (nodeHttp().Agent)(options)
  limitConnecting(httpAgent, 'connect', timeoutMs, clock)
  limitConnecting(httpsAgent, 'secureConnect', timeoutMs, clock)
  const connect = httpsAgent.createConnection.bind(httpsAgent)
  httpsAgent.createConnection = (given, callback) => {
    const { context: secureContext } = tls.current()
    const secured: typeof given & { secureContext?: SecureContext } = {
      ...given,
      ...(secureContext && { secureContext }),
    }
    return connect(secured, callback)
  }
  const inTurn: Limiter = env.https_proxy === undefined ? (work) => work() : createLimiter(connectionsMax)
  return { httpAgent, httpsAgent, inTurn, proxyFor, certificate: () => tls.current().certificate }
}

/**
 * The SDK's own connection timeout also counts the wait for a free connection, and not TLS: this one counts from the
 * first packet until `readyEvent`, or until the proxy's tunnel stands and TLS in it, which only the callback tells.
 */
function limitConnecting(agent: HttpAgent, readyEvent: string, timeoutMs: number, clock: Clock): void {
  const create = agent.createConnection.bind(agent)
  agent.createConnection = (options, callback) => {
    let cancel = (): void => {}
    const socket = create(options, (error, made) => {
      cancel()
      callback?.(error, made)
    })
    const stop = clock.timer(timeoutMs, () => {
      const error = new Error(`no connection within ${timeoutMs} ms`)
      socket?.destroy(Object.assign(error, { code: 'ETIMEDOUT' }))
    })
    cancel = stop
    socket?.once(readyEvent, stop).once('close', stop)
    return socket
  }
}
