import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { readProxies } from '../../src/bucket/s3-proxy.ts'
import { type ConnectProxy, type ConnectProxyOptions, startConnectProxy } from '../support/connect-proxy.ts'
import { bucketOn, create, faultS3, listed } from '../support/fault-s3-fixture.ts'
import { stubProxyEnv } from '../support/proxy-env.ts'
import { type Authority, type Certificate, hasOpenssl, makeAuthority } from '../support/tls.ts'

async function proxy(options: ConnectProxyOptions = {}): Promise<ConnectProxy> {
  const started = await startConnectProxy(options)
  onTestFinished(() => started.close())
  return started
}

const MiB = 1024 * 1024

describe('through a proxy, to a store without TLS', () => {
  it.each(['HTTP_PROXY', 'http_proxy'])('%s: every request is passed on', async (name) => {
    const store = await faultS3()
    const { port, asked } = await proxy()
    stubProxyEnv({ [name]: `http://127.0.0.1:${port}` })
    const bucket = bucketOn(store)
    const body = Buffer.alloc(3 * MiB, 'b')
    expect(await create(bucket, 'files/a b', body)).toBe('created')
    expect(body.equals((await bucket.get('files/a b'))?.body ?? Buffer.alloc(0))).toBe(true)
    expect(await listed(bucket)).toEqual(['files/a b'])
    expect(asked[0]).toBe(`PUT ${store.endpoint}/bucket/files/a%20b?x-id=PutObject`)
    expect(asked).toHaveLength(store.requests.length)
  })

  it('407 and a refusal name the proxy, not the store', async () => {
    const store = await faultS3()
    const { port } = await proxy({ credentials: 'me:secret' })
    stubProxyEnv({ HTTP_PROXY: `http://127.0.0.1:${port}` })
    await expect(create(bucketOn(store), 'files/a')).rejects.toMatchObject({
      code: 'refused',
      hint: expect.stringContaining(`the proxy http://127.0.0.1:${port} wants a user and a password`),
    })
    const second = await proxy({ refuses: 403 })
    stubProxyEnv({ HTTP_PROXY: `http://127.0.0.1:${second.port}` })
    await expect(create(bucketOn(store), 'files/a')).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('Forbidden by the proxy'),
      hint: expect.stringContaining(`the proxy http://127.0.0.1:${second.port} or ${store.endpoint} refuses`),
    })
    expect(store.requests).toEqual([])
  })
})

describe.skipIf(!hasOpenssl)('through a tunnel, to a store with TLS (needs openssl)', () => {
  let ours: Authority
  let server: Certificate
  let client: Certificate

  beforeAll(async () => {
    ours = await makeAuthority('ours')
    server = await ours.issue('server')
    client = await ours.issue('client')
  })

  afterAll(() => ours.remove())

  const files = () => ({ caFile: ours.certFile, certFile: client.certFile, keyFile: client.keyFile })
  const mutual = () => ({ ...server, ca: ours.cert, requestCert: true, rejectUnauthorized: true })

  it.each(['HTTPS_PROXY', 'https_proxy'])('%s: one tunnel for all requests, our certificate in it', async (name) => {
    const store = await faultS3({ tls: mutual() })
    const { port, asked } = await proxy({ credentials: 'me:p@ss word' })
    stubProxyEnv({ [name]: `http://me:p%40ss%20word@127.0.0.1:${port}` })
    const bucket = bucketOn(store, files())
    for (const key of ['a', 'b', 'c']) await create(bucket, `files/${key}`, Buffer.alloc(3 * MiB, key))
    expect((await bucket.get('files/c'))?.size).toBe(3 * MiB)
    expect(asked).toEqual([`CONNECT 127.0.0.1:${store.port}`])
    expect(store.peers).toEqual(['client'])
  })

  it('I7: never more tunnels than connections may be', async () => {
    const store = await faultS3({ tls: server })
    const { port, asked } = await proxy()
    stubProxyEnv({ HTTPS_PROXY: `127.0.0.1:${port}` })
    const bucket = bucketOn(store, { caFile: ours.certFile, connectionsMax: 2 })
    await Promise.all(Array.from({ length: 10 }, (_, at) => create(bucket, `files/${at}`)))
    expect(store.objects.keys()).toHaveLength(10)
    expect(asked).toHaveLength(2)
  })

  it('NO_PROXY goes around it', async () => {
    const store = await faultS3({ tls: server })
    const { port, asked } = await proxy()
    for (const exception of ['127.0.0.1', '10.0.0.0/8, 127.0.0.0/8', '*', `127.0.0.1:${store.port}`]) {
      stubProxyEnv({ HTTPS_PROXY: `http://127.0.0.1:${port}`, NO_PROXY: exception })
      await create(bucketOn(store, files()), `files/${exception.length}`)
    }
    expect(asked).toEqual([])
    expect(store.objects.keys()).toHaveLength(4)
  })

  it.each<[ConnectProxyOptions, string, string]>([
    [{ credentials: 'me:secret' }, 'refused', 'wants a user and a password'],
    [{ refuses: 403 }, 'refused', 'refuses to connect to'],
    [{ refuses: 502 }, 'unavailable', 'does not reach'],
  ])('a proxy like %o is %s, and named', async (options, code, hint) => {
    const store = await faultS3({ tls: server })
    const { port } = await proxy(options)
    stubProxyEnv({ HTTPS_PROXY: `http://you:no-secret@127.0.0.1:${port}` })
    const error = await create(bucketOn(store, files()), 'files/a').catch((error) => error)
    expect(error).toMatchObject({ code })
    expect(error.hint).toContain(`the proxy http://127.0.0.1:${port} ${hint}`)
    expect(`${error.message} ${error.hint}`).not.toContain('no-secret')
    expect(store.requests).toEqual([])
  })

  it('a proxy that is not there, and one that never answers', async () => {
    const store = await faultS3({ tls: server })
    const gone = await startConnectProxy()
    await gone.close()
    stubProxyEnv({ HTTPS_PROXY: `http://127.0.0.1:${gone.port}` })
    await expect(create(bucketOn(store, files()), 'files/a')).rejects.toMatchObject({
      code: 'unavailable',
      hint: expect.stringContaining(`nothing listens at the proxy http://127.0.0.1:${gone.port}`),
    })
    const mute = await proxy({ isMute: true })
    stubProxyEnv({ HTTPS_PROXY: `http://127.0.0.1:${mute.port}` })
    await expect(create(bucketOn(store, { ...files(), connectTimeoutMs: 50 }), 'files/a')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('no connection within 50 ms'),
      hint: expect.stringContaining(`check the network to the proxy http://127.0.0.1:${mute.port}`),
    })
  })
})

