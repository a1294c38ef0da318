import { pathForPeople } from '../base/path-bytes.ts'
import { isCertificateTime, isClientCertificate, isNoTls, isUntrusted, type StoreAnswer } from './answer.ts'

/** What was asked, of whom: enough to say what to do about the answer. */
export interface S3Request {
  /** As S3 names it (`PutObject`); `credentials` for what comes before any request. */
  operation: string
  /** The whole key or prefix, as the store sees it. */
  key: string
}

export interface RemedyPlace {
  bucket: string
  prefix: string
  /** Undefined: AWS. */
  endpoint: string | undefined
  profile: string | undefined
}

/** One line for people: `403 AccessDenied on PutObject`, and what the store said where that tells more. */
export function describeAnswer(answer: StoreAnswer, request: S3Request): string {
  const { status, code, message } = answer
  if (code === 'CredentialsProviderError') return `no credentials: ${shown(message ?? '')}`
  const what = [status, code].filter((part) => part !== undefined && part !== 'Unknown').join(' ') || 'no answer'
  const where = request.operation === 'credentials' ? 'looking for credentials' : `on ${request.operation}`
  const said = message === undefined || message === '' || message === 'UnknownError' ? '' : `: ${shown(message)}`
  return `${what} ${where}${code !== undefined && selfEvident.has(code) ? '' : said}`
}

/** Codes whose message repeats the code, or names what the remedy names. */
const selfEvident = new Set(['NoSuchBucket', 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'RequestTimeTooSkewed'])

/** What to do, in the imperative. `nowMs` is this machine's clock. */
export function remedyFor(
  answer: StoreAnswer,
  request: S3Request,
  place: RemedyPlace,
  nowMs: number,
): string | undefined {
  const { status, code = '' } = answer
  const local = remedyOnThisSide(code, request, place)
  if (local !== undefined) return local
  switch (code) {
    case 'AccessDenied':
    case 'AllAccessDisabled':
      return allow(answer, request, place)
    case 'NoSuchBucket':
      return `check the spelling of ${place.bucket}, and that it is at ${storeOf(place)}; nothing here creates buckets`
    case 'InvalidAccessKeyId':
      return `${storeOf(place)} does not know this access key: check ${credentialsOf(place)}`
    case 'SignatureDoesNotMatch':
      return `the secret does not belong to the access key: check ${credentialsOf(place)}`
    case 'ExpiredToken':
    case 'ExpiredTokenException':
    case 'InvalidToken':
    case 'TokenRefreshRequired':
      return `renew the session in ${credentialsOf(place)} (aws sso login, or whatever issued it)`
    case 'RequestTimeTooSkewed':
      return clockRemedy(answer, nowMs)
    case 'NotImplemented':
      return 'this store cannot create without overwriting (If-None-Match: *): use another one'
    case 'InvalidBucketName':
      return `${place.bucket} is no name that a bucket can have: check the URL`
    case 'QuotaExceeded':
      return `raise the quota of ${place.bucket}, or free space in it`
    case 'SlowDown':
      return 'the store asks for fewer requests: lower rate: for this destination if it goes on'
  }
  if (answer.region !== undefined) return `${place.bucket} is in ${answer.region}: set region: (--region) to that`
  return status === undefined ? undefined : remedyForStatus(status, request, place)
}

function remedyForStatus(status: number, request: S3Request, place: RemedyPlace): string | undefined {
  if (status === 301 || status === 307 || status === 400) {
    return `check region: and endpoint: of ${place.bucket}: ${storeOf(place)} does not take the request as it is`
  }
  if (status === 403) return allow({ status }, request, place)
  if (status === 404) return `check ${place.bucket} and endpoint:: ${storeOf(place)} does not answer as S3 does`
  if (status === 411 || status === 413) return 'something before the store does not pass the body on: look for a proxy'
  if (status === 501) return 'this store cannot do what is needed: use another one'
  return status >= 500 ? 'the store has a problem of its own: look at its log' : undefined
}

