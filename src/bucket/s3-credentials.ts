import { hostname } from 'node:os'
import type { S3ClientConfig } from '@aws-sdk/client-s3'
import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { S3Settings } from './s3-settings.ts'

type Credentials = Exclude<NonNullable<S3ClientConfig['credentials']>, (...args: never[]) => unknown>

export interface CredentialSearch {
  /** Asks the sources in turn, as the SDK and the aws command do. Rejects with the account, and its last error as cause. */
  find(): Promise<Credentials>
  /** What each source said in the search that is on, or was last. */
  account(): string
}

/** Where credentials may come from. `find` is undefined where nothing on this machine points there: `said` is why. */
interface Source {
  name: string
  said?: string
  find?: () => Promise<Credentials>
}

export interface SearchSettings extends Pick<S3Settings, 'profile' | 'roleArn' | 'externalId' | 'fips' | 'dualStack'> {
  region: string
  /** For STS and SSO: by the environment's proxies, and never with the destination's own certificates. */
  requestHandler: () => NonNullable<S3ClientConfig['requestHandler']>
}

/**
 * `ignoreCache`: the SDK keeps the files with credentials in memory for the process's life; corrected ones must count
 * without a restart. Its warnings are not for our stderr: what matters arrives as an error.
 */
export const quiet = {
  ignoreCache: true,
  logger: { trace() {}, debug() {}, info() {}, warn() {}, error() {} },
}

/** A local service answers in far less, or is not there. Two of them, one after the other, stay below 5 s. */
const localAnswerMs = 1_000
/** While the old credentials are good, a renewal that failed is tried again so much later. */
const renewAgainMs = 30_000

export function searchCredentials(settings: SearchSettings, env: NodeJS.ProcessEnv, clock: Clock): CredentialSearch {
  let entries: { name: string; said: string | undefined }[] = []
  const account = (): string => entries.map(({ name, said = 'no answer yet' }) => `${name}: ${said}`).join('; ')

  const ask = async ({ name, said, find }: Source): Promise<Credentials | undefined> => {
    const entry = { name, said }
    entries.push(entry)
    if (find === undefined) return undefined
    try {
      const found = await find()
      entry.said = 'found'
      return found
    } catch (cause) {
      entry.said = saidBy(cause)
      // The SDK's own word for "not here, ask the next one". Anything else is the answer of a source that is meant.
      if (isObject(cause) && cause.tryNextLink === true && !isTransient(cause)) return undefined
      throw failure(account(), cause)
    }
  }
  const search = async (): Promise<Credentials> => {
    entries = []
    for (const source of sourcesIn(settings, env)) {
      const found = await ask(source)
      if (found === undefined) continue
      const { roleArn } = settings
      if (roleArn === undefined) return found
      const role = await ask({ name: `role ${roleArn}`, find: () => assumeRole(found, roleArn, settings, env) })
      if (role !== undefined) return role
      break
    }
    throw failure(account(), undefined)
  }

  let last: Credentials | undefined
  let nextRenewalMs = 0
  return {
    account,
    // The SDK asks once, and again 5 minutes before they expire: until then a source that is away for a moment is no loss.
    async find() {
      const now = clock.now()
      const isGood = last?.expiration !== undefined && last.expiration.getTime() > now
      if (last !== undefined && isGood && now < nextRenewalMs) return last
      try {
        last = await search()
      } catch (error) {
        if (last === undefined || !isGood) throw error
        nextRenewalMs = now + renewAgainMs
      }
      return last
    },
  }
}

/** In the SDK's order. Each is loaded when it is asked. */
function sourcesIn(settings: SearchSettings, env: NodeJS.ProcessEnv): Source[] {
  const { region, requestHandler, fips, dualStack } = settings
  const profile = settings.profile ?? (env.AWS_PROFILE || undefined)
  const clientConfig = { ...(fips && { useFipsEndpoint: true }), ...(dualStack && { useDualstackEndpoint: true }) }
  const options = () => ({
    ...quiet,
    clientConfig,
    parentClientConfig: { region, requestHandler: requestHandler(), logger: quiet.logger },
  })
  const named = profile === undefined ? {} : { profile }
  return [
    environment(profile, env),
    {
      name: `profile ${profile ?? 'default'}`,
      find: async () => (await providers()).fromIni({ ...options(), ...named })(),
    },
    {
      name: 'web identity',
      ...(env.AWS_WEB_IDENTITY_TOKEN_FILE
        ? { find: async () => (await providers()).fromTokenFile(options())() }
        : { said: 'AWS_WEB_IDENTITY_TOKEN_FILE is not set' }),
    },
    machine(named, env),
  ]
}

