import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { LogcaskError } from '../../src/base/errors.ts'
import type { S3Settings } from '../../src/bucket/s3.ts'
import { type FaultName, faults } from '../support/fault-s3-faults.ts'
import { bucketOn, create, faultS3, listed, stubFaultS3Env } from '../support/fault-s3-fixture.ts'

/** The SDK makes a bucket's first PUT and first GET; the next are made after them. All but what is each request's own is the same. */
interface Seen {
  url: string
  headers: Record<string, string>
  signed: string[]
  scope: string
}

/** A store that takes everything, `pauseMs` after each piece, and what it was sent. */
async function recorder(pauseMs = 0): Promise<{ endpoint: string; seen: Seen[]; bySdk: boolean[] }> {
  stubFaultS3Env({ AWS_SESSION_TOKEN: 'token' })
  const seen: Seen[] = []
  const bySdk: boolean[] = []
  const server = createServer((request, response) => {
    const [, scope = '', names = ''] =
      /Credential=(\S+), SignedHeaders=([^,]+)/.exec(request.headers.authorization ?? '') ?? []
    bySdk.push('amz-sdk-invocation-id' in request.headers)
    const headers = Object.entries(request.headers).filter(([name]) => !isOfOneRequest(name))
    seen.push({
      url: request.url ?? '',
      headers: Object.fromEntries(headers.map(([name, value]) => [name, String(value)])),
      signed: names.split(';').filter((name) => !/^amz-sdk-/.test(name)),
      scope,
    })
    if (pauseMs > 0)
      request.on('data', () => {
        request.pause()
        setTimeout(() => request.resume(), pauseMs)
      })
    request.resume().once('end', () => {
      // Versioning is asked for before the first GET: there is none.
      if (request.url?.includes('versioning')) {
        seen.pop()
        bySdk.pop()
        response.end('<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>')
      } else if (request.method === 'GET') response.writeHead(206, givenHeaders).end('x')
      else response.writeHead(200, { etag: '"x"', 'content-length': 0 }).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, bySdk }
}

const givenHeaders = {
  etag: '"x"',
  'content-length': 1,
  'content-range': 'bytes 2-2/5',
  'last-modified': 'Fri, 21 Nov 2026 10:15:00 GMT',
  'x-amz-meta-Origin': '{"path":"/a  b"}',
  'x-amz-meta-final': 'f',
  'x-amz-version-id': 'v',
}

function isOfOneRequest(name: string): boolean {
  return /^(amz-sdk-.*|x-amz-date|authorization|user-agent)$/.test(name)
}

describe('PUTs after the first', () => {
  it.each<[string, Partial<S3Settings>]>([
    ['files/a', {}],
    ['files/a b+c~d!e*f(g)h\'i:j@k&l=m%2F$,;"ü\u{1f600}', { prefix: 'pre fix/ü/' }],
    ['files/a', { storageClass: 'STANDARD_IA', expectedBucketOwner: '111122223333' }],
  ])('say what the SDK says: %s %o', async (key, settings) => {
    const { endpoint, seen, bySdk } = await recorder()
    const bucket = bucketOn({ endpoint }, settings)
    const metadata = { origin: '{"path":"/a  b"}', final: 'f' }
    for (let at = 0; at < 2; at++)
      expect(await bucket.put(key, Buffer.from('x'), { mode: 'create', metadata })).toBe('created')
    expect(bySdk).toEqual([true, false])
    const [first, second] = seen
    expect(second).toEqual(first)
    expect(first?.headers).toMatchObject({ 'if-none-match': '*', 'x-amz-meta-final': 'f' })
  })

  it('carry what is theirs: bytes, hash, length and metadata', async () => {
    const { endpoint, seen } = await recorder()
    const bucket = bucketOn({ endpoint })
    await bucket.put('files/a', Buffer.from('one'), { mode: 'create', metadata: { origin: 'first' } })
    await bucket.put('files/b', Buffer.from('second'), { mode: 'create' })
    const fresh = bucketOn({ endpoint })
    await fresh.put('files/b', Buffer.from('second'), { mode: 'create' })
    expect(seen[1]).toEqual(seen[2])
    expect(seen[1]?.headers['content-length']).toBe('6')
    expect(Object.keys(seen[1]?.headers ?? {})).not.toContain('x-amz-meta-origin')
  })

  it.each((Object.keys(faults) as FaultName[]).filter((name) => !/^(late|hang|slow|ignore|racy|cut-)/.test(name)))(
    'are judged as the first one is: %s',
    async (name) => {
      const server = await faultS3()
      const [cold, warm] = [bucketOn(server), bucketOn(server)]
      await create(warm, 'files/there')
      const told: unknown[] = []
      for (const bucket of [cold, warm]) {
        const remove = server.fault(() => faults[name])
        told.push(await create(bucket, `files/${told.length}`).catch(textOf))
        remove()
      }
      expect(told[1]).toEqual(told[0])
      expect(await create(warm, 'files/last')).toBe('created')
      expect(await create(warm, 'files/there')).toBe('exists')
    },
  )

  it('go with credentials as they are then, and by a new client after a refusal', async () => {
    const server = await faultS3()
    const bucket = bucketOn(server)
    await create(bucket, 'files/a')
    await create(bucket, 'files/b')
    stubFaultS3Env({ AWS_ACCESS_KEY_ID: 'nobody' })
    const remove = server.fault(() => faults.denied)
    await expect(create(bucket, 'files/c')).rejects.toMatchObject({ code: 'refused' })
    remove()
    await expect(create(bucket, 'files/c')).rejects.toMatchObject({ code: 'refused' })
    stubFaultS3Env()
    expect(await create(bucket, 'files/c')).toBe('created')
  })

  it('end when their signal aborts, and leave no connection in use', async () => {
    const server = await faultS3()
    const bucket = bucketOn(server, { connectionsMax: 1 })
    await create(bucket, 'files/a')
    const remove = server.fault(() => faults.hang)
    const abort = new AbortController()
    const asked = create(bucket, 'files/b', 'x', abort.signal)
    await expect.poll(() => server.requests.length).toBe(2)
    abort.abort(new Error('stop'))
    await expect(asked).rejects.toBe(abort.signal.reason)
    remove()
    expect(await create(bucket, 'files/c')).toBe('created')
  })
})

describe('GETs after the first', () => {
  it.each<[string, Partial<S3Settings>]>([
    ['files/a', {}],
    ['files/a b+c~d!e*f(g)h\'i:j@k&l=m%2F$,;"ü\u{1f600}', { prefix: 'pre fix/ü/' }],
    ['files/a', { expectedBucketOwner: '111122223333' }],
  ])('ask what the SDK asks, and take what it takes: %s %o', async (key, settings) => {
    const { endpoint, seen, bySdk } = await recorder()
    const bucket = bucketOn({ endpoint }, settings)
    const range = { start: 2, end: 3 }
    const [first, second] = [await bucket.get(key, { range }), await bucket.get(key, { range })]
    expect(bySdk).toEqual([true, false])
    expect(seen[1]).toEqual(seen[0])
    expect(seen[0]?.headers).toMatchObject({ range: 'bytes=2-2' })
    expect(second).toEqual(first)
    expect(first).toMatchObject({ size: 5, metadata: { origin: '{"path":"/a  b"}', final: 'f' } })
  })

  it('have no range but their own', async () => {
    const server = await faultS3()
    const bucket = bucketOn(server)
    await create(bucket, 'files/a', 'abcdef')
    const text = async (range?: { start: number; end: number }): Promise<string> =>
      `${Buffer.from((await bucket.get('files/a', { range }))?.body ?? []).toString()} of ${(await bucket.head('files/a'))?.size}`
    expect(await text({ start: 1, end: 3 })).toBe('bc of 6')
    expect(await text()).toBe('abcdef of 6')
    expect(await text({ start: 9, end: 12 })).toBe(' of 6')
    expect(await bucket.head('files/b')).toBeUndefined()
    expect(await bucket.get('files/b')).toBeUndefined()
  })

  it.each((Object.keys(faults) as FaultName[]).filter((name) => !/^(late|hang|slow|ignore|racy)/.test(name)))(
    'are judged as the first one is: %s',
    async (name) => {
      const server = await faultS3()
      const [cold, warm] = [bucketOn(server), bucketOn(server)]
      await create(warm, 'files/there')
      // So that each has asked for versions.
      for (const bucket of [cold, warm]) await listed(bucket)
      await warm.get('files/there')
      const told: unknown[] = []
      for (const bucket of [cold, warm]) {
        const remove = server.fault(() => faults[name])
        told.push(await bucket.get('files/there').catch(textOf))
        remove()
      }
      expect(told[1]).toEqual(told[0])
      expect(await warm.get('files/there')).toMatchObject({ size: 1 })
    },
  )
})

it('a slow line is no dead one: a large body goes on for longer than nothing may move', async () => {
  const { endpoint } = await recorder(20)
  const requestTimeoutMs = 6_000
  const bucket = bucketOn({ endpoint }, { requestTimeoutMs })
  await create(bucket, 'files/first')
  const startMs = performance.now()
  expect(await create(bucket, 'files/large', Buffer.alloc(28 * 1024 * 1024))).toBe('created')
  expect(performance.now() - startMs).toBeGreaterThan(requestTimeoutMs)
}, 120_000)

function textOf(error: unknown): unknown {
  if (!(error instanceof LogcaskError)) throw error
  const { code, message, hint } = error
  return { code, message: message.replace(/files\/\d/g, 'files/N'), hint }
}