function remedyOnThisSide(code: string, request: S3Request, place: RemedyPlace): string | undefined {
  if (isUntrusted(code)) return `set ca: (--ca) to the PEM file of the authority that ${storeOf(place)} is signed by`
  if (isCertificateTime(code)) return `renew the certificate of ${storeOf(place)}, or set this machine's clock`
  if (isClientCertificate(code)) return `set cert: and key: (--cert, --key) to what ${storeOf(place)} accepts`
  if (isNoTls(code)) return `${storeOf(place)} does not speak TLS: write http:// in endpoint:, or another port`
  switch (code) {
    case 'CredentialsProviderError':
      return place.profile === undefined
        ? 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give this machine a role'
        : `check ${credentialsOf(place)}`
    case 'RegionMissing':
      return 'set region: (--region), or AWS_REGION'
    case 'ECONNREFUSED':
      return `nothing listens at ${storeOf(place)}: start the store, or correct endpoint:`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `no address for ${storeOf(place)}: check endpoint: and region:, and this machine's DNS`
    case 'ETIMEDOUT':
    case 'TimeoutError':
      return `no answer from ${storeOf(place)} in time: check the network between`
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `no way to ${storeOf(place)}: check the network`
  }
  if (code.startsWith('HPE_')) return `${storeOf(place)} does not speak HTTP: check endpoint: (https://?)`
  return request.operation === 'credentials' ? `check ${credentialsOf(place)}` : undefined
}

/** The permission that is missing: as the store names it, else what the operation needs. */
function allow(answer: StoreAnswer, request: S3Request, place: RemedyPlace): string {
  // "User: … is not authorized to perform: kms:Decrypt on resource: "arn:…" because …"
  const named = /perform: ([a-z0-9-]+:[A-Za-z]+)(?: on resource: "?([^"\s]+))?/.exec(answer.message ?? '')
  if (named?.[1] !== undefined) return `allow ${named[1]}${named[2] === undefined ? '' : ` on ${shown(named[2])}`}`
  const room = `${place.bucket}/${roomOf(request.key, place.prefix)}*`
  switch (request.operation) {
    case 'PutObject':
      return `allow s3:PutObject on ${room}`
    case 'GetObject':
      return `allow s3:GetObject on ${room}, and s3:ListBucket on ${place.bucket} (without it S3 says 403 for what is not there)`
    case 'GetObjectVersion':
      return `allow s3:GetObjectVersion on ${room}`
    case 'ListObjectsV2':
      return `allow s3:ListBucket on ${place.bucket}`
    case 'ListObjectVersions':
      return `allow s3:ListBucketVersions on ${place.bucket}`
    default:
      return `allow ${request.operation} on ${place.bucket}`
  }
}

/** `prod/segments/web-1/` of a key below it: what a policy is written for. */
function roomOf(key: string, prefix: string): string {
  const parts = key.slice(prefix.length).split('/')
  return (
    prefix +
    parts
      .slice(0, Math.min(2, parts.length - 1))
      .map((part) => `${part}/`)
      .join('')
  )
}

function clockRemedy(answer: StoreAnswer, nowMs: number): string {
  const set = 'set it (timedatectl set-ntp true)'
  if (answer.storeTimeMs === undefined) return `this machine's clock is off: ${set}`
  const aheadMs = nowMs - answer.storeTimeMs
  return `this machine's clock is ${spanOf(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'} the store's: ${set}`
}

function spanOf(ms: number): string {
  const minutes = Math.round(ms / 60_000)
  if (minutes < 120) return `${minutes} min`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`
}

function storeOf(place: RemedyPlace): string {
  return place.endpoint ?? 'AWS'
}

function credentialsOf(place: RemedyPlace): string {
  return place.profile === undefined
    ? 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the role of this machine'
    : `profile ${place.profile} in ~/.aws/credentials and ~/.aws/config`
}

/** A store's words on our terminal: one line, no control characters, not endless. */
function shown(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return pathForPeople(line.length > 300 ? `${line.slice(0, 300)}…` : line)
}
