import { HeadObjectCommand } from '@aws-sdk/client-s3'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { probe, requirePassed } from '../../../src/bucket/probe.ts'
import { createS3Bucket, type S3Settings } from '../../../src/bucket/s3.ts'
import { bareStore, store, storeEnv } from '../store.ts'

for (const [name, value] of Object.entries({ ...storeEnv, AWS_ENDPOINT_URL_STS: store.endpoint })) {
  vi.stubEnv(name, value)
}

async function open(settings: Partial<S3Settings>) {
  const bare = await bareStore()
  const bucket = createS3Bucket({ bucket: bare.name, prefix: '', ...settings }, systemClock)
  onTestFinished(async () => {
    bare.close()
    await bucket.close()
  })
  return { bare, bucket }
}

describe('encryption by the store', () => {
  it(`sse: AES256 is ${store.encrypts ? 'done' : 'refused by the probe, where it is not done'}`, async () => {
    const { bare, bucket } = await open({ sse: 'AES256' })
    const report = await probe(bucket, { host: 'web-1', clock: systemClock, encryption: 'AES256 ' })
    expect(report.passed).toBe(store.encrypts)
    if (!store.encrypts) {
      expect(() => requirePassed(report, bucket.url)).toThrow(/nothing was sent: .*(?:encryption|400 Invalid)/)
      return
    }
    expect(await bucket.put('segments/a', Buffer.from('body'), { mode: 'create' })).toBe('created')
    const head = await bare.client.send(new HeadObjectCommand({ Bucket: bare.name, Key: 'segments/a' }))
    expect(head.ServerSideEncryption).toBe('AES256')
  })

  it.skipIf(!store.encrypts)(
    'a key by its name arrives at the store, and is read back through (needs a server that encrypts)',
    async () => {
      const { bare, bucket } = await open({ sse: 'aws:kms', kmsKey: 'alias/logs' })
      expect(await probe(bucket, { host: 'web-1', clock: systemClock, encryption: 'k' })).toMatchObject({
        passed: true,
      })
      await bucket.put('segments/a', Buffer.from('body'), { mode: 'create' })
      const head = await bare.client.send(new HeadObjectCommand({ Bucket: bare.name, Key: 'segments/a' }))
      expect(head).toMatchObject({
        ServerSideEncryption: 'aws:kms',
        SSEKMSKeyId: expect.stringContaining('alias/logs'),
      })
    },
  )
})

it.skipIf(!store.givesRoles)('a role is taken on, and delivers (needs a server that gives out roles)', async () => {
  const { bucket } = await open({ roleArn: 'arn:aws:iam::000000000000:role/logs', externalId: 'ours' })
  expect(await bucket.put('segments/a', Buffer.from('body'), { mode: 'create' })).toBe('created')
  expect(Buffer.from((await bucket.get('segments/a'))?.body ?? []).toString()).toBe('body')
})
