import { describe, expect, it, onTestFinished } from 'vitest'
import { bucketOn, create, faultS3, listed } from '../support/fault-s3-fixture.ts'
import { checkSignature } from '../support/fault-s3-signature.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { hasOpenssl, makeAuthority } from '../support/tls.ts'
import { type FaultKind, FaultPlan, fullRates, type RequestKind } from './fault-plan.ts'
import { FaultProxy } from './proxy.ts'
import { createSigner, signHeaders } from './proxy-sign.ts'
import { resolveTarget } from './target.ts'

/** Before the fault server, whose requests show what the store heard of. */
async function proxied(fault: FaultKind, kinds: readonly RequestKind[] = ['PUT']) {
  const server = await faultS3()
  const plan = new FaultPlan(seededRandom(1), {}, { lateMsMax: 300, now: () => 0, isSteady: true })
  let left = 1
  plan.next = (kind) => (kinds.includes(kind) && left-- > 0 ? fault : undefined)
  const stored: string[] = []
  const proxy = new FaultProxy({
    upstream: server.endpoint,
    ca: undefined,
    plan,
    onStored: (path) => stored.push(path),
  })
  await proxy.listen()
  onTestFinished(() => proxy.close())
  return { server, proxy, stored, bucket: bucketOn(proxy, { prefix: 'p/' }) }
}

describe('the proxy', () => {
  it('passes on what was signed for it, and the store takes it', async () => {
    const { bucket, stored, proxy } = await proxied('slow', [])
    expect(await create(bucket, 'files/a', 'body')).toBe('created')
    expect(await create(bucket, 'files/a', 'other')).toBe('exists')
    expect(Buffer.from((await bucket.get('files/a'))?.body ?? []).toString()).toBe('body')
    expect(stored).toEqual(['/bucket/p/files/a'])
    expect(proxy.requests.get('PUT')).toBe(2)
  })

  it.each([
    ['throttled', '503', 0],
    ['request-lost', '', 0],
    ['cut-upload', '', 0],
    ['late', '', 0],
    ['error-after', '500', 1],
    ['answer-lost', '', 1],
  ] as const)('%s: the client fails (%s), the store has %i objects', async (fault, status, objects) => {
    const { server, bucket, proxy } = await proxied(fault)
    await expect(create(bucket, 'files/a', 'x'.repeat(1000))).rejects.toMatchObject({
      message: expect.stringContaining(status),
    })
    expect(server.objects.keys()).toHaveLength(objects)
    expect(proxy.faults).toEqual(new Map([[fault, 1]]))
  })

  it('late: the store gets it when it is released, and has it once', async () => {
    const { server, bucket, proxy } = await proxied('late')
    await create(bucket, 'files/a').catch(() => {})
    expect(await create(bucket, 'files/a')).toBe('created')
    await proxy.release()
    expect(proxy.lateAnswers).toEqual(new Map([[412, 1]]))
    expect(server.objects.keys()).toEqual(['p/files/a'])
  })

  it('again: the second one is refused by the store', async () => {
    const { bucket, proxy } = await proxied('again')
    expect(await create(bucket, 'files/a')).toBe('created')
    await proxy.release()
    expect(proxy.lateAnswers).toEqual(new Map([[412, 1]]))
  })

  it('cut-answer: half of a body is no body', async () => {
    const { bucket } = await proxied('cut-answer', ['GET'])
    await create(bucket, 'files/a', 'x'.repeat(1000))
    await expect(bucket.get('files/a')).rejects.toThrow()
    expect((await bucket.get('files/a'))?.body.byteLength).toBe(1000)
  })

  it('none of it once it is calm', async () => {
    const { bucket, proxy } = await proxied('throttled')
    proxy.calm()
    expect(await create(bucket, 'files/a')).toBe('created')
    expect(proxy.faults.size).toBe(0)
  })
})

