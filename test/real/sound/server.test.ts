import { GetObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BareStore, bareStore, store } from '../store.ts'

/** Not about Logcask: whether the server is what servers.ts says, so that the other tests here mean what they say. */
describe(`${store.name} is what it is taken for`, () => {
  let bare: BareStore
  beforeAll(async () => {
    bare = await bareStore()
  })
  afterAll(() => bare.close())

  it('keeps If-None-Match', async () => {
    expect([await bare.create('a', 'first'), await bare.create('a', 'second')]).toEqual([200, 412])
    const got = await bare.client.send(new GetObjectCommand({ Bucket: bare.name, Key: 'a' }))
    expect(await got.Body?.transformToString()).toBe('first')
  })

  it(`${store.verifiesSecret ? 'refuses' : 'takes'} a wrong secret`, async () => {
    const stranger = await bareStore({ name: bare.name, secretKey: 'no-secret-of-ours' })
    expect(await stranger.create('b', 'body')).toBe(store.verifiesSecret ? 403 : 200)
    stranger.close()
  })
})
