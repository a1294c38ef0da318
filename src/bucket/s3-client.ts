import { readFileSync } from 'node:fs'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import type { Clock } from '../base/clock.ts'
import { LogcaskError, messageOf } from '../base/errors.ts'

export interface S3Settings {
  bucket: string
  /** '' or ends in '/'. */
  prefix: string
  /** `http://host:port` of a store that is not AWS. Default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile's, AWS. */
  endpoint?: string | undefined
  /** Default: AWS_REGION, AWS_DEFAULT_REGION, the profile's; us-east-1 where an endpoint is set. */
  region?: string | undefined
  profile?: string | undefined
  /** PEM: the authority to trust instead of the public ones. Default: AWS_CA_BUNDLE. */
  caFile?: string | undefined
  /** PEM: our certificate and its key. */
  certFile?: string | undefined
  keyFile?: string | undefined
  /** A connection on which nothing moves for so long is given up. */
  requestTimeoutMs?: number | undefined
  /** For address, connection and TLS together. */
  connectTimeoutMs?: number | undefined
  connectionsMax?: number | undefined
}

/** 30 s: longer than any store thinks, and short enough that a dead one is noticed. */
const requestTimeoutMsDefault = 30_000
const connectTimeoutMsDefault = 5_000
/** Enough to fill a line with 8 MiB segments; each connection may hold one segment in memory. */
const connectionsMaxDefault = 16
/** Instance metadata, SSO and credential processes answer in far less, or not at all. */
const credentialsTimeoutMs = 5_000
/** Firewalls forget idle connections silently; a PUT into such a hole would wait for the request timeout. */
const idleConnectionMs = 60_000

export interface S3Connected {
  client: S3Client
  /** Undefined: AWS. */
  endpoint: string | undefined
}

/** The SDK's client, made at first use and again after `forget`, on connections that outlive it. */
export interface S3Connection {
  /** Ready to sign: rejects with the SDK's error where there is no region, or no credentials within 5 s. */
  connect(): Promise<S3Connected>
  /** After a refusal: the next `connect` looks for region and credentials anew, somebody may have corrected them. */
  forget(connected: S3Connected): void
  close(): void
}

/** Throws `invalid` for a setting that cannot work; asks nobody anything. */
export function createS3Connection(settings: S3Settings, clock: Clock): S3Connection {
  const explicitEndpoint = settings.endpoint === undefined ? undefined : checkedEndpoint(settings.endpoint)
  const agents = createAgents(settings, clock)
  let made: Promise<S3Connected> | undefined
  let latest: S3Connected | undefined

  const make = async (): Promise<S3Connected> => {
    // The SDK's own search of the environment and the files, without what it would do with it.
    const found = new S3Client({ ...quiet, ...(settings.profile === undefined ? {} : { profile: settings.profile }) })
    const endpoint = explicitEndpoint ?? (await found.config.serviceConfiguredEndpoint?.())
    const region = settings.region ?? (await regionOf(found, endpoint))
    const config: S3ClientConfig = {
      ...quiet,
      region,
      // Buckets as host names need DNS entries that other stores do not have.
      forcePathStyle: endpoint !== undefined,
      expectContinueHeader: false,
      // Our own layer repeats requests, and knows which answers may be repeated.
      maxAttempts: 1,
      // A clock that is off is reported, not worked around: times are in our records.
      disableClockSkewCorrection: true,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: {
        ...agents,
        socketTimeout: settings.requestTimeoutMs ?? requestTimeoutMsDefault,
        throwOnRequestTimeout: true,
        logger: quiet.logger,
      },
    }
    if (endpoint !== undefined) config.endpoint = endpoint
    if (settings.profile !== undefined) config.profile = settings.profile
    const client = new S3Client(config)
    signWithChecksum(client)
    latest = { client, endpoint }
    return latest
  }

  return {
    async connect() {
      made ??= make()
      const current = made
      // Memoized by the SDK, which renews them before they expire. A search that takes too long goes on for the next call.
      const ready = current.then(async (connected) => {
        await connected.client.config.credentials()
        return connected
      })
      ready.catch(() => {
        if (made === current) made = undefined
      })
      return withDeadline(ready, credentialsTimeoutMs, clock)
    },
    forget(connected) {
      if (connected === latest) made = undefined
    },
    close() {
      agents.httpAgent.destroy()
      agents.httpsAgent.destroy()
    },
  }
}

