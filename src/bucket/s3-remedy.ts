import { pathForPeople } from '../base/path-bytes.ts'
import type { StoreAnswer } from './answer.ts'
import { type Way, wayRemedy } from './s3-way-remedy.ts'

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
  proxy?: Way['proxy']
  certificate?: Way['certificate']
  kmsKey?: string | undefined
  expectedBucketOwner?: string | undefined
  storageClass?: string | undefined
  sse?: string | undefined
}

/** One line for people: `403 AccessDenied on PutObject`, and what the store said where that tells more. */
export function describeAnswer(answer: StoreAnswer, request: S3Request): string {
  const { status, code = '' } = answer
  if (code === 'CredentialsProviderError' || code === 'CredentialsUnavailable') {
    return `no credentials: ${shown(answer.message ?? '', accountMax)}`
  }
  if (code === 'RegionMissing') return 'no region is set'
  const what = [status, code === 'Unknown' ? '' : code].filter((part) => part !== undefined && part !== '')
  const where = request.operation === 'credentials' ? 'looking for credentials' : `on ${request.operation}`
  const said = shown(answer.message ?? '', request.operation === 'credentials' ? accountMax : undefined)
  const isNews =
    said !== '' && said !== 'UnknownError' && !selfEvident.test(code) && lettersOf(said) !== lettersOf(code)
  return `${what.join(' ') || 'no answer'} ${where}${isNews ? `: ${said}` : ''}`
}

/** Their messages say no more than code and remedy do. */
const selfEvident =
  /^(?:NoSuchBucket|InvalidAccessKeyId|SignatureDoesNotMatch|RequestTimeTooSkewed|PermanentRedirect|AuthorizationHeaderMalformed|ERR_SSL_.*|.*_CERT.*|UNABLE_.*)$/

function lettersOf(text: string): string {
  return text.replace(/[^a-z0-9]/gi, '').toLowerCase()
}

/** What to do, in the imperative. `nowMs` is this machine's clock. */
export function remedyFor(answer: StoreAnswer, request: S3Request, place: RemedyPlace, nowMs: number): string {
  const { status, code = '' } = answer
  const { proxy, certificate } = place
  const local =
    wayRemedy(answer, { store: storeOf(place), proxy, certificate }, nowMs) ?? remedyOnThisSide(answer, request, place)
  if (local !== undefined) return local
  switch (code) {
    case 'AccessDenied':
    case 'AllAccessDisabled':
      return allow(answer, request, place)
    case 'NoSuchBucket':
      return `check the spelling of ${place.bucket}, and that it is at ${storeOf(place)}: buckets are not created here`
    case 'InvalidAccessKeyId':
      return `${storeOf(place)} does not know this access key: check ${credentialsOf(place)}`
    case 'SignatureDoesNotMatch':
      return `the secret does not belong to the access key: check ${credentialsOf(place)}`
    case 'ExpiredToken':
    case 'ExpiredTokenException':
    case 'InvalidToken':
    case 'TokenRefreshRequired':
      return renewSession(place)
    case 'InvalidObjectState':
      return 'it is in an archive class, from where nothing is read at once: restore it first (aws s3api restore-object)'
    case 'RequestTimeTooSkewed':
      return clockRemedy(answer, nowMs)
    case 'InvalidBucketName':
      return `no bucket can be called ${place.bucket}: check the URL`
    case 'QuotaExceeded':
      return `raise the quota of ${place.bucket}, or free space in it`
    case 'SlowDown':
      return 'the store asks for fewer requests: set a lower rate: for it, if this goes on'
  }
  if (answer.region !== undefined) return `${place.bucket} is in ${answer.region}: set region: (--region) to that`
  return status === undefined
    ? `look at the network and the log of ${storeOf(place)} if this goes on`
    : remedyForStatus(status, request, place)
}

function remedyForStatus(status: number, request: S3Request, place: RemedyPlace): string {
  if (status === 403) return allow({ status }, request, place)
  if (status === 411 || status === 413) return 'something on the way does not pass the body on: look for a proxy'
  if (status === 501 && request.operation === 'PutObject') {
    return 'this store cannot create without overwriting (If-None-Match): use another one'
  }
  if (status === 501) return 'this store cannot do what is needed: use another one'
  if (status >= 500) return 'the store has a problem of its own: look at its log'
  if (status === 409) return 'somebody else was at the same key: the same again'
  if (status === 412) return 'that is not how S3 says it: look for a proxy if this goes on'
  if (status === 408 || status === 429) return 'the store is busy: the same again, later'
  const storing = (['sse', 'kmsKey', 'storageClass'] as const).filter((name) => place[name] !== undefined)
  if (status === 400 && request.operation !== 'GetObject' && storing.length > 0) {
    return `${storeOf(place)} may not have what ${storing.map((name) => `${name}:`).join(' and ')} say: try without`
  }
  return `check endpoint: and region: (${storeOf(place)} does not take requests for ${place.bucket})`
}

