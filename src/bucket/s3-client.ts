import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import type { Clock } from '../base/clock.ts'
import type { LogcaskError } from '../base/errors.ts'
import { createAgents, type S3Agents } from './s3-agents.ts'
import { type CredentialSearch, quiet, searchCredentials } from './s3-credentials.ts'
import { requireEncrypted, storeHeaders } from './s3-headers.ts'
import { profileRegion } from './s3-profile.ts'
import { requestTimeoutMsDefault, requireConsistent, requireEndpoint, type S3Settings } from './s3-settings.ts'

/** Instance metadata, SSO and credential processes answer in far less, or not at all. */
const credentialsTimeoutMs = 5_000

/** A search goes on after its deadline for so long, then twice as long each time: what hangs may be a process of its own. */
const giveUpFirstMs = 60_000

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
  /** What stands between here and the store. */
  way: Pick<S3Agents, 'inTurn' | 'proxyFor' | 'certificate'>
  close(): void
}

/** Throws `invalid` for a setting that cannot work; asks nobody anything. `warn` hears of files that go bad later. */
export function createS3Connection(
  settings: S3Settings,
  clock: Clock,
  warn: (warning: LogcaskError) => void,
): S3Connection {
  if (settings.endpoint !== undefined) requireEndpoint(settings.endpoint, 'endpoint')
  requireConsistent(settings, settings.endpoint)
  const agents = createAgents(settings, clock, warn)
  // What gives out credentials is not the store: it gets none of its certificates. Most need no such connections.
  let others: S3Agents | undefined
  const requestHandler = () => {
    others ??= createAgents({ bucket: '', prefix: '', connectionsMax: 2 }, clock, warn)
    return { ...handlerOf(others), socketTimeout: credentialsTimeoutMs, throwOnRequestTimeout: true }
  }
  let made: Promise<S3Connected> | undefined
  let latest: S3Connected | undefined
  let search: CredentialSearch | undefined

  const make = async (): Promise<S3Connected> => {
    // The SDK's own search of the environment and the files, without what it would do with it.
    const found = new S3Client({ ...quiet, ...(settings.profile === undefined ? {} : { profile: settings.profile }) })
    const endpoint = settings.endpoint ?? (await found.config.serviceConfiguredEndpoint?.())
    if (endpoint !== undefined) requireEndpoint(endpoint, 'AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or endpoint_url')
    requireConsistent(settings, endpoint)
    const region = settings.region ?? (await regionOf(found, endpoint, settings.profile))
    search = searchCredentials({ ...settings, region, requestHandler }, process.env, clock)
    const config: S3ClientConfig = {
      ...quiet,
      region,
      credentials: search.find,
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
        ...handlerOf(agents),
        socketTimeout: settings.requestTimeoutMs ?? requestTimeoutMsDefault,
        throwOnRequestTimeout: true,
      },
    }
    if (endpoint !== undefined) config.endpoint = endpoint
    if (settings.profile !== undefined) config.profile = settings.profile
    if (settings.fips) config.useFipsEndpoint = true
    if (settings.dualStack) config.useDualstackEndpoint = true
    const client = new S3Client(config)
    signWithChecksum(client)
    sendStoreHeaders(client, settings)
    latest = { client, endpoint }
    return latest
  }

  let askedSinceMs: number | undefined
  let giveUpMs = giveUpFirstMs
  const settle = (): void => {
    askedSinceMs = undefined
    giveUpMs = giveUpFirstMs
  }
  /** A source that hangs for good must not keep us from asking it again. */
  const giveUpLate = (): void => {
    if (askedSinceMs === undefined || clock.monotonic() - askedSinceMs < giveUpMs) return
    made = undefined
    askedSinceMs = undefined
    giveUpMs *= 2
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
      askedSinceMs ??= clock.monotonic()
      ready.then(settle, () => {
        settle()
        if (made === current) made = undefined
      })
      return withDeadline(ready, credentialsTimeoutMs, clock, () => {
        if (made === current) giveUpLate()
        return search?.account() ?? ''
      })
    },
    forget(connected) {
      if (connected === latest) made = undefined
    },
    way: agents,
    close() {
      for (const made of [agents, others]) {
        made?.httpAgent.destroy()
        made?.httpsAgent.destroy()
      }
    },
  }
}

function handlerOf({ httpAgent, httpsAgent }: S3Agents) {
  return { httpAgent, httpsAgent, logger: quiet.logger }
}

async function regionOf(found: S3Client, endpoint: string | undefined, profile: string | undefined): Promise<string> {
  const named = process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION
  if (named) return named
  if (endpoint !== undefined) return (await profileRegion(profile, process.env)) ?? 'us-east-1'
  try {
    return await found.config.region()
  } catch (cause) {
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

/** What every request says of how objects are to be stored, and whose the bucket is; and whether that was done. */
function sendStoreHeaders(client: S3Client, settings: S3Settings): void {
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      (args) => {
        Object.assign(
          (args.request as { headers: Record<string, string> }).headers,
          storeHeaders(commandName, settings),
        )
        return next(args)
      },
    { step: 'build', name: 'sendStoreHeaders' },
  )
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const result = await next(args)
        requireEncrypted(commandName, result.response as Parameters<typeof requireEncrypted>[1], settings)
        return result
      },
    { step: 'deserialize', name: 'requireEncrypted', priority: 'low' },
  )
}

async function withDeadline<T>(
  promise: Promise<T>,
  timeoutMs: number,
  clock: Clock,
  account: () => string,
): Promise<T> {
  let cancel = (): void => {}
  const late = new Promise<never>((_, reject) => {
    cancel = clock.timer(timeoutMs, () => {
      const message = `no credentials within ${timeoutMs} ms: ${account()}`
      reject(Object.assign(new Error(message), { code: 'ETIMEDOUT' }))
    })
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    cancel()
  }
}
