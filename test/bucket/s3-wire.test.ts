import { describe, expect, it } from 'vitest'
import { sha256 } from '../../src/base/hash.ts'
import { bucketOn, create, faultS3, listed } from '../support/fault-s3-fixture.ts'

const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64')

describe('S3 on the wire', () => {
  it.each([0, 5, 3 * 1024 * 1024])('hashes a body of %i bytes once: the checksum signs the request', async (size) => {
    const server = await faultS3()
    const body = Buffer.alloc(size, 'a')
    await create(bucketOn(server), 'files/a', body)
    const [request] = server.requests
    expect(request?.headers).toMatchObject({
      'if-none-match': '*',
      'content-length': String(size),
      'x-amz-content-sha256': sha256(body),
      'x-amz-checksum-sha256': base64(sha256(body)),
    })
    const others = Object.keys(request?.headers ?? {}).filter((name) =>
      /^(expect|transfer-encoding|content-md5|x-amz-trailer|x-amz-sdk-checksum.*|x-amz-checksum-(?!sha256).*)$/.test(
        name,
      ),
    )
    expect(others).toEqual([])
    expect(server.objects.body('files/a')?.equals(body)).toBe(true)
  })

  it('sends the SHA-256 that the caller has, and computes none', async () => {
    const server = await faultS3()
    const other = sha256(Buffer.from('other'))
    const put = bucketOn(server).put('files/a', Buffer.from('body'), { mode: 'create', sha256: other })
    await expect(put).rejects.toMatchObject({ code: 'unavailable' })
    expect(server.requests[0]?.headers['x-amz-content-sha256']).toBe(other)
    expect(server.requests[0]?.headers['x-amz-checksum-sha256']).toBe(base64(other))
    expect(server.objects.keys()).toEqual([])
  })

  it('uses one connection for requests that follow each other, refused ones too', async () => {
    const server = await faultS3()
    const bucket = bucketOn(server)
    for (const name of ['a', 'b', 'a']) await create(bucket, `files/${name}`, Buffer.alloc(3 * 1024 * 1024))
    await bucket.get('files/a')
    await bucket.get('files/none')
    await listed(bucket)
    expect(server.requests.map(({ status }) => status)).toEqual([200, 200, 412, 200, 200, 404, 200])
    expect(server.connections).toBe(1)
  })

  it('I7: never opens more connections than it may, and the requests in the queue do not time out', async () => {
    const server = await faultS3()
    const bucket = bucketOn(server, { connectionsMax: 2, connectTimeoutMs: 150 })
    server.fault(() => ({ kind: 'slow', ms: 50 }))
    await Promise.all(Array.from({ length: 10 }, (_, at) => create(bucket, `files/${at}`)))
    expect(server.connections).toBe(2)
    expect(server.objects.keys()).toHaveLength(10)
  })

  it('asks each question with one request', async () => {
    const server = await faultS3()
    const bucket = bucketOn(server, { prefix: 'pre/' })
    server.objects.put('pre/files/a', 'abc')
    server.objects.put('pre/files/empty', '')
    const asked = async (ask: () => Promise<unknown>): Promise<string[]> => {
      const before = server.requests.length
      await ask()
      return server.requests.slice(before).map(({ operation, headers }) => `${operation} ${headers.range ?? ''}`.trim())
    }
    expect(await asked(() => bucket.head('files/a'))).toEqual(['GetBucketVersioning', 'GetObject bytes=0-0'])
    expect(await asked(() => bucket.head('files/a'))).toEqual(['GetObject bytes=0-0'])
    expect(await asked(() => bucket.get('files/a'))).toEqual(['GetObject'])
    expect(await asked(() => bucket.get('files/a', { range: { start: 1, end: 3 } }))).toEqual(['GetObject bytes=1-2'])
    expect(await asked(() => bucket.head('files/none'))).toEqual(['GetObject bytes=0-0'])
    expect(await asked(() => bucket.head('files/empty'))).toEqual(['GetObject bytes=0-0', 'GetObject'])
    expect(await asked(() => create(bucket, 'files/b'))).toEqual(['PutObject'])
    expect(await asked(() => listed(bucket))).toEqual(['ListObjectsV2'])
  })

  it('I2: no request but create-only PUTs and reads', async () => {
    const server = await faultS3()
    const bucket = bucketOn(server)
    await create(bucket, 'files/a')
    await create(bucket, 'files/a')
    await bucket.get('files/a')
    await listed(bucket)
    const writes = server.requests.filter(({ method }) => method !== 'GET')
    expect(writes.every(({ method, headers }) => method === 'PUT' && headers['if-none-match'] === '*')).toBe(true)
  })

  it('does not ask whether there are versions before it reads', async () => {
    const server = await faultS3({ versioned: true })
    const bucket = bucketOn(server)
    await create(bucket, 'files/a')
    expect(server.requests).toHaveLength(1)
    expect(bucket.capabilities.versions).toBe(false)
    await bucket.head('files/a')
    expect(bucket.capabilities.versions).toBe(true)
  })

  it('an aborted signal ends the request, in the answer too', async () => {
    const server = await faultS3()
    const bucket = bucketOn(server)
    server.objects.put('files/large', Buffer.alloc(1_000_000))
    await bucket.head('files/large')
    const remove = server.fault(() => ({ kind: 'hang' }))
    for (const ask of [
      (signal: AbortSignal) => create(bucket, 'files/a', 'x', signal),
      (signal: AbortSignal) => bucket.get('files/large', { signal }),
    ]) {
      const abort = new AbortController()
      const before = server.requests.length
      const asked = ask(abort.signal)
      await expect.poll(() => server.requests.length).toBeGreaterThan(before)
      abort.abort(new Error('stop'))
      await expect(asked).rejects.toBe(abort.signal.reason)
    }
    remove()
    expect((await bucket.get('files/large'))?.size).toBe(1_000_000)
  })

  it('names are percent-encoded in listings, whatever they hold', async () => {
    const server = await faultS3()
    const names = ['a b', 'a+b', 'a%2Fb', 'é', '\u{1f600}', '\ue000', 'tab\there', '<&>"', '%', 'a%zz']
    for (const name of names) server.objects.put(`files/${name}`, name)
    const byBytes = names.map((name) => `files/${name}`).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    expect(await listed(bucketOn(server))).toEqual(byBytes)
  })
})