function remedyOnThisSide(answer: StoreAnswer, request: S3Request, place: RemedyPlace): string | undefined {
  const { code = '' } = answer
  const store = storeOf(place)
  switch (code) {
    case 'CredentialsProviderError':
    case 'CredentialsUnavailable':
      return credentialsRemedy(answer, place)
    case 'RegionMissing':
      return 'set region: (--region), or AWS_REGION'
    case 'ETIMEDOUT':
    case 'TimeoutError':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return request.operation === 'credentials'
        ? `what gives out the credentials is slow: try aws sts get-caller-identity`
        : `check the network between here and ${store}`
  }
  if (code.startsWith('HPE_')) return `${store} does not speak HTTP: is it https:// in endpoint:?`
  if (code === 'KMS.ThrottlingException') {
    return `turn on an S3 Bucket Key for ${place.bucket} (one request to KMS for many objects), or raise the quota of KMS`
  }
  if (code.startsWith('KMS.')) {
    return `check kmsKey: (${place.kmsKey ?? "the bucket's own"}): it must be in the bucket's region, enabled, and for encryption`
  }
  return request.operation === 'credentials' ? `check ${credentialsOf(place)}` : undefined
}

function credentialsRemedy(answer: StoreAnswer, place: RemedyPlace): string {
  const missing = missingPermission(answer)
  if (missing !== undefined) return missing
  if (answer.code === 'CredentialsUnavailable') {
    return /Expired/.test(answer.message ?? '')
      ? renewSession(place)
      : 'the same again may work: look at the one that failed'
  }
  if (/(?:^|; )role arn:\S+: /.test(answer.message ?? '')) {
    return 'check roleArn: and externalId:, and AWS_ENDPOINT_URL_STS where roles are not given out by AWS'
  }
  return place.profile === undefined
    ? 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give this machine a role'
    : `check ${credentialsOf(place)}`
}

function renewSession({ profile }: RemedyPlace): string {
  return `renew the session (${profile ? `aws sso login --profile ${profile}` : 'aws sso login'}, or what issued it)`
}

/** "User: … is not authorized to perform: kms:Decrypt on resource: "arn:…" because …" */
function missingPermission({ message }: StoreAnswer): string | undefined {
  const [, action, resource] =
    /perform: ([a-z0-9-]+:[A-Za-z]+)(?: on (?:the )?resources?:? "?([^"\s]+))?/.exec(message ?? '') ?? []
  return action && `allow ${action}${resource === undefined ? '' : ` on ${shown(resource)}`}`
}

/** The permission that is missing: as the store names it, else what the operation needs. */
function allow(answer: StoreAnswer, request: S3Request, place: RemedyPlace): string {
  const named = missingPermission(answer)
  if (named !== undefined) return named
  const { bucket, kmsKey, expectedBucketOwner } = place
  // Where the store does not say what it misses, these may be it as well.
  const owner =
    expectedBucketOwner === undefined
      ? ''
      : `, or expectedBucketOwner: (${expectedBucketOwner}) is not who has ${bucket}`
  return `${permissionFor(request, place, kmsKey === undefined ? '' : `, and kms:ACTION on ${kmsKey}`)}${owner}`
}

/** `alsoKey`: what to say of the key, with ACTION for what is done with it. */
function permissionFor(request: S3Request, place: RemedyPlace, alsoKey: string): string {
  const room = `${place.bucket}/${roomOf(request.key, place.prefix)}*`
  switch (request.operation) {
    case 'PutObject':
      return `allow s3:PutObject on ${room}${alsoKey.replace('ACTION', 'GenerateDataKey')}`
    case 'GetObject':
      return `allow s3:GetObject on ${room}, and s3:ListBucket on ${place.bucket} (without it S3 says 403 for what is not there)${alsoKey.replace('ACTION', 'Decrypt')}`
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
  if (Math.abs(aheadMs) < 60_000) return `this machine's clock was off: ${set} if this goes on`
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
    ? 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE)'
    : `profile ${place.profile} in ~/.aws/credentials and ~/.aws/config`
}

/** A store's words on our terminal: one line, no control characters, not endless. */
function shown(text: string, max = 300): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return pathForPeople(line.length > max ? `${line.slice(0, max)}…` : line)
}

/** Five sources, each with what it said. */
const accountMax = 1_500