describe('signing for the store behind TLS', () => {
  it('the name of the store, the same credentials, what was sent of the body', () => {
    const now = new Date()
    const headers = ['Host', '127.0.0.1:1', 'Authorization', 'AWS4-HMAC-SHA256 Credential=other', 'If-None-Match', '*']
    const sent = ['x-amz-content-sha256', 'ab'.repeat(32), 'x-amz-meta-origin', '{"a":  1}', 'X-Amz-Date', 'old']
    const request = {
      method: 'PUT',
      url: '/b/a%20b?x-id=PutObject&flag',
      headers: [...headers, ...sent],
      body: Buffer.alloc(1),
    }
    const facts = { host: 's3.eu.example', region: 'eu', accessKeyId: 'key', secretAccessKey: 'secret', now }
    const signed = signHeaders(request, { ...facts, sessionToken: 'token' })
    const named: Record<string, string> = {}
    for (let at = 0; at < signed.length; at += 2) named[signed[at] ?? ''] = signed[at + 1] ?? ''
    expect(named).toMatchObject({ host: 's3.eu.example', 'if-none-match': '*', 'x-amz-security-token': 'token' })
    expect(named['x-amz-content-sha256']).toBe('ab'.repeat(32))
    const known = new Map([['key', { secret: 'secret' }]])
    expect(checkSignature({ ...request, headers: named }, known, 'eu', now.getTime())).toBeUndefined()
  })
})

it.skipIf(!hasOpenssl)(
  'a store behind TLS is asked by its own name, and takes the signature (needs openssl)',
  async () => {
    const authority = await makeAuthority('torture')
    onTestFinished(() => authority.remove())
    const server = await faultS3({ tls: await authority.issue('server') })
    const place = { region: undefined, profile: undefined, ca: authority.certFile }
    const target = await resolveTarget({ ...place, to: 's3://bucket/mine', endpoint: server.endpoint }, 'torture-1')
    if (target.scheme === 'file') throw new Error('no S3')
    onTestFinished(() => target.client.destroy())
    const plan = new FaultPlan(seededRandom(1), {}, { lateMsMax: 0, now: () => 0, isSteady: true })
    const sign = createSigner(target)
    const proxy = new FaultProxy({ upstream: target.endpoint, ca: target.ca, plan, sign, onStored() {} })
    await proxy.listen()
    onTestFinished(() => proxy.close())
    const bucket = bucketOn(proxy, { prefix: target.prefix })
    expect(await create(bucket, 'files/a b+c', 'body')).toBe('created')
    expect(await create(bucket, 'files/a b+c', 'body')).toBe('exists')
    expect((await bucket.get('files/a b+c'))?.size).toBe(4)
    expect(await listed(bucket, 'files/')).toEqual(['files/a b+c'])
    expect(server.objects.keys()).toEqual(['mine/torture-1/files/a b+c'])
    expect(server.requests.at(-1)?.headers.host).toBe(new URL(server.endpoint).host)
  },
)

describe('the plan of faults', () => {
  const plan = (seed: number) => new FaultPlan(seededRandom(seed), fullRates, { lateMsMax: 60_000, now: () => 0 })
  const draw = (seed: number, kind: RequestKind): (FaultKind | undefined)[] => {
    const drawn = plan(seed)
    return Array.from({ length: 500 }, () => drawn.next(kind))
  }

  it('is the same for the same seed', () => {
    expect(draw(1, 'PUT')).toEqual(draw(1, 'PUT'))
    expect(draw(1, 'PUT')).not.toEqual(draw(2, 'PUT'))
  })

  it('lets each fault meet what it can spoil', () => {
    expect(new Set(draw(1, 'GET'))).not.toContain('late')
    expect(new Set(draw(1, 'GET'))).toContain('cut-answer')
    expect(new Set(draw(1, 'PUT'))).toContain('again')
    expect(new Set(draw(1, 'PUT'))).not.toContain('cut-answer')
  })

  it('a late request is late within its bound', () => {
    const late = Array.from({ length: 200 }, () => plan(3).lateMs())
    expect(Math.min(...late)).toBeGreaterThanOrEqual(300)
    expect(Math.max(...late)).toBeLessThanOrEqual(60_000)
  })

  it('turns the weather: fair, storms and outages come and go', () => {
    let nowMs = 0
    const turning = new FaultPlan(seededRandom(4), fullRates, { lateMsMax: 0, now: () => nowMs })
    const faults = Array.from({ length: 3_000 }, () => {
      nowMs += 100
      return turning.next('GET')
    })
    expect(turning.outages).toBeGreaterThan(0)
    const part = faults.filter((fault) => fault !== undefined).length / faults.length
    expect(part).toBeGreaterThan(0.2)
    expect(part).toBeLessThan(0.6)
  })
})
