import { describe, expect, it } from 'vitest'
import type { StoreAnswer } from '../../src/bucket/answer.ts'
import { describeAnswer, type RemedyPlace, remedyFor } from '../../src/bucket/s3-remedy.ts'

const nowMs = Date.UTC(2026, 10, 20, 12)
const aws: RemedyPlace = { bucket: 'acme-us', prefix: 'prod/', endpoint: undefined, profile: undefined }
const own: RemedyPlace = { ...aws, endpoint: 'https://store:9000', profile: 'us' }
const certificate = { file: '/etc/client.pem', validFromMs: 0, validToMs: nowMs + 1 }
const showing: RemedyPlace = { ...own, certificate }
const expired: RemedyPlace = { ...own, certificate: { ...certificate, validToMs: Date.UTC(2026, 10, 1) } }
const early: RemedyPlace = {
  ...own,
  certificate: { ...certificate, validFromMs: Date.UTC(2026, 11, 1), validToMs: Date.UTC(2027, 1, 1) },
}
const proxied: RemedyPlace = { ...own, proxy: 'http://proxy:3128' }
const put = { operation: 'PutObject', key: 'prod/segments/web-1/20261120T101500123456789Z-1a2b/0-e3' }

describe('the remedy for an answer', () => {
  it.each<[StoreAnswer, RemedyPlace, string]>([
    [{ status: 403, code: 'AccessDenied' }, aws, 'allow s3:PutObject on acme-us/prod/segments/web-1/*'],
    [{ status: 403 }, aws, 'allow s3:PutObject on acme-us/prod/segments/web-1/*'],
    [
      {
        status: 403,
        code: 'AccessDenied',
        message:
          'User: arn:aws:iam::1:user/a is not authorized to perform: kms:GenerateDataKey on resource: "arn:aws:kms:eu-west-1:1:key/2" because no identity-based policy allows it',
      },
      aws,
      'allow kms:GenerateDataKey on arn:aws:kms:eu-west-1:1:key/2',
    ],
    [{ status: 404, code: 'NoSuchBucket' }, aws, 'check the spelling of acme-us, and that it is at AWS'],
    [{ status: 301, code: 'PermanentRedirect', region: 'eu-west-1' }, aws, 'acme-us is in eu-west-1: set region:'],
    [{ status: 400, code: 'AuthorizationHeaderMalformed', region: 'eu-west-1' }, aws, 'acme-us is in eu-west-1'],
    [{ status: 403, code: 'InvalidAccessKeyId' }, aws, 'check AWS_ACCESS_KEY_ID'],
    [{ status: 403, code: 'SignatureDoesNotMatch' }, own, 'check profile us in ~/.aws/credentials'],
    [{ status: 400, code: 'ExpiredToken' }, own, 'aws sso login --profile us'],
    [{ status: 501, code: 'NotImplemented' }, own, 'cannot create without overwriting'],
    [{ code: 'CredentialsProviderError' }, aws, 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'],
    [{ code: 'RegionMissing' }, aws, 'set region: (--region), or AWS_REGION'],
    [{ code: 'SELF_SIGNED_CERT_IN_CHAIN' }, own, 'set ca: (--ca)'],
    [{ code: 'CERT_HAS_EXPIRED' }, own, 'renew the certificate of https://store:9000'],
    [{ code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, own, 'write the name that the certificate is for in endpoint:'],
    [{ code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' }, own, 'set cert: and key: (--cert, --key)'],
    [{ code: 'ERR_SSL_WRONG_VERSION_NUMBER' }, own, 'https://store:9000 does not speak TLS there: write http://'],
    [{ code: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA' }, showing, 'https://store:9000 does not accept /etc/client.pem'],
    [
      { code: 'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED' },
      expired,
      'our certificate /etc/client.pem ran out at 2026-11-01',
    ],
    [{ code: 'ECONNRESET' }, expired, '(our certificate /etc/client.pem ran out at 2026-11-01'],
    [{ code: 'ECONNRESET' }, showing, '(it may not accept /etc/client.pem)'],
    [{ code: 'ECONNRESET' }, own, '(it may want a client certificate: cert:, key:)'],
    [{ code: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA' }, early, '/etc/client.pem is not valid before 2026-12-01'],
    [{ code: 'ECONNREFUSED' }, proxied, 'nothing listens at the proxy http://proxy:3128'],
    [{ code: 'ENOTFOUND' }, proxied, 'the proxy http://proxy:3128 has no address'],
    [{ code: 'ETIMEDOUT' }, proxied, 'check the network to the proxy http://proxy:3128'],
    [{ code: 'ECONNRESET' }, proxied, 'look at the log of the proxy http://proxy:3128, and of https://store:9000'],
    [{ code: 'ERR_PROXY_TUNNEL' }, proxied, 'the proxy http://proxy:3128 does not reach https://store:9000'],
    [{ code: 'ProxyRefused', message: 'x 407 y' }, proxied, 'the proxy http://proxy:3128 wants a user and a password'],
    [
      { code: 'ProxyRefused', message: 'x 403 y' },
      proxied,
      'allow it there, or list the host of https://store:9000 in NO_PROXY',
    ],
    [{ code: 'SELF_SIGNED_CERT_IN_CHAIN' }, proxied, 'set ca: (--ca)'],
    [{ status: 403, code: 'AccessDenied' }, proxied, 'allow s3:PutObject on acme-us/prod/segments/web-1/*'],
    [{ status: 403, code: 'InvalidObjectState' }, aws, 'restore it first'],
    [{ code: 'ECONNREFUSED' }, own, 'nothing listens at https://store:9000'],
    [{ code: 'ENOTFOUND' }, own, 'https://store:9000 has no address'],
  ])('%o at %o says: %s', (answer, place, expected) => {
    expect(remedyFor(answer, put, place, nowMs)).toContain(expected)
  })

  it.each<[string, string, string]>([
    ['GetObject', 'prod/seals/web-1/s/1', 'allow s3:GetObject on acme-us/prod/seals/web-1/*'],
    ['GetObjectVersion', 'prod/seals/web-1/s/1', 'allow s3:GetObjectVersion on acme-us/prod/seals/web-1/*'],
    ['ListObjectsV2', 'prod/segments/', 'allow s3:ListBucket on acme-us'],
    ['ListObjectVersions', 'prod/segments/', 'allow s3:ListBucketVersions on acme-us'],
    ['PutObject', 'prod/one', 'allow s3:PutObject on acme-us/prod/*'],
  ])('403 on %s of %s names the permission', (operation, key, expected) => {
    expect(remedyFor({ status: 403, code: 'AccessDenied' }, { operation, key }, aws, nowMs)).toContain(expected)
  })

  it.each([
    [3_600_000, '60 min behind'],
    [-45 * 60_000, '45 min ahead of'],
    [26 * 3_600_000, '26 h behind'],
    [-10 * 86_400_000, '10 days ahead of'],
  ])('a clock that is off by %i ms is called %s the store’s', (offsetMs, expected) => {
    const answer = { status: 403, code: 'RequestTimeTooSkewed', storeTimeMs: nowMs + offsetMs }
    expect(remedyFor(answer, put, aws, nowMs)).toContain(`this machine's clock is ${expected} the store's`)
  })
})

describe('the message for an answer', () => {
  it.each<[StoreAnswer, string]>([
    [{ status: 403, code: 'AccessDenied', message: 'Access Denied' }, '403 AccessDenied on PutObject'],
    [{ status: 404, code: 'NoSuchBucket', message: 'The specified bucket…' }, '404 NoSuchBucket on PutObject'],
    [{ status: 503, code: 'Unknown', message: 'UnknownError' }, '503 on PutObject'],
    [
      { status: 400, code: 'InvalidThing', message: 'It is  not\nvalid' },
      '400 InvalidThing on PutObject: It is not valid',
    ],
    [{}, 'no answer on PutObject'],
  ])('%o reads: %s', (answer, expected) => {
    expect(describeAnswer(answer, put)).toBe(expected)
  })

  it('I9: a store cannot write to the terminal, nor without end', () => {
    const text = describeAnswer({ status: 400, code: 'X', message: `\u001b[2J\u202e${'a'.repeat(9999)}` }, put)
    expect(text).toMatch(/^400 X on PutObject: \\x1b\[2J\\u202ea+…$/)
    expect(text.length).toBeLessThan(400)
  })
})
