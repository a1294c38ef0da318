import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256 } from '../../src/base/hash.ts'
import { type AccessRules, admit, mayRead } from '../../src/server/access.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { storedStream } from '../support/stored-stream.ts'
import { type Authority, hasOpenssl, makeAuthority } from '../support/tls.ts'
import { ask, serveApi } from './api-fixture.ts'

guardLeaks()

const hashOf = (token: string): string => sha256(Buffer.from(token))
const rules: AccessRules = {
  tokens: [
    { name: 'ops', sha256: hashOf('everything'), hosts: ['*'] },
    { name: 'web', sha256: hashOf('some'), hosts: ['web-*'] },
  ],
  clients: [{ subject: 'grafana', hosts: ['db-?'] }],
}
const bearer = (token: string): { authorization: string } => ({ authorization: `Bearer ${token}` })

describe('who asks', () => {
  it.each([
    [bearer('everything'), 'ops'],
    [bearer('some'), 'web'],
    [{ authorization: 'bearer some' }, 'web'],
    [{ subject: 'grafana' }, 'grafana'],
  ])('%j is %s', (credentials, name) => {
    expect(admit(rules, credentials)).toMatchObject({ kind: 'reader', reader: { name } })
  })

  it.each([
    [{}, 'no token and no client certificate'],
    [bearer('other'), 'unknown token'],
    [bearer('Everything'), 'unknown token'],
    [bearer(hashOf('everything')), 'unknown token'],
    [{ authorization: 'Basic b3BzOmV2ZXJ5dGhpbmc=' }, 'no bearer token'],
    [{ authorization: 'Bearer a b' }, 'no bearer token'],
    [{ subject: 'grafana', ...bearer('other') }, 'unknown token'],
    [{ subject: 'stranger' }, 'unknown client certificate'],
  ])('%j is refused: %s', (credentials, why) => {
    expect(admit(rules, credentials)).toMatchObject({ kind: 'refused', status: 401, why })
  })

  it('may read the hosts of its globs', () => {
    const reader = { name: 'a', hosts: ['web-*', 'db-1'] }
    expect(['web-1', 'web-', 'db-1', 'db-12', 'x-web-1'].map((host) => mayRead(reader, host))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ])
  })

  it.each(['localhost', 'localhost:80', '127.0.0.1:1', '127.9.9.9', '[::1]:80', 'LOCALHOST'])(
    'without tokens is anybody who calls this machine %s',
    (host) => expect(admit({ tokens: [], clients: [] }, { host }).kind).toBe('reader'),
  )

  it.each(['evil.example', 'evil.example:80', 'localhost.evil.example', '10.0.0.1', '', '[::2]', 'a@localhost'])(
    'without tokens is nobody who was sent here as %j',
    (host) => expect(admit({ tokens: [], clients: [] }, { host })).toMatchObject({ kind: 'refused', status: 421 }),
  )
})

