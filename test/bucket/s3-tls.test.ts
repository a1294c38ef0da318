import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bucketOn, create, faultS3, stubFaultS3Env } from '../support/fault-s3-fixture.ts'
import { type Authority, type Certificate, hasOpenssl, makeAuthority } from '../support/tls.ts'

describe.skipIf(!hasOpenssl)('S3 over TLS (needs openssl)', () => {
  let ours: Authority
  let other: Authority
  let server: Certificate
  let client: Certificate

  beforeAll(async () => {
    ours = await makeAuthority('ours')
    other = await makeAuthority('other')
    server = await ours.issue('server')
    client = await ours.issue('client')
  })

  afterAll(async () => {
    await ours.remove()
    await other.remove()
  })

  it('the authority of a destination is trusted, for every request', async () => {
    const store = await faultS3({ tls: server })
    const bucket = bucketOn(store, { caFile: ours.certFile })
    const body = Buffer.alloc(3 * 1024 * 1024, 'b')
    expect(await create(bucket, 'files/a', body)).toBe('created')
    expect((await bucket.get('files/a'))?.body.byteLength).toBe(body.byteLength)
    expect(store.objects.body('files/a')?.equals(body)).toBe(true)
    expect(store.connections).toBe(1)
  })

  it('without it, or with another one, the store is refused, and nothing is sent', async () => {
    const store = await faultS3({ tls: server })
    for (const caFile of [undefined, other.certFile]) {
      await expect(create(bucketOn(store, { caFile }), 'files/a')).rejects.toMatchObject({
        code: 'refused',
        hint: `set ca: (--ca) to the PEM file of the authority that signed the certificate of ${store.endpoint}`,
      })
    }
    expect(store.requests).toEqual([])
  })

  it('one destination’s authority is not another’s', async () => {
    const stores = [await faultS3({ tls: server }), await faultS3({ tls: await other.issue('server') })] as const
    const [first, second] = [ours, other].map(({ certFile }, at) => bucketOn(stores[at]!, { caFile: certFile }))
    expect(await create(first!, 'files/a')).toBe('created')
    expect(await create(second!, 'files/a')).toBe('created')
    await expect(create(bucketOn(stores[1], { caFile: ours.certFile }), 'files/b')).rejects.toThrow('UNABLE_TO')
  })

  it('AWS_CA_BUNDLE counts where no authority is set', async () => {
    const store = await faultS3({ tls: server })
    stubFaultS3Env({ AWS_CA_BUNDLE: ours.certFile })
    expect(await create(bucketOn(store), 'files/a')).toBe('created')
  })

  it('a certificate that has run out', async () => {
    const store = await faultS3({ tls: await ours.issue('old', -1) })
    await expect(create(bucketOn(store, { caFile: ours.certFile }), 'files/a')).rejects.toMatchObject({
      code: 'refused',
      hint: expect.stringContaining('renew the certificate'),
    })
  })

  it('http to a port that speaks TLS, and https to one that does not', async () => {
    const secure = await faultS3({ tls: server })
    const plain = await faultS3()
    const swapped = { endpoint: plain.endpoint.replace('http:', 'https:') }
    await expect(create(bucketOn(swapped), 'files/a')).rejects.toMatchObject({
      code: 'refused',
      hint: expect.stringContaining('does not speak TLS'),
    })
    const toTls = bucketOn({ endpoint: secure.endpoint.replace('https:', 'http:') })
    await expect(create(toTls, 'files/a')).rejects.toMatchObject({ code: 'unavailable' })
  })

  describe('with client certificates', () => {
    const mutual = () => ({ ...server, ca: ours.cert, requestCert: true, rejectUnauthorized: true })

    it('ours is shown and accepted', async () => {
      const store = await faultS3({ tls: mutual() })
      const { certFile, keyFile } = client
      const bucket = bucketOn(store, { caFile: ours.certFile, certFile, keyFile })
      expect(await create(bucket, 'files/a')).toBe('created')
    })

    it('without one the store says what it wants', async () => {
      const store = await faultS3({ tls: mutual() })
      await expect(bucketOn(store, { caFile: ours.certFile }).get('files/a')).rejects.toMatchObject({
        code: 'refused',
        hint: expect.stringContaining('set cert: and key: (--cert, --key)'),
      })
      expect(store.requests).toEqual([])
    })

    it.each(['400 No required SSL certificate was sent', '400 The SSL certificate error'])(
      'a page of nginx that says %s means the same',
      async (title) => {
        const store = await faultS3()
        const body = `<html>\r\n<head><title>${title}</title></head>\r\n<hr><center>nginx</center>\r\n</html>`
        store.fault(() => ({ kind: 'instead', reply: { status: 400, headers: { 'content-type': 'text/html' }, body } }))
        await expect(create(bucketOn(store), 'files/a')).rejects.toMatchObject({
          code: 'refused',
          message: expect.stringContaining(`400 ClientCertificateRequired on PutObject: ${title}`),
          hint: expect.stringContaining('set cert: and key: (--cert, --key)'),
        })
      },
    )

    it('one that the store does not know gets nowhere', async () => {
      const store = await faultS3({ tls: mutual() })
      const { certFile, keyFile } = await other.issue('client')
      const bucket = bucketOn(store, { caFile: ours.certFile, certFile, keyFile })
      await expect(create(bucket, 'files/a')).rejects.toMatchObject({
        code: expect.stringMatching(/unavailable|refused/),
      })
      expect(store.requests).toEqual([])
    })
  })

  describe('settings that cannot work are invalid at once', () => {
    const anywhere = { endpoint: 'https://127.0.0.1:1' }

    it.each<[string, () => object, RegExp]>([
      ['a file that is not there', () => ({ caFile: '/nowhere/ca.pem' }), /^ca: cannot read \/nowhere\/ca\.pem/],
      ['a file that is no PEM', () => ({ caFile: import.meta.filename }), /is not in PEM form/],
      ['a certificate without its key', () => ({ certFile: client.certFile }), /^cert: is set without key:/],
      ['a key without its certificate', () => ({ keyFile: client.keyFile }), /^key: is set without cert:/],
      [
        'a key that is another’s',
        () => ({ certFile: client.certFile, keyFile: server.keyFile }),
        /key values mismatch/,
      ],
    ])('%s', (_what, settings, message) => {
      expect(() => bucketOn(anywhere, settings())).toThrow(
        expect.objectContaining({ code: 'invalid', message: expect.stringMatching(message), hint: expect.anything() }),
      )
    })
  })
})
