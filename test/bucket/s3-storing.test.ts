import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { probe, requirePassed } from '../../src/bucket/probe.ts'
import { createS3Bucket, type S3Settings } from '../../src/bucket/s3.ts'
import { startConnectProxy } from '../support/connect-proxy.ts'
import { bucketOn, create, faultS3, listed, stubFaultS3Env } from '../support/fault-s3-fixture.ts'
import { problem } from '../support/fault-s3-reply.ts'
import { stubProxyEnv } from '../support/proxy-env.ts'

const kmsKey = 'arn:aws:kms:eu-west-1:111122223333:key/1234'
const kms = { sse: 'aws:kms', kmsKey } as const
const encryption = `aws:kms ${kmsKey}`

const notAllowed = (action: string) =>
  problem(
    403,
    'AccessDenied',
    `User: arn:aws:iam::1:user/a is not authorized to perform: ${action} on resource: ${kmsKey} because no identity-based policy allows it`,
  )

describe('how objects are stored', () => {
  it.each<[Partial<S3Settings>, Record<string, string>]>([
    [{}, {}],
    [{ sse: 'AES256' }, { 'x-amz-server-side-encryption': 'AES256' }],
    [kms, { 'x-amz-server-side-encryption': 'aws:kms', 'x-amz-server-side-encryption-aws-kms-key-id': kmsKey }],
    [{ storageClass: 'STANDARD_IA' }, { 'x-amz-storage-class': 'STANDARD_IA' }],
  ])('%o goes with every PUT, signed, and with nothing else', async (settings, expected) => {
    const server = await faultS3()
    const bucket = bucketOn(server, settings)
    await create(bucket, 'files/a')
    await bucket.get('files/a')
    await listed(bucket)
    const about = server.requests.map(({ method, headers }) => [
      method,
      Object.fromEntries(
        Object.entries(headers).filter(([name]) => /server-side-encryption|storage-class|owner|acl|tagging/.test(name)),
      ),
    ])
    expect(about).toEqual([
      ['PUT', expected],
      ['GET', {}],
      ['GET', {}],
      ['GET', {}],
    ])
    const signed = /SignedHeaders=([^,]+)/.exec(server.requests[0]?.headers.authorization ?? '')?.[1]?.split(';')
    expect(signed).toEqual(expect.arrayContaining(Object.keys(expected)))
  })

  it.each([
    ['nothing of it', {}, 'without encryption'],
    ['another one', { 'x-amz-server-side-encryption': 'AES256' }, 'AES256'],
  ])('a store that was asked to encrypt, and says %s, is refused by the probe', async (_what, headers, said) => {
    const server = await faultS3()
    server.fault(({ method }) =>
      method === 'PUT' ? { kind: 'after', reply: { status: 200, headers: { etag: '"x"', ...headers } } } : undefined,
    )
    const bucket = bucketOn(server, { sse: 'aws:kms' })
    await expect(create(bucket, 'probes/a')).rejects.toThrow(`${bucket.url}: sse: aws:kms was asked for`)
    const report = await probe(bucket, { host: 'web-1', clock: systemClock, encryption: 'aws:kms' })
    expect(() => requirePassed(report, bucket.url)).toThrow(
      expect.objectContaining({
        code: 'refused',
        message: `${bucket.url}: nothing was sent: sse: aws:kms was asked for, and the store answered ${said}`,
        hint: expect.stringContaining('leave out sse:, or use another store'),
      }),
    )
    expect(server.objects.keys().every((key) => key.startsWith('probes/'))).toBe(true)
  })

  it('a store that does not take a setting: the setting is named', async () => {
    const server = await faultS3()
    server.fault(() => ({ kind: 'instead', reply: problem(400, 'InvalidArgument', 'no') }))
    await expect(create(bucketOn(server, { storageClass: 'GLACIER_IR' }), 'files/a')).rejects.toMatchObject({
      code: 'refused',
      hint: `${server.endpoint} may not have what storageClass: say: try without`,
    })
  })

  it('whose the bucket must be goes with every request', async () => {
    const server = await faultS3()
    const bucket = bucketOn(server, { expectedBucketOwner: '111122223333' })
    await create(bucket, 'files/a')
    await bucket.get('files/a')
    await listed(bucket)
    expect(server.requests.map(({ operation }) => operation)).toEqual([
      'PutObject',
      'GetBucketVersioning',
      'GetObject',
      'ListObjectsV2',
    ])
    expect(server.requests.map(({ headers }) => headers['x-amz-expected-bucket-owner'])).toEqual(
      Array(4).fill('111122223333'),
    )
    server.fault(() => ({ kind: 'instead', reply: problem(403, 'AccessDenied', 'Access Denied') }))
    await expect(create(bucket, 'files/b')).rejects.toMatchObject({
      code: 'refused',
      hint: expect.stringContaining('or expectedBucketOwner: (111122223333) is not who has bucket'),
    })
  })

  it.each<[Partial<S3Settings>, string]>([
    [{ fips: true }, 'acme.s3-fips.eu-west-1.amazonaws.com'],
    [{ dualStack: true }, 'acme.s3.dualstack.eu-west-1.amazonaws.com'],
    [{ fips: true, dualStack: true }, 'acme.s3-fips.dualstack.eu-west-1.amazonaws.com'],
    [{}, 'acme.s3.eu-west-1.amazonaws.com'],
  ])('%o: AWS’s endpoint for it', async (settings, host) => {
    stubFaultS3Env()
    const proxy = await startConnectProxy({ refuses: 403 })
    onTestFinished(() => proxy.close())
    stubProxyEnv({ HTTPS_PROXY: `127.0.0.1:${proxy.port}` })
    const bucket = createS3Bucket({ bucket: 'acme', prefix: '', region: 'eu-west-1', ...settings }, systemClock)
    onTestFinished(() => bucket.close())
    await expect(create(bucket, 'files/a')).rejects.toMatchObject({ code: 'refused' })
    expect(proxy.asked).toEqual([`CONNECT ${host}:443`])
  })

  it.each([
    { fips: true, endpoint: 'http://127.0.0.1:1' },
    { dualStack: true, endpoint: 'http://127.0.0.1:1' },
    { kmsKey },
    { kmsKey, sse: 'AES256' as const },
  ])('%o is invalid at once', (settings) => {
    expect(() => createS3Bucket({ bucket: 'b', prefix: '', ...settings }, systemClock)).toThrow(
      expect.objectContaining({ code: 'invalid', hint: expect.anything() }),
    )
  })
})

