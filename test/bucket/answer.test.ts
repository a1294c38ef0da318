import { describe, expect, it } from 'vitest'
import { type Meaning, meaningOf, type StoreAnswer } from '../../src/bucket/answer.ts'

const cases = (meaning: Meaning, answers: readonly StoreAnswer[]): [StoreAnswer, Meaning][] =>
  answers.map((answer) => [answer, meaning])

describe('what the answer of a store means', () => {
  it.each([
    ...cases('acked', [{ status: 200 }, { status: 201 }, { status: 204 }, { status: 206 }]),
    ...cases('conflict', [
      { status: 412, code: 'PreconditionFailed' },
      // A 200 that turned out to be an error, as the SDK reports it.
      { status: 503, code: 'PreconditionFailed' },
      { status: 200, code: 'PreconditionFailed' },
    ]),
    ...cases('absent', [
      { status: 404, code: 'NoSuchKey' },
      { status: 404, code: 'NoSuchVersion' },
    ]),
    ...cases('beyond', [{ status: 416, code: 'InvalidRange' }, { status: 416 }]),
  ])('%o: %s', (answer, meaning) => {
    expect(meaningOf(answer)).toBe(meaning)
  })

  it.each(
    cases('unknown', [
      { status: 409, code: 'ConditionalRequestConflict' },
      { status: 409, code: 'OperationAborted' },
      { status: 503, code: 'ConditionalRequestConflict' },
      { status: 409 },
      { status: 408 },
      { status: 425 },
      { status: 429, code: 'TooManyRequests' },
      { status: 500, code: 'InternalError' },
      { status: 502 },
      { status: 503, code: 'SlowDown' },
      { status: 503, code: 'SlowDownWrite' },
      { status: 504, code: 'Unknown' },
      { status: 507, code: 'XMinioStorageFull' },
      { status: 599 },
      { status: 412 },
      { status: 412, code: 'Unknown' },
      { status: 412, code: 'InvalidRequest' },
      { status: 400, code: 'RequestTimeout' },
      { status: 400, code: 'IncompleteBody' },
      { status: 400, code: 'BadDigest' },
      { status: 400, code: 'XAmzContentSHA256Mismatch' },
      { status: 400, code: 'ExpiredToken' },
      { status: 403, code: 'ExpiredToken' },
      {},
      { code: 'Unknown' },
      ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH'].map((code) => ({
        code,
      })),
      { code: 'TimeoutError', message: 'socket hang up' },
      { code: 'HPE_INVALID_CONSTANT' },
      // Damage on the way, not a matter of certificates.
      { code: 'ERR_SSL_SSLV3_ALERT_BAD_RECORD_MAC' },
    ]),
  )('I4: %o decides nothing: %s', (answer, meaning) => {
    expect(meaningOf(answer)).toBe(meaning)
  })

  it.each(
    cases('refused', [
      { status: 301, code: 'PermanentRedirect', region: 'eu-west-1' },
      { status: 301 },
      { status: 302 },
      { status: 304 },
      { status: 307, code: 'TemporaryRedirect' },
      { status: 400, code: 'AuthorizationHeaderMalformed' },
      { status: 400, code: 'InvalidRequest' },
      { status: 400, code: 'InvalidToken' },
      { status: 400, code: 'KMS.DisabledException' },
      { status: 400 },
      { status: 401 },
      { status: 403, code: 'AccessDenied' },
      { status: 403, code: 'InvalidAccessKeyId' },
      { status: 403, code: 'SignatureDoesNotMatch' },
      { status: 403, code: 'RequestTimeTooSkewed' },
      { status: 403, code: 'QuotaExceeded' },
      { status: 403, code: 'Unknown' },
      { status: 503, code: 'AccessDenied' },
      { status: 404, code: 'NoSuchBucket' },
      // A proxy, or HEAD: that there is no such key is not said.
      { status: 404, code: 'NotFound' },
      { status: 404 },
      { status: 405, code: 'MethodNotAllowed' },
      { status: 411, code: 'MissingContentLength' },
      { status: 413, code: 'EntityTooLarge' },
      { status: 501, code: 'NotImplemented' },
      { status: 501 },
      ...[
        'CredentialsProviderError',
        'RegionMissing',
        'DEPTH_ZERO_SELF_SIGNED_CERT',
        'SELF_SIGNED_CERT_IN_CHAIN',
        'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
        'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
        'CERT_HAS_EXPIRED',
        'CERT_NOT_YET_VALID',
        'ERR_TLS_CERT_ALTNAME_INVALID',
        'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
        'ERR_SSL_SSL_TLS_ALERT_HANDSHAKE_FAILURE',
        'ERR_SSL_WRONG_VERSION_NUMBER',
      ].map((code) => ({ code })),
    ]),
  )('%o stays so until somebody acts: %s', (answer, meaning) => {
    expect(meaningOf(answer)).toBe(meaning)
  })
})
