import { describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../src/base/errors.ts'
import type { Bucket } from '../../src/bucket/bucket.ts'
import { type Fault, type FaultName, faults } from '../support/fault-s3-faults.ts'
import { bucketOn, create, faultS3, listed } from '../support/fault-s3-fixture.ts'
import { problem } from '../support/fault-s3-reply.ts'

/** Answers of the store, by what they mean to each question. `there`: what a PUT has left behind. */
const cases: [FaultName, ErrorCode, { there: boolean }][] = [
  ['lost-before', 'unavailable', { there: false }],
  ['lost', 'unavailable', { there: true }],
  ['500', 'unavailable', { there: false }],
  ['500-after', 'unavailable', { there: true }],
  ['503', 'unavailable', { there: false }],
  ['409', 'unavailable', { there: false }],
  ['200-error', 'unavailable', { there: false }],
  ['412-empty', 'unavailable', { there: false }],
  ['expired', 'unavailable', { there: false }],
  ['501', 'refused', { there: false }],
  ['301', 'refused', { there: false }],
  ['denied', 'refused', { there: false }],
  ['skew', 'refused', { there: false }],
]

describe('S3 answers', () => {
  it.each(cases)('I4: %s is `%s` to every question, and the next one is answered', async (name, code, { there }) => {
    const server = await faultS3()
    const bucket = bucketOn(server, { prefix: 'p/' })
    server.objects.put('p/files/there', 'content')
    await bucket.head('files/there')
    const remove = server.fault(() => faults[name])
    await expect(create(bucket, 'files/new')).rejects.toMatchObject({ code, hint: expect.anything() })
    await expect(bucket.get('files/there')).rejects.toMatchObject({ code })
    await expect(bucket.head('files/there')).rejects.toMatchObject({ code })
    await expect(listed(bucket)).rejects.toMatchObject({ code })
    remove()
    expect(server.objects.keys().includes('p/files/new')).toBe(there)
    expect(await create(bucket, 'files/new')).toBe(there ? 'exists' : 'created')
    expect(Buffer.from((await bucket.get('files/there'))?.body ?? []).toString()).toBe('content')
  })

  it('I1: a PUT whose answer was lost is there at the next attempt, and stored once', async () => {
    const server = await faultS3()
    const bucket = bucketOn(server)
    server.fault(({ attempt }) => (attempt === 1 ? faults.lost : undefined))
    await expect(create(bucket, 'files/a', 'body')).rejects.toMatchObject({ code: 'unavailable' })
    expect(await create(bucket, 'files/a', 'body')).toBe('exists')
    expect(server.objects.body('files/a')?.toString()).toBe('body')
  })

  it('a late request acts after its connection was cut, on the condition as it is then', async () => {
    const server = await faultS3()
    const bucket = bucketOn(server)
    server.fault(({ attempt }) => (attempt === 1 ? faults.late : undefined))
    await expect(create(bucket, 'files/a', 'early')).rejects.toMatchObject({ code: 'unavailable' })
    await expect(create(bucket, 'files/b', 'early')).rejects.toMatchObject({ code: 'unavailable' })
    expect(await create(bucket, 'files/b', 'second')).toBe('created')
    expect(server.objects.keys()).toEqual(['files/b'])
    expect(server.releaseLate()).toBe(2)
    expect(server.objects.body('files/a')?.toString()).toBe('early')
    expect(server.objects.body('files/b')?.toString()).toBe('second')
  })

  it('a 412 without a body is settled by looking: what is there exists', async () => {
    const server = await faultS3()
    const bucket = bucketOn(server)
    server.fault(() => faults.bare)
    expect(await create(bucket, 'files/a', 'one')).toBe('created')
    expect(await create(bucket, 'files/a', 'two')).toBe('exists')
  })

  it.each<[string, Fault]>([
    ['upload', { kind: 'cut-upload', bytes: 70_000 }],
    ['upload of little', { kind: 'cut-upload', bytes: 1 }],
  ])('a connection that is cut in an %s stores nothing', async (_what, fault) => {
    const server = await faultS3()
    const bucket = bucketOn(server)
    const remove = server.fault(() => fault)
    await expect(create(bucket, 'files/a', Buffer.alloc(2_000_000))).rejects.toMatchObject({ code: 'unavailable' })
    remove()
    expect(await create(bucket, 'files/a')).toBe('created')
  })

  it.each<[string, (bucket: Bucket) => Promise<unknown>]>([
    ['an object', (bucket) => bucket.get('files/00000000')],
    ['a listing', (bucket) => listed(bucket)],
  ])('I4: %s that is cut in the middle is no answer', async (_what, ask) => {
    const server = await faultS3()
    const bucket = bucketOn(server)
    for (let at = 0; at < 20; at++) server.objects.put(`files/${String(at).padStart(8, '0')}`, Buffer.alloc(100_000))
    await bucket.head('files/00000000')
    for (const bytes of [0, 1, 1000]) {
      const remove = server.fault(() => ({ kind: 'cut-download', bytes }))
      await expect(ask(bucket)).rejects.toMatchObject({ code: 'unavailable' })
      remove()
    }
    await ask(bucket)
  })

  it('a store that never answers is given up', async () => {
    const server = await faultS3()
    server.fault(() => faults.hang)
    const bucket = bucketOn(server, { requestTimeoutMs: 100 })
    await expect(create(bucket, 'files/a')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('nothing moved for 100 ms'),
    })
  })

  it.each(['<html>Welcome!</html>', ''])('I4: %j with status 200 is no answer of a store', async (body) => {
    const server = await faultS3()
    const bucket = bucketOn(server)
    await bucket.head('files/a')
    server.fault(() => ({ kind: 'instead', reply: { status: 200, body } }))
    await expect(create(bucket, 'files/a')).rejects.toMatchObject({ code: 'unavailable' })
    await expect(bucket.get('files/a')).rejects.toMatchObject({ code: 'unavailable' })
    await expect(bucket.head('files/a')).rejects.toMatchObject({ code: 'unavailable' })
    await expect(listed(bucket)).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('I4: a 404 that is not the store’s is not "no such key"', async () => {
    const server = await faultS3()
    const bucket = bucketOn(server)
    await bucket.head('files/a')
    server.fault(() => ({ kind: 'instead', reply: { status: 404, body: '<html><br>not here</html>' } }))
    await expect(bucket.get('files/a')).rejects.toMatchObject({ code: 'refused' })
    await expect(bucket.head('files/a')).rejects.toMatchObject({ code: 'refused' })
  })

  it('I4: a listing whose second page fails rejects', async () => {
    const server = await faultS3()
    const bucket = bucketOn(server)
    for (let at = 0; at < 1001; at++) server.objects.put(`files/${String(at).padStart(8, '0')}`, '.')
    let pages = 0
    server.fault(({ operation }) => (operation === 'ListObjectsV2' && ++pages === 2 ? faults['500'] : undefined))
    await expect(listed(bucket)).rejects.toMatchObject({ code: 'unavailable' })
    expect(await listed(bucket)).toHaveLength(1001)
  })

  it.each<FaultName>(['ignore', 'racy'])('the server can be one that breaks the condition: %s', async (name) => {
    const server = await faultS3()
    const bucket = bucketOn(server)
    server.fault(() => faults[name])
    const answers = await Promise.all(['1', '2', '3', '4'].map((body) => create(bucket, 'files/a', body)))
    expect(answers.filter((answer) => answer === 'created').length).toBeGreaterThan(1)
  })
})

describe('S3 refusals say what to do', () => {
  it('a bucket that is not there, to every question', async () => {
    const server = await faultS3()
    const bucket = bucketOn(server, { bucket: 'bukcet' })
    const refused = { code: 'refused', hint: expect.stringContaining('check the spelling of bukcet') }
    await expect(create(bucket, 'files/a')).rejects.toMatchObject(refused)
    await expect(bucket.get('files/a')).rejects.toMatchObject(refused)
    await expect(bucket.head('files/a')).rejects.toMatchObject(refused)
    await expect(listed(bucket)).rejects.toMatchObject(refused)
  })

  it('the wrong region', async () => {
    const server = await faultS3({ region: 'eu-west-1' })
    await expect(create(bucketOn(server), 'files/a')).rejects.toMatchObject({
      code: 'refused',
      hint: 'bucket is in eu-west-1: set region: (--region) to that',
    })
    expect(await create(bucketOn(server, { region: 'eu-west-1' }), 'files/a')).toBe('created')
  })

  it('a clock that is off, and by how much', async () => {
    const server = await faultS3({ clockOffsetMs: 3_600_000 })
    const bucket = bucketOn(server)
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(create(bucket, 'files/a')).rejects.toMatchObject({
        code: 'refused',
        hint: expect.stringContaining('60 min behind'),
      })
    }
  })

  it('nothing that listens', async () => {
    const server = await faultS3()
    const bucket = bucketOn(server)
    await server.close()
    await expect(create(bucket, 'files/a')).rejects.toMatchObject({
      code: 'unavailable',
      hint: `nothing listens at ${bucket.url.split('=')[1]}: start the store, or correct endpoint:`,
    })
  })

  it('I9: codes and regions that are no words are not shown', async () => {
    const server = await faultS3()
    const reply = problem(403, '\u009b2Jrm', 'no', { Region: 'here; rm -rf /' })
    server.fault(() => ({ kind: 'instead', reply }))
    await expect(create(bucketOn(server), 'files/a')).rejects.toMatchObject({
      message: expect.stringMatching(/403 on PutObject: no$/),
      hint: expect.not.stringContaining('rm'),
    })
  })

  it('the message names the place and the question', async () => {
    const server = await faultS3()
    server.fault(() => faults.denied)
    const bucket = bucketOn(server, { prefix: 'prod/' })
    await expect(create(bucket, 'segments/web-1/s/0')).rejects.toMatchObject({
      message: `s3://bucket/prod/?endpoint=${server.endpoint}: 403 AccessDenied on PutObject`,
      hint: 'allow s3:PutObject on bucket/prod/segments/web-1/*',
    })
  })
})
