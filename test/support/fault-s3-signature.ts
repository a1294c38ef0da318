import { createHash, createHmac } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { type Problem, problem } from './fault-s3-reply.ts'

export interface FaultCredentials {
  secret: string
  /** Answers 400 ExpiredToken, as AWS does for a session that has ended. */
  isExpired?: boolean
}

export interface SignedRequest {
  method: string
  /** As it came: path and query, encoded. */
  url: string
  headers: IncomingHttpHeaders
}

const skewMsMax = 15 * 60_000

/** Verifies SigV4 as S3 does; undefined: the request is who it says it is. */
export function checkSignature(
  request: SignedRequest,
  credentials: ReadonlyMap<string, FaultCredentials>,
  region: string,
  nowMs: number,
): Problem | undefined {
  const { headers } = request
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    )
  if (match === null) return problem(403, 'AccessDenied', 'Access Denied')
  const [, accessKey = '', day = '', scopeRegion = '', signedHeaders = '', signature = ''] = match
  const known = credentials.get(accessKey)
  if (known === undefined) {
    return problem(403, 'InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.')
  }
  const amzDate = textOf(headers['x-amz-date'])
  const askedMs = Date.parse(amzDate.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  if (!(Math.abs(askedMs - nowMs) <= skewMsMax)) {
    const message = 'The difference between the request time and the current time is too large.'
    return problem(403, 'RequestTimeTooSkewed', message, { ServerTime: new Date(nowMs).toISOString() })
  }
  const scope = `${day}/${scopeRegion}/s3/aws4_request`
  const canonical = canonicalRequest(request, signedHeaders)
  const toSign = ['AWS4-HMAC-SHA256', amzDate, scope, sha256(canonical)].join('\n')
  const key = [day, scopeRegion, 's3', 'aws4_request'].reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${known.secret}`,
  )
  if (createHmac('sha256', key).update(toSign).digest('hex') !== signature) {
    return problem(403, 'SignatureDoesNotMatch', 'The request signature we calculated does not match the one provided.')
  }
  if (scopeRegion !== region) {
    const message = `The authorization header is malformed; the region '${scopeRegion}' is wrong; expecting '${region}'`
    return problem(400, 'AuthorizationHeaderMalformed', message, { Region: region })
  }
  return known.isExpired ? problem(400, 'ExpiredToken', 'The provided token has expired.') : undefined
}

function canonicalRequest({ method, url, headers }: SignedRequest, signedHeaders: string): string {
  const [path = '/', query = ''] = url.split('?', 2)
  const parameters = query
    .split('&')
    .filter((part) => part !== '')
    .map((part) => (part.includes('=') ? part : `${part}=`))
    .sort()
  const names = signedHeaders.split(';')
  const lines = names.map((name) => `${name}:${textOf(headers[name]).trim().replace(/ +/g, ' ')}`)
  const payload = textOf(headers['x-amz-content-sha256'])
  return [method, path, parameters.join('&'), ...lines, '', signedHeaders, payload].join('\n')
}

function textOf(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(',') : (value ?? '')
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