function environment(profile: string | undefined, env: NodeJS.ProcessEnv): Source {
  const name = 'environment'
  if (profile !== undefined) return { name, said: 'not asked, a profile is named' }
  if (!env.AWS_ACCESS_KEY_ID || !env.AWS_SECRET_ACCESS_KEY) {
    return { name, said: `${env.AWS_ACCESS_KEY_ID ? 'AWS_SECRET_ACCESS_KEY' : 'AWS_ACCESS_KEY_ID'} is not set` }
  }
  // Without the SDK's providers, which take some MB: this is where most have theirs.
  const expiration = Date.parse(env.AWS_CREDENTIAL_EXPIRATION ?? '')
  const found: Credentials = {
    accessKeyId: env.AWS_ACCESS_KEY_ID,
    secretAccessKey: env.AWS_SECRET_ACCESS_KEY,
    ...(env.AWS_SESSION_TOKEN && { sessionToken: env.AWS_SESSION_TOKEN }),
    ...(!Number.isNaN(expiration) && { expiration: new Date(expiration) }),
  }
  return { name, find: async () => found }
}

/** The role of the container, or else that of the instance. */
function machine(named: { profile?: string }, env: NodeJS.ProcessEnv): Source {
  const options = { ...quiet, ...named, timeout: localAnswerMs }
  if (env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI || env.AWS_CONTAINER_CREDENTIALS_FULL_URI) {
    return { name: 'container role', find: async () => (await providers()).fromHttp({ ...options, maxRetries: 1 })() }
  }
  const name = 'instance role'
  const isDisabled = env.AWS_EC2_METADATA_DISABLED && env.AWS_EC2_METADATA_DISABLED !== 'false'
  if (isDisabled) return { name, said: 'AWS_EC2_METADATA_DISABLED is set' }
  return { name, find: async () => (await providers()).fromInstanceMetadata(options)() }
}

/** The session is named after this machine, so that CloudTrail and `aws:userid` tell whose it was. */
async function assumeRole(
  base: Credentials,
  roleArn: string,
  { externalId, region, requestHandler, fips, dualStack }: SearchSettings,
  env: NodeJS.ProcessEnv,
): Promise<Credentials> {
  const session = env.AWS_ROLE_SESSION_NAME || `logcask-${hostname()}`
  const { fromTemporaryCredentials } = await providers()
  return fromTemporaryCredentials({
    masterCredentials: base,
    params: {
      RoleArn: roleArn,
      ExternalId: externalId,
      RoleSessionName: session.replace(/[^\w+=,.@-]/g, '-').slice(0, 64),
    },
    clientConfig: {
      region,
      requestHandler: requestHandler(),
      ...(fips && { useFipsEndpoint: true }),
      ...(dualStack && { useDualstackEndpoint: true }),
    },
    logger: quiet.logger,
  })()
}

/** Loaded at the first look: an agent with `file://` destinations only never does. */
function providers(): Promise<typeof import('@aws-sdk/credential-providers')> {
  return import('@aws-sdk/credential-providers')
}

/** Named as answer.ts knows it: `CredentialsUnavailable` may be mended by asking again, the other one by somebody. */
function failure(account: string, cause: unknown): Error {
  const name = isObject(cause) && isTransient(cause) ? 'CredentialsUnavailable' : 'CredentialsProviderError'
  return Object.assign(new Error(account, { cause }), { name })
}

/** A source that is meant, and is not well at the moment. Of an instance's metadata only an answer proves that it is there. */
function isTransient(cause: Record<string, unknown>): boolean {
  const { $metadata, statusCode, name, code, message } = cause
  const status = isObject($metadata) ? $metadata.httpStatusCode : statusCode
  if (typeof status === 'number') return status >= 500 || status === 429 || /^(?:Expired|Throttl)/.test(String(name))
  if (/instance metadata/.test(String(message))) return false
  // The container's endpoint tells in its message only.
  return (
    /^(?:ECONN|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EPIPE)/.test(String(code)) ||
    /TimeoutError|ECONN|responded with status: (?:5|429)/.test(`${name} ${message}`)
  )
}

function saidBy(cause: unknown): string {
  const { name, statusCode } = isObject(cause) ? cause : {}
  const text = messageOf(cause).trim().replace(/\.$/, '')
  const isNews = typeof name === 'string' && !/^(?:Error|ProviderError|CredentialsProviderError)$/.test(name)
  return `${isNews && !text.startsWith(name) ? `${name}: ` : ''}${text}${typeof statusCode === 'number' ? ` (${statusCode})` : ''}`
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