describe('the environment', () => {
  it.each([
    ['socks5://127.0.0.1:1080', /HTTPS_PROXY: socks5:\/\/127.0.0.1:1080 is no http/],
    ['http://me:100%@proxy:3128', /HTTPS_PROXY: http:\/\/…@proxy:3128 is no http/],
    ['http://me:a/b@proxy:3128', /HTTPS_PROXY: http:\/\/…@proxy:3128 is no http/],
  ])('%s is invalid at once, and keeps its secret', (text, message) => {
    const env = { HTTPS_PROXY: text }
    expect(() => readProxies(env)).toThrow(
      expect.objectContaining({ code: 'invalid', message: expect.stringMatching(message), hint: expect.anything() }),
    )
    expect(readProxies({ ...env, NO_PROXY: '*' }).env.https_proxy).toBeUndefined()
  })

  it.each<[string, string, boolean]>([
    ['amazonaws.com', 'https://b.s3.eu-west-1.amazonaws.com', true],
    ['.amazonaws.com', 'https://b.s3.eu-west-1.amazonaws.com', true],
    ['*.amazonaws.com', 'https://b.s3.eu-west-1.amazonaws.com', true],
    ['aws.com', 'https://b.s3.eu-west-1.amazonaws.com', false],
    ['minio.local', 'https://minio.local:9000', true],
    ['minio.local:9000', 'https://minio.local:9000', true],
    ['minio.local:9001', 'https://minio.local:9000', false],
    ['10.0.0.0/8', 'https://10.9.8.7:9000', true],
    ['10.0.0.0/8', 'https://11.0.0.1:9000', false],
    ['192.168.1.64/26', 'https://192.168.1.127', true],
    ['192.168.1.64/26', 'https://192.168.1.128', false],
    ['a.example b.example,c.example', 'https://B.example', true],
    ['', 'https://minio.local', false],
  ])('NO_PROXY=%s and %s: %s', (exceptions, url, isAround) => {
    const { proxyFor } = readProxies({ HTTPS_PROXY: 'http://me:secret@proxy:3128', NO_PROXY: exceptions })
    expect(proxyFor(url)).toBe(isAround ? undefined : 'http://proxy:3128')
  })

  it('lower case goes first; http and https have one each', () => {
    const env = { https_proxy: 'lower:1', HTTPS_PROXY: 'http://upper:1', HTTP_PROXY: 'plain:2' }
    const { proxyFor } = readProxies(env)
    expect(proxyFor('https://a')).toBe('http://lower:1')
    expect(proxyFor('http://a')).toBe('http://plain:2')
  })
})