describe('the probe reads back through the key', () => {
  const options = { host: 'web-1', clock: systemClock, encryption }

  it('a key that may encrypt and not decrypt is refused, with what to allow', async () => {
    const server = await faultS3()
    server.fault(({ operation }) =>
      operation === 'GetObject' ? { kind: 'instead', reply: notAllowed('kms:Decrypt') } : undefined,
    )
    const bucket = bucketOn(server, kms)
    const report = await probe(bucket, options)
    expect(report.passed).toBe(false)
    expect(() => requirePassed(report, bucket.url)).toThrow(
      expect.objectContaining({
        code: 'refused',
        message: expect.stringContaining('nothing was sent: 403 AccessDenied on GetObject'),
        hint: expect.stringContaining(`allow kms:Decrypt on ${kmsKey}`),
      }),
    )
    expect(server.objects.keys().every((key) => key.startsWith('probes/'))).toBe(true)
  })

  it('a key that may not encrypt', async () => {
    const server = await faultS3()
    server.fault(({ method }) =>
      method === 'PUT' ? { kind: 'instead', reply: notAllowed('kms:GenerateDataKey') } : undefined,
    )
    const report = await probe(bucketOn(server, kms), options)
    expect(report.findings[0]).toMatchObject({ state: 'failed', fix: `allow kms:GenerateDataKey on ${kmsKey}` })
  })

  it('a store that does not say what it misses: the key is named as well', async () => {
    const server = await faultS3()
    server.fault(() => ({ kind: 'instead', reply: problem(403, 'AccessDenied', 'Access Denied') }))
    const bucket = bucketOn(server, kms)
    await expect(create(bucket, 'files/a')).rejects.toMatchObject({
      hint: `allow s3:PutObject on bucket/files/*, and kms:GenerateDataKey on ${kmsKey}`,
    })
    await expect(bucket.get('files/a')).rejects.toMatchObject({
      hint: expect.stringContaining(`and kms:Decrypt on ${kmsKey}`),
    })
  })

  it.each([
    ['KMS.NotFoundException', 'refused', `check kmsKey: (${kmsKey})`],
    ['KMS.DisabledException', 'refused', `check kmsKey: (${kmsKey})`],
    ['KMS.ThrottlingException', 'unavailable', 'turn on an S3 Bucket Key for bucket'],
  ])('400 %s is %s: %s', async (code, meaning, hint) => {
    const server = await faultS3()
    server.fault(() => ({ kind: 'instead', reply: problem(400, code, 'Invalid') }))
    await expect(create(bucketOn(server, kms), 'files/a')).rejects.toMatchObject({
      code: meaning,
      hint: expect.stringContaining(hint),
    })
  })

  it('another key is another verdict: what was remembered of the one says nothing of the other', async () => {
    const bucket = bucketOn(await faultS3(), kms)
    const remembered = async (one: string | undefined) =>
      (await probe(bucket, { ...options, encryption: one })).remembered
    expect(await remembered(undefined)).toBe(false)
    expect(await remembered(undefined)).toBe(true)
    expect(await remembered(encryption)).toBe(false)
    expect(await remembered(encryption)).toBe(true)
    expect(await remembered('aws:kms alias/other')).toBe(false)
    expect(await remembered(undefined)).toBe(true)
  })
})
