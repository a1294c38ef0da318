/**
 * What the answer of a store means: the one place where that is decided (DESIGN.md section 3). Pure: an answer is plain
 * data, whatever library carried it here.
 */
export interface StoreAnswer {
  /** HTTP status; undefined where no answer came. */
  status?: number | undefined
  /** The store's own code (`AccessDenied`), else what this side calls the failure: an errno, a TLS code, an error's name. */
  code?: string | undefined
  /** What the store or the system said. Hostile text. */
  message?: string | undefined
  /** The region that the store names as its own. */
  region?: string | undefined
  /** The store's clock, milliseconds since 1970. */
  storeTimeMs?: number | undefined
}

/**
 * - `acked`    done;
 * - `conflict` an object has the name already, maybe by our own lost request: look at its bytes;
 * - `absent`   the store is sure that there is no such object;
 * - `beyond`   the range begins at or beyond the object's end;
 * - `unknown`  nobody knows what happened: the same request again;
 * - `refused`  the same request again, slowly: it stays so until somebody acts.
 */
export type Meaning = 'acked' | 'conflict' | 'absent' | 'beyond' | 'unknown' | 'refused'

/** The code first, then the status: an error may come in a 200, a 503 may be made of one, and a proxy knows no codes. */
export function meaningOf(answer: StoreAnswer): Meaning {
  const { status, code } = answer
  return (code === undefined ? undefined : meaningOfCode(code)) ?? meaningOfStatus(status)
}

function meaningOfCode(code: string): Meaning | undefined {
  return meaningByCode.get(code) ?? (isTlsCode(code) ? 'refused' : undefined)
}

function meaningOfStatus(status: number | undefined): Meaning {
  if (status === undefined) return 'unknown'
  if (status >= 200 && status < 300) return 'acked'
  if (status === 416) return 'beyond'
  // Not implemented will not be implemented by asking again. Every other 5xx may be: full disks are emptied.
  if (status === 501) return 'refused'
  if (status >= 500) return 'unknown'
  // 412 without the code that belongs to it: some store or proxy says so; the caller looks what is there.
  return [408, 409, 412, 425, 429].includes(status) ? 'unknown' : 'refused'
}

const codes: Record<Exclude<Meaning, 'acked'>, readonly string[]> = {
  conflict: ['PreconditionFailed'],
  // A 404 without one of these is a proxy, or a bucket that is not there.
  absent: ['NoSuchKey', 'NoSuchVersion'],
  beyond: ['InvalidRange'],
  unknown: [
    'BadDigest',
    'BandwidthLimitExceeded',
    'ConditionalRequestConflict',
    'ExpiredToken',
    'ExpiredTokenException',
    'IncompleteBody',
    'InternalError',
    'NoSuchUpload',
    'KMS.ThrottlingException',
    'OperationAborted',
    'RequestLimitExceeded',
    'RequestTimeout',
    'RequestTimeoutException',
    'ServiceUnavailable',
    'SlowDown',
    'Throttling',
    'ThrottlingException',
    'TokenRefreshRequired',
    'TooManyRequests',
    'XAmzContentChecksumMismatch',
    'XAmzContentSHA256Mismatch',
  ],
  // With their own statuses these would be refused anyhow; in a 200 that turned out to be an error they are, too.
  refused: [
    'AccessDenied',
    'AccountProblem',
    'AllAccessDisabled',
    'AuthorizationHeaderMalformed',
    'EntityTooLarge',
    'IllegalLocationConstraintException',
    'InvalidAccessKeyId',
    'InvalidBucketName',
    'InvalidObjectState',
    'InvalidToken',
    'MethodNotAllowed',
    'MissingContentLength',
    'NoSuchBucket',
    'NotImplemented',
    'PermanentRedirect',
    'QuotaExceeded',
    'RequestTimeTooSkewed',
    'SignatureDoesNotMatch',
    'TemporaryRedirect',
    // On this side: no credentials, no region, no way through.
    'CredentialsProviderError',
    'ProxyRefused',
    'RegionMissing',
    'TokenProviderError',
  ],
}

const meaningByCode: ReadonlyMap<string, Meaning> = new Map(
  Object.entries(codes).flatMap(([meaning, names]) => names.map((name) => [name, meaning as Meaning] as const)),
)

/** What TLS says that stays so until somebody acts: by OpenSSL's names, as Node has them. */
function isTlsCode(code: string): boolean {
  return isUntrusted(code) || isClientCertificate(code) || isCertificateTime(code) || isNoTls(code)
}

/** The store's certificate is not one that we trust, or not for that host. */
export function isUntrusted(code: string): boolean {
  return untrusted.test(code)
}
const untrusted =
  /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT(?:_LOCALLY)?|UNABLE_TO_VERIFY_LEAF_SIGNATURE|CERT_(?:UNTRUSTED|REJECTED|REVOKED|SIGNATURE_FAILURE|CHAIN_TOO_LONG)|INVALID_(?:CA|PURPOSE)|HOSTNAME_MISMATCH|ERR_TLS_CERT_ALTNAME_INVALID)$/

/** The store wants a certificate of ours, or another one. */
export function isClientCertificate(code: string): boolean {
  return clientCertificate.test(code)
}
const clientCertificate =
  /^(?:ERR_SSL_\w*ALERT_(?:CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(?:EXPIRED|REVOKED|UNKNOWN)|UNKNOWN_CA|ACCESS_DENIED)|ClientCertificateRequired)$/

/** The store's certificate is not valid now: it has run out, or a clock is off. */
export function isCertificateTime(code: string): boolean {
  return code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID'
}

/** Something answers that does not speak TLS, or none that is still allowed. */
export function isNoTls(code: string): boolean {
  return /^ERR_SSL_\w*(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION)$/.test(code)
}