/**
 * `ignoreCache`: the SDK keeps the files with credentials in memory for the process's life; corrected ones must count
 * without a restart. Its warnings are not for our stderr: what matters arrives as an error.
 */
const quiet = {
  ignoreCache: true,
  logger: { trace() {}, debug() {}, info() {}, warn() {}, error() {} },
}

async function regionOf(found: S3Client, endpoint: string | undefined): Promise<string> {
  const named = process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION
  if (named) return named
  try {
    return await found.config.region()
  } catch (cause) {
    if (endpoint !== undefined) return 'us-east-1'
    throw Object.assign(new Error('no region is set', { cause }), { code: 'RegionMissing' })
  }
}

/** The SHA-256 that travels as the checksum signs the request, too: the SDK would hash the body a second time. */
function signWithChecksum(client: S3Client): void {
  client.middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> }
      const checksum = headers['x-amz-checksum-sha256']
      if (checksum !== undefined) headers['x-amz-content-sha256'] = Buffer.from(checksum, 'base64').toString('hex')
      return next(args)
    },
    { step: 'build', name: 'signWithChecksum' },
  )
}

function createAgents(settings: S3Settings, clock: Clock): { httpAgent: HttpAgent; httpsAgent: HttpsAgent } {
  const options = {
    keepAlive: true,
    maxSockets: settings.connectionsMax ?? connectionsMaxDefault,
    timeout: idleConnectionMs,
  }
  const timeoutMs = settings.connectTimeoutMs ?? connectTimeoutMsDefault
  const ca = readPem('ca', settings.caFile) ?? readPem('AWS_CA_BUNDLE', process.env.AWS_CA_BUNDLE || undefined)
  const cert = readPem('cert', settings.certFile)
  const key = readPem('key', settings.keyFile)
  if ((cert === undefined) !== (key === undefined)) {
    throw new LogcaskError('invalid', `${cert ? 'cert:' : 'key:'} is set without ${cert ? 'key:' : 'cert:'}`, {
      hint: 'set both cert: and key: (--cert, --key), or neither',
    })
  }
  const httpsAgent = new HttpsAgent({ ...options, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) })
  const httpAgent = new HttpAgent(options)
  limitConnecting(httpAgent, 'connect', timeoutMs, clock)
  limitConnecting(httpsAgent, 'secureConnect', timeoutMs, clock)
  return { httpAgent, httpsAgent }
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

async function withDeadline<T>(promise: Promise<T>, timeoutMs: number, clock: Clock): Promise<T> {
  let cancel = (): void => {}
  const late = new Promise<never>((_, reject) => {
    cancel = clock.timer(timeoutMs, () => {
      reject(Object.assign(new Error(`no credentials within ${timeoutMs} ms`), { code: 'ETIMEDOUT' }))
    })
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    cancel()
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

function checkedEndpoint(endpoint: string): string {
  if (/^https?:\/\//i.test(endpoint) && URL.canParse(endpoint)) {
    const { username, password } = new URL(endpoint)
    if (username === '' && password === '') return endpoint
    throw new LogcaskError('invalid', `endpoint: holds a credential`, {
      hint: 'use profile: or AWS_ACCESS_KEY_ID: addresses are logged',
    })
  }
  throw new LogcaskError('invalid', `endpoint: ${endpoint} is no http:// or https:// address`, {
    hint: `write endpoint: http://${endpoint.replace(/^\w*:?\/*/, '') || 'host:port'}`,
  })
}