describe('a server with tokens', () => {
  async function setUp() {
    const api = await serveApi({ rules })
    await storedStream(api.bucket, 'web-1', '0-1', '/a').append('web')
    await storedStream(api.bucket, 'db-1', '0-1', '/a').append('db')
    return api
  }

  it('answers each reader what is theirs, and nobody else anything', async () => {
    const api = await setUp()
    const hosts = async (token: string): Promise<string[]> =>
      (await ask(api, '/api/v1/hosts', { headers: bearer(token) }))
        .json()
        .hosts.map(({ host }: { host: string }) => host)
    expect(await hosts('everything')).toEqual(['db-1', 'web-1'])
    expect(await hosts('some')).toEqual(['web-1'])
    const paths = api.routes.filter(({ isOpen }) => !isOpen).map(({ path }) => path)
    expect(paths.length).toBeGreaterThan(5)
    for (const path of paths) {
      const url = path.replace('{host}', 'db-1').replace('{stream}', '0-1')
      const nobody = await ask(api, url)
      expect([path, nobody.status, nobody.headers['www-authenticate']]).toEqual([path, 401, 'Bearer realm="logcask"'])
      if (path === '/api/v1/hosts') continue
      expect([path, (await ask(api, url, { headers: bearer('some') })).status]).toEqual([path, 403])
    }
    for (const path of ['/healthz', '/readyz']) expect((await ask(api, path)).status).toBe(200)
    const unknown = await ask(api, '/api/v1/hosts/nobody/streams', { headers: bearer('some') })
    expect(unknown.status).toBe(403)
  })

  it('tells of every refusal who asked for what', async () => {
    const api = await setUp()
    await ask(api, '/api/v1/hosts')
    await ask(api, '/api/v1/hosts/db-1/streams', { headers: bearer('some') })
    expect(api.refused).toEqual([
      {
        status: 401,
        why: 'no token and no client certificate',
        who: undefined,
        from: '127.0.0.1',
        method: 'GET',
        path: '/api/v1/hosts',
      },
      {
        status: 403,
        why: 'this host is not among those to read',
        who: 'web',
        from: '127.0.0.1',
        method: 'GET',
        path: '/api/v1/hosts/db-1/streams',
      },
    ])
  })

  it('lets nothing out that a browser would run, frame or keep', async () => {
    const api = await setUp()
    const { headers } = await ask(api, '/api/v1/hosts', { headers: bearer('some') })
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
      'x-content-type-options': 'nosniff',
    })
    expect(headers['access-control-allow-origin']).toBeUndefined()
    expect((await ask(api, '/api/v1/hosts', { method: 'DELETE', headers: bearer('some') })).status).toBe(405)
  })

  it('ends what is no request of HTTP', async () => {
    const api = await setUp()
    const answer = await new Promise<string>((resolve) => {
      let text = ''
      const socket = connect(api.port, '127.0.0.1')
      socket.on('data', (bytes) => (text += bytes))
      socket.on('close', () => resolve(text))
      socket.on('error', () => {})
      socket.write('GET /api/v1/hosts HTTP/1.1\r\nhost: localhost\r\nx: a\u0000b\r\n\r\n')
    })
    expect(answer).toMatch(/^HTTP\/1.1 400 /)
  })
})

describe.skipIf(!hasOpenssl)('over TLS (needs openssl)', () => {
  let own: Authority
  let other: Authority
  beforeAll(async () => {
    own = await makeAuthority('own')
    other = await makeAuthority('other')
  })
  afterAll(async () => {
    await own.remove()
    await other.remove()
  })

  it('knows a client by a certificate of its authority, and renews its own for new connections', async () => {
    const [first, second, grafana, stranger, forged] = [
      await own.issue('first'),
      await own.issue('second'),
      await own.issue('grafana'),
      await own.issue('stranger'),
      await other.issue('grafana'),
    ]
    const api = await serveApi({ rules, tls: { cert: first.cert, key: first.key, clientCa: own.cert } })
    await storedStream(api.bucket, 'db-1', '0-1', '/a').append('db')
    const path = '/api/v1/hosts/db-1/streams/0-1/content'
    const status = async (client: object, headers = {}): Promise<number> =>
      (await ask(api, path, { headers, tls: { ca: own.cert, ...client } })).status
    expect(await status({ cert: grafana.cert, key: grafana.key })).toBe(200)
    expect(await status({ cert: stranger.cert, key: stranger.key })).toBe(401)
    expect(await status({ cert: forged.cert, key: forged.key })).toBe(401)
    expect(await status({})).toBe(401)
    expect(await status({}, bearer('everything'))).toBe(200)
    expect(await status({ cert: forged.cert, key: forged.key }, bearer('everything'))).toBe(200)
    const subject = async (): Promise<string> => {
      const { connect: connectTls } = await import('node:tls')
      return new Promise((resolve, reject) => {
        const socket = connectTls({ port: api.port, host: '127.0.0.1', ca: own.cert }, () => {
          resolve(String(socket.getPeerCertificate().subject.CN))
          socket.destroy()
        })
        socket.on('error', reject)
      })
    }
    expect(await subject()).toBe('first')
    api.server.renew({ cert: second.cert, key: second.key, clientCa: own.cert })
    expect(await subject()).toBe('second')
  })
})
