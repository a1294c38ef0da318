import { createHash } from 'node:crypto'
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bareClient, newBucket, store } from './store.ts'

/** Not about Logcask: whether the server is what servers.ts says, so that the other tests here mean what they say. */
describe(`${store.name} is what it is taken for`, () => {
  let client: S3Client
  let bucket: string
  beforeAll(async () => {
    client = bareClient()
    bucket = await newBucket()
  })
  afterAll(() => client.destroy())

  /** The status of a create-only PUT. */
  async function put(key: string, body: string, sha256?: string, by = client): Promise<number | undefined> {
    const command = new PutObjectCommand({
      Bucket: bucket,
      Key: key,
      Body: body,
      IfNoneMatch: '*',
      ChecksumSHA256: sha256,
    })
    try {
      return (await by.send(command)).$metadata.httpStatusCode
    } catch (error) {
      return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
    }
  }

  it.skipIf(store.isRefused)('keeps If-None-Match', async () => {
    expect([await put('a', 'first'), await put('a', 'second')]).toEqual([200, 412])
    const got = await client.send(new GetObjectCommand({ Bucket: bucket, Key: 'a' }))
    expect(await got.Body?.transformToString()).toBe('first')
  })

  it.runIf(store.isRefused)('does not keep If-None-Match', async () => {
    expect([await put('a', 'first'), await put('a', 'second')]).not.toEqual([200, 412])
  })

  it.skipIf(store.isRefused)(
    `${store.verifiesChecksum ? 'refuses' : 'takes'} a body with another checksum`,
    async () => {
      const other = createHash('sha256').update('other').digest('base64')
      expect(await put('b', 'body', other)).toBe(store.verifiesChecksum ? 400 : 200)
    },
  )

  it.skipIf(store.isRefused)(`${store.verifiesSecret ? 'refuses' : 'takes'} a wrong secret`, async () => {
    const stranger = bareClient('no-secret-of-ours')
    expect(await put('c', 'body', undefined, stranger)).toBe(store.verifiesSecret ? 403 : 200)
    stranger.destroy()
  })
})
