import { readFileSync } from 'node:fs'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { Clock } from '../base/clock.ts'
import { LogcaskError, messageOf } from '../base/errors.ts'
import { connectionsMaxDefault, connectTimeoutMsDefault, type S3Settings } from './s3-settings.ts'

/** Firewalls forget idle connections silently; a PUT into such a hole would wait for the request timeout. */
const idleConnectionMs = 60_000

/** The connections of one bucket. Throws `invalid` for certificates that cannot be used. */
export function createAgents(settings: S3Settings, clock: Clock): { httpAgent: HttpAgent; httpsAgent: HttpsAgent } {
  const options = {
    keepAlive: true,
    maxSockets: settings.connectionsMax ?? connectionsMaxDefault,
    timeout: idleConnectionMs,
  }
  const timeoutMs = settings.connectTimeoutMs ?? connectTimeoutMsDefault
  const secureContext = createTlsContext(settings)
  const httpsAgent = new HttpsAgent({ ...options, ...(secureContext && { secureContext }) })
  const httpAgent = new HttpAgent(options)
  limitConnecting(httpAgent, 'connect', timeoutMs, clock)
  limitConnecting(httpsAgent, 'secureConnect', timeoutMs, clock)
  return { httpAgent, httpsAgent }
}

/** Undefined: the public authorities, and no certificate of ours. Read once: a changed file counts after a reload. */
function createTlsContext({ caFile, certFile, keyFile }: S3Settings): SecureContext | undefined {
  const ca = readPem('ca', caFile) ?? readPem('AWS_CA_BUNDLE', process.env.AWS_CA_BUNDLE || undefined)
  const cert = readPem('cert', certFile)
  const key = readPem('key', keyFile)
  if ((cert === undefined) !== (key === undefined)) {
    throw new LogcaskError('invalid', `${cert ? 'cert' : 'key'}: is set without ${cert ? 'key' : 'cert'}:`, {
      hint: 'set both cert: and key: (--cert, --key), or neither',
    })
  }
  if (ca === undefined && cert === undefined) return undefined
  try {
    return createSecureContext({ ca, cert, key })
  } catch (cause) {
    const files = [caFile, certFile, keyFile].filter((file) => file !== undefined).join(', ')
    throw new LogcaskError('invalid', `ca:, cert: and key: (${files}): ${messageOf(cause)}`, {
      hint: 'check that the key belongs to the certificate, has no passphrase, and that all are PEM',
      cause,
    })
  }
}

/**
 * The SDK's own connection timeout also counts the wait for a free connection, and not TLS: this one counts from the
 * first packet until `readyEvent`.
 */
function limitConnecting(agent: HttpAgent, readyEvent: string, timeoutMs: number, clock: Clock): void {
  const create = agent.createConnection.bind(agent)
  agent.createConnection = (options, callback) => {
    const socket = create(options, callback)
    const cancel = clock.timer(timeoutMs, () => {
      const error = new Error(`no connection within ${timeoutMs} ms`)
      socket?.destroy(Object.assign(error, { code: 'ETIMEDOUT' }))
    })
    socket?.once(readyEvent, cancel).once('close', cancel)
    return socket
  }
}

function readPem(setting: string, path: string | undefined): Buffer | undefined {
  if (path === undefined) return undefined
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (cause) {
    throw new LogcaskError('invalid', `${setting}: cannot read ${path}: ${messageOf(cause)}`, {
      hint: `name a PEM file that this user may read in ${setting}`,
      cause,
    })
  }
  if (!bytes.includes('-----BEGIN ')) {
    throw new LogcaskError('invalid', `${setting}: ${path} is not in PEM form`, {
      hint: `convert it: openssl x509 -inform der -in ${path} -out ${path}.pem`,
    })
  }
  return bytes
}
