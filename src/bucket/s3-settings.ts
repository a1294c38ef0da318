import { LogcaskError } from '../base/errors.ts'

export interface S3Settings {
  bucket: string
  /** '' or ends in '/'. */
  prefix: string
  /** `http://host:port` of a store that is not AWS. Default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile's, AWS. */
  endpoint?: string | undefined
  /** Default: AWS_REGION, AWS_DEFAULT_REGION, the profile's; us-east-1 where an endpoint is set. */
  region?: string | undefined
  profile?: string | undefined
  /** The role to take on with the credentials found, and what its owner asks for. */
  roleArn?: string | undefined
  externalId?: string | undefined
  /** AWS only. */
  fips?: boolean | undefined
  dualStack?: boolean | undefined
  /** How objects are stored: sent with every PUT. Default: as the bucket says. */
  sse?: 'AES256' | 'aws:kms' | undefined
  kmsKey?: string | undefined
  storageClass?: string | undefined
  /** An account id: a bucket of somebody else's refuses. */
  expectedBucketOwner?: string | undefined
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

/** For people, and without credentials. */
export function urlOf({ bucket, prefix, endpoint }: S3Settings): string {
  return `s3://${bucket}/${prefix}${endpoint === undefined ? '' : `?endpoint=${endpoint}`}`
}

/** 30 s: longer than any store thinks, and short enough that a dead one is noticed. */
export const requestTimeoutMsDefault = 30_000
export const connectTimeoutMsDefault = 5_000
/** Enough to fill a line with 8 MiB segments; each connection may hold one segment in memory. */
export const connectionsMaxDefault = 16

/** Throws `invalid`, naming the `setting`, for what is no address or tells a secret. */
export function requireEndpoint(endpoint: string, setting: string): void {
  if (/^https?:\/\//i.test(endpoint) && URL.canParse(endpoint)) {
    const { username, password } = new URL(endpoint)
    if (username === '' && password === '') return
    throw new LogcaskError('invalid', `${setting}: holds a credential`, {
      hint: 'use profile: or AWS_ACCESS_KEY_ID: addresses are logged',
    })
  }
  throw new LogcaskError('invalid', `${setting}: ${endpoint} is no http:// or https:// address`, {
    hint: `write http://${endpoint.replace(/^\w*:?\/\/*/, '') || 'host:port'}, or https://`,
  })
}

/** Throws `invalid` for settings that contradict each other. `endpoint`: the one that counts. */
export function requireConsistent(settings: S3Settings, endpoint: string | undefined): void {
  const { fips, dualStack, sse, kmsKey } = settings
  if (endpoint !== undefined && (fips || dualStack)) {
    throw new LogcaskError('invalid', `${fips ? 'fips' : 'dualStack'}: is for AWS, and ${endpoint} is another store`, {
      hint: `leave out ${fips ? 'fips' : 'dualStack'}:, or the endpoint`,
    })
  }
  if (kmsKey !== undefined && sse !== 'aws:kms') {
    throw new LogcaskError('invalid', 'kmsKey: is set without sse: aws:kms', { hint: 'set sse: aws:kms as well' })
  }
}
